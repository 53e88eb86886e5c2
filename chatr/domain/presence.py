"""Who is online, found without asking everyone: the present agents by the minute of their last record."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from attrs import define, field

from chatr.domain.agent import Agent
from chatr.domain.events import AgentId
from chatr.domain.limits import MINUTE


@define
class Presence:
    minutes: defaultdict[int, set[AgentId]] = field(factory=lambda: defaultdict(set))

    def apply(self, before: Agent, after: Agent) -> None:
        """Follow one agent from the state before a record to the state after it."""
        old = before.last_seen // MINUTE if before.present else None
        new = after.last_seen // MINUTE if after.present else None
        if old == new:
            return
        if old is not None:
            there = self.minutes[old]
            there.discard(before.id)
            if not there:
                del self.minutes[old]
        if new is not None:
            self.minutes[new].add(after.id)

    def near(self, now: int, reach: int) -> Iterator[AgentId]:
        """Every present agent whose last record lies within `reach` of `now`, and perhaps a few more."""
        for minute in self._minutes(now, reach):
            yield from self.minutes[minute]

    def count(self, now: int, reach: int, within: Callable[[AgentId], bool]) -> int:
        """How many lie within `reach`: asked of those alone whose minute lies half within."""
        halves = ((now - reach) // MINUTE, (now + reach) // MINUTE)
        return sum(
            sum(map(within, self.minutes[minute])) if minute in halves else len(self.minutes[minute])
            for minute in self._minutes(now, reach)
        )

    def _minutes(self, now: int, reach: int) -> list[int]:
        minutes = range((now - reach) // MINUTE, (now + reach) // MINUTE + 1)
        fewer, more = (minutes, self.minutes) if len(minutes) < len(self.minutes) else (self.minutes, minutes)
        return [minute for minute in fewer if minute in more]
