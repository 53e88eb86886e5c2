"""An index of the present agents by the minute in which they were seen. It finds who is online without a full scan.

A present agent has been active and has not left. It is online if it was also seen within a window around now. All times
are milliseconds since 1970.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

from attrs import define, field

from chatr.domain.agent import Agent
from chatr.domain.events import AgentId
from chatr.domain.limits import MINUTE


@define
class Presence:
    """`minutes` maps `last_seen // MINUTE` to the agents with `present` that were last seen in that minute."""

    minutes: defaultdict[int, set[AgentId]] = field(factory=lambda: defaultdict(set))

    def apply(self, before: Agent, after: Agent) -> None:
        """Move one agent in the index. `before` and `after` are its states around a record."""
        old = before.last_seen // MINUTE if before.present else None
        new = after.last_seen // MINUTE if after.present else None
        if old == new:
            return
        if old is not None:
            agents = self.minutes[old]
            agents.discard(before.id)
            if not agents:
                # Otherwise the index would grow with every minute of the room's life.
                del self.minutes[old]
        if new is not None:
            self.minutes[new].add(after.id)

    def candidates(self, now: int, window: int) -> Iterator[AgentId]:
        """A superset of the present agents last seen within `window` ms of `now`.

        Whole minutes are compared, so some were last seen up to a minute outside. `Agent.is_online` decides.
        """
        for minute in self._minutes(now, window):
            yield from self.minutes[minute]

    def count(self, now: int, window: int, is_within: Callable[[AgentId], bool]) -> int:
        """How many present agents were last seen within `window` ms of `now`.

        `is_within` decides about one agent. It is called only for the two minutes that lie partly within.
        """
        partly_within = ((now - window) // MINUTE, (now + window) // MINUTE)
        return sum(
            sum(map(is_within, self.minutes[minute])) if minute in partly_within else len(self.minutes[minute])
            for minute in self._minutes(now, window)
        )

    def _minutes(self, now: int, window: int) -> list[int]:
        """The minutes that have agents and lie at least partly within `window` ms of `now`."""
        # On both sides of `now`, because the node that recorded an agent may have a clock that is ahead.
        minutes = range((now - window) // MINUTE, (now + window) // MINUTE + 1)
        # Iterates over the smaller one: with an `--online-for` of days the window has more minutes than the index.
        smaller, larger = (minutes, self.minutes) if len(minutes) < len(self.minutes) else (self.minutes, minutes)
        return [minute for minute in smaller if minute in larger]
