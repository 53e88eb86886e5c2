"""A rule's test in three clauses: given(*events).when(command).then(event), or .then_refused(code)."""

from attrs import frozen

from chatr.domain.commands import Command
from chatr.domain.decide import Settled, decide
from chatr.domain.events import Event
from chatr.domain.room import Room
from chatr.domain.rule import Refused
from chatr.testing.records import folded, happened


@frozen
class Outcome:
    """What came of a command."""

    answer: Event | Settled | Refused

    def then(self, expected: Event | Settled) -> None:
        """It became this event, or the record at that position answers it already."""
        if self.answer != expected:
            raise AssertionError(f"expected {expected!r}, but it was {self.answer!r}")

    def then_refused(self, code: str, **facts: object) -> None:
        """A rule with this code forbids it, and these facts are among those that are told."""
        if not isinstance(self.answer, Refused) or self.answer.code != code:
            raise AssertionError(f"expected the refusal {code}, but it was {self.answer!r}")
        told = {name: self.answer.facts.get(name) for name in facts}
        if told != facts:
            raise AssertionError(f"expected the refusal to tell {facts}, but it told {told}")


@frozen
class Given:
    """A room with a past."""

    room: Room

    def when(self, command: Command) -> Outcome:
        try:
            return Outcome(decide(self.room.agent(command.agent), command, self.room.house))
        except Refused as refused:
            return Outcome(refused)


def given(*events: Event) -> Given:
    """The room in which this has happened; the first event stands at position 1."""
    return Given(folded(happened(events)))
