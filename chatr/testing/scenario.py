"""A decision tested in three clauses: given(*events).when(command).then(event), or .then_rejected(code)."""

from attrs import frozen

from chatr.domain.commands import Command
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import Event
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.testing.records import folded_room, records_of


@frozen
class Outcome:
    """The result of a command: an event, the record that answers it already, or the rule that it violates."""

    result: Event | AlreadyRecorded | RuleViolated

    def then(self, expected: Event | AlreadyRecorded) -> None:
        """Check that the command was accepted with this result."""
        if self.result != expected:
            raise AssertionError(f"expected {expected!r}, but it was {self.result!r}")

    def then_rejected(self, code: str, **details: object) -> None:
        """Check that the command was rejected by a rule with this code, with these details and maybe others."""
        if not isinstance(self.result, RuleViolated) or self.result.code != code:
            raise AssertionError(f"expected the error {code}, but it was {self.result!r}")
        actual = {name: self.result.details.get(name) for name in details}
        if actual != details:
            raise AssertionError(f"expected the error to have {details}, but it had {actual}")


@frozen
class Given:
    """A room in which a command is decided."""

    room: Room

    def when(self, command: Command) -> Outcome:
        """Decide a command in the room, which stays as it is."""
        try:
            return Outcome(decide(self.room.agent(command.agent), command, self.room.rule_context))
        except RuleViolated as violation:
            return Outcome(violation)


def given(*events: Event) -> Given:
    """The room in which these events have happened, the first of them at position 1."""
    return Given(folded_room(records_of(events)))
