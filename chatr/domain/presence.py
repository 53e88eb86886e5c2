"""The agents that are online, sorted by name.

A record can change the status of one agent. As time passes, only agents whose window begins or ends are looked at. So
the cost does not depend on how many agents are online. All times are milliseconds since 1970.
"""

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import islice
from typing import Final

from attrs import define, field

from chatr.domain.agent import Agent
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limits
from chatr.domain.sorted_blocks import Entry, SortedBlocks

AGENTS_PER_STEP: Final = 1_000
"""Agents that one call of `advance` looks at: a few milliseconds of work."""


def name_order(agent: Agent) -> str:
    """The key by which lists of agents are sorted. It is unique: no two names differ only in case."""
    return agent.name.lower()


@define(eq=False)
class Presence:
    """The agents of a room that are online at `now`, which is None until `advance` is called: until then `apply` does
    nothing.

    `version` grows with each agent that comes or goes. `agents` are those of the room, which changes them.
    """

    agents: Mapping[AgentId, Agent]
    now: int | None = None
    limits: Limits = field(factory=Limits)
    version: int = 0
    _sorted: SortedBlocks = field(factory=SortedBlocks)
    _entries: dict[AgentId, Entry] = field(factory=dict)
    # A heap of times at which an agent may come online or go offline without a record. An agent that acts again and
    # again keeps its first time: it is looked at then, and gets a new one. So the heap does not grow with records.
    _due: list[tuple[int, AgentId]] = field(factory=list)
    _due_at: dict[AgentId, int] = field(factory=dict)
    _to_scan: Iterator[AgentId] | None = None
    # A dict as ordered set of the agents that came or went and are not taken yet; None before the first scan ended.
    _changed: dict[AgentId, None] | None = None

    def __len__(self) -> int:
        """How many agents are online."""
        return len(self._entries)

    def __contains__(self, agent: AgentId) -> bool:
        """Whether an agent is online."""
        return agent in self._entries

    @property
    def scheduled(self) -> int:
        """How many times are stored at which an agent may come or go without a record."""
        return len(self._due)

    def page(self, after: str, count: int) -> list[Agent]:
        """The first `count` agents whose key of `name_order` is greater than `after`."""
        return [self.agents[agent] for _, agent in self._sorted.after(after, count)]

    def apply(self, agent: Agent) -> None:
        """Update who is online, by the state of an agent after a record."""
        if self.now is not None:
            self._update((agent,), self.now)

    def advance(self, now: int, limits: Limits) -> bool:
        """Do one step of the update to the time `now`. Returns True if it is complete, False if it needs another call.

        Until then some agents have their earlier status.
        """
        # If the clock stepped back or the limits changed, agents without a scheduled time may be online: scan all.
        if self.now is None or now < self.now or limits != self.limits:
            self._to_scan = iter(list(self.agents))
        self.now, self.limits = now, limits
        self._update(self._take_due(now), now)
        if self._to_scan is not None:
            scanned = [self.agents[agent] for agent in islice(self._to_scan, AGENTS_PER_STEP)]
            self._update(scanned, now)
            if len(scanned) < AGENTS_PER_STEP:
                self._to_scan = None
                self._changed = {} if self._changed is None else self._changed
        return self._to_scan is None and not (self._due and self._due[0][0] <= now)

    def take_changes(self, most: int) -> list[tuple[AgentId, bool]]:
        """Remove and return at most `most` changes: the agents that came or went, and whether they are online now.

        An agent that came and went is among them, because a list that was made in between shows it.
        """
        changed = self._changed or {}
        taken = list(islice(changed, most))
        for agent in taken:
            del changed[agent]
        return [(agent, agent in self) for agent in taken]

    def forget_changes(self) -> None:
        """Discard the changes that were not taken."""
        if self._changed is not None:
            self._changed = {}

    def _take_due(self, now: int) -> list[Agent]:
        """The agents whose time has come, at most AGENTS_PER_STEP. They get new times when they are updated."""
        due: list[Agent] = []
        while self._due and self._due[0][0] <= now and len(due) < AGENTS_PER_STEP:
            at, agent = heappop(self._due)
            if self._due_at.get(agent) == at:
                del self._due_at[agent]
                due.append(self.agents[agent])
        return due

    def _update(self, agents: Iterable[Agent], now: int) -> None:
        """Add the agents that are online, and remove those that are not."""
        for agent in agents:
            online = agent.is_online(now, self.limits)
            self._schedule(agent, now, online=online)
            if online == (agent.id in self._entries):
                continue
            if online:
                entry = self._entries[agent.id] = (name_order(agent), agent.id)
                self._sorted.add(entry)
            else:
                self._sorted.remove(self._entries.pop(agent.id))
            self.version += 1
            if self._changed is not None:
                self._changed[agent.id] = None

    def _schedule(self, agent: Agent, now: int, *, online: bool) -> None:
        """Store when the agent goes offline, or comes online because a clock that is ahead recorded its activity."""
        window = self.limits.presence_window
        if online:
            at = agent.last_seen + window
        elif agent.present and agent.last_seen > now:
            at = agent.last_seen - window + 1
        else:
            return
        if at < self._due_at.get(agent.id, at + 1):
            self._due_at[agent.id] = at
            heappush(self._due, (at, agent.id))
