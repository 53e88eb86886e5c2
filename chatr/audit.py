"""Was everything in the log allowed by the rules then in force, and is it what was stored?"""

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import fields, frozen

from chatr.codec import decode
from chatr.domain.agent import Agent
from chatr.domain.commands import Command
from chatr.domain.decide import answered, as_command, event_of, rules_for
from chatr.domain.events import (
    AgentId,
    AgentRegistered,
    AgentVerified,
    LimitsAdopted,
    Record,
    VerificationStarted,
    stream_of,
)
from chatr.domain.limits import HOUR
from chatr.domain.room import Room
from chatr.domain.rule import House
from chatr.ports import Stored

TOLERANCE: Final = 24 * HOUR
"""How far ahead of the auditor's clock, or behind the record before it, a record's time may lie."""

REMEMBERED: Final = 100
"""States of an agent before a verification that are remembered, for judging deciders that were behind."""


@frozen
class Finding:
    """What is wrong with the record at `position`; a note is worth knowing and nothing wrong."""

    position: int
    sentence: str
    note: bool = False


@frozen(order=True)
class Head:
    """The digest over a log up to `position`. Whoever keeps one can prove later that nothing before it was changed."""

    position: int
    digest: bytes


class Audit:
    """Folds a log record by record, and says of each what is wrong with it."""

    def __init__(self, now: int, kept: Iterable[Head] = ()) -> None:
        self.room = Room()
        self._now = now
        self._kept = deque(sorted(kept))
        self._proven = 0
        self._at: int | None = None
        self._last: dict[str, int] = {}
        self._ids: set[int] = set()
        self._houses: list[House] = [self.room.house]
        self._before: defaultdict[AgentId, deque[tuple[int, Agent]]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def check(self, stored: Stored) -> Iterator[Finding]:
        """Judge the next record, then fold it. Raises Unreadable where it cannot be folded."""
        position = stored.position
        if position <= self.room.position:
            yield Finding(position, f"It stands after position {self.room.position}.")
            return
        for sentence in (*self._place(stored), *self._form(stored)):
            yield Finding(position, sentence)
        record = decode(stored)
        yield from self._pace(record)
        yield from self._decision(record, stored.stream)
        self._fold(record)
        yield from self._heads()

    def end(self) -> Iterator[Finding]:
        """What only the end of the log tells."""
        for head in self._kept:
            yield Finding(head.position, f"A head was kept of this position, but the log ends at {self.room.position}.")

    def _place(self, stored: Stored) -> Iterator[str]:
        """Is it where it says it is? Of an id 64 bits are kept, as a million whole ones would fill the memory."""
        expected, last = self.room.position + 1, self._last.get(stored.stream, 0)
        if stored.position != expected:
            yield f"Position {expected} should be next: records are missing."
        if stored.previous != last:
            yield f"It follows position {stored.previous} in its stream, whose last record is {last}."
        if hash(stored.id) in self._ids:
            yield "Its id is that of an earlier record."
        self._last[stored.stream] = stored.position
        self._ids.add(hash(stored.id))

    def _form(self, stored: Stored) -> Iterator[str]:
        """Is it as it was stored, and could it have been stored then?"""
        if stored.check != stored.check_after(stored.previous):
            yield "Its check does not fit: it was changed after it was stored."
        if not self._sane(stored.at):
            yield "Its time lies in the future, or before 1970."
        if not stored.previous <= stored.seen < stored.position:
            yield f"Its decider had seen position {stored.seen}, which cannot be."

    def _pace(self, record: Record) -> Iterator[Finding]:
        """Clocks step back by a little."""
        at = record.event.at
        if self._at is not None and at < self._at - TOLERANCE:
            yield Finding(record.position, "Its time is more than a day before that of the last record.", note=True)
        if self._sane(at):
            self._at = at

    def _sane(self, at: int) -> bool:
        return 0 <= at <= self._now + TOLERANCE

    def _decision(self, record: Record, stream: str) -> Iterator[Finding]:
        """Would it be decided again?"""
        belongs, command = stream_of(record.event), as_command(record.event)
        if belongs != stream:
            yield Finding(record.position, f"It stands in stream {stream} and belongs into {belongs}.")
        later = bisect_right(self._houses, record.seen, key=lambda house: house.adopted)
        yield from verdicts(record, command, self._agent(command.agent, record.seen), self._houses[max(later, 1) - 1])

    def _agent(self, agent: AgentId, seen: int) -> Agent:
        """The agent as the decider had seen it. Of what may have come since in another stream than that of the record
        which is judged, only what has to do with the badge bears on a verdict.
        """
        since = (before for position, before in self._before.get(agent, ()) if position > seen)
        return next(since, self.room.agent(agent))

    def _fold(self, record: Record) -> None:
        """What was found already shall not keep the rest from being judged."""
        event = record.event
        if isinstance(event, VerificationStarted | AgentVerified):
            self._before[event.agent].append((record.position, self.room.agent(event.agent)))
        if not isinstance(event, AgentRegistered | LimitsAdopted):
            self.room.agents.setdefault(event.agent, Agent(event.agent))
        self.room.position = record.position - 1
        self.room.apply(record)
        if isinstance(event, LimitsAdopted):
            self._houses.append(self.room.house)

    def _heads(self) -> Iterator[Finding]:
        """Is the head here the one that was kept? After the first that is not, none can be."""
        while self._kept and self._kept[0].position <= self.room.position:
            kept = self._kept.popleft()
            if kept != Head(self.room.position, self.room.head):
                changed = f"something from position {self._proven + 1} to {kept.position} was changed"
                yield Finding(kept.position, f"The head is not the one that was kept: {changed}.")
                self._kept.clear()
            self._proven = kept.position


def verdicts(record: Record, command: Command, agent: Agent, house: House) -> Iterator[Finding]:
    """Every way in which the rules in force would not have had this record."""
    position = record.position
    answer = answered(agent, command, house)
    if answer is not None:
        yield Finding(position, f"Record {answer} had answered this already: nothing was to be recorded.")
        return
    broken = [rule for rule in rules_for(command) if not rule.holds(agent, command, house)]
    for rule in broken:
        who = "Today's rules would" if rule.of_text else "The rules"
        yield Finding(position, f"{who} refuse it: {rule.told(house.limits)}", note=rule.of_text)
    if all(rule.of_text for rule in broken) and (again := event_of(agent, command)) != record.event:
        for field in fields(type(again)):
            if getattr(again, field.name) != getattr(record.event, field.name):
                yield Finding(position, f"Decided again, its {field.name} comes out otherwise.")
