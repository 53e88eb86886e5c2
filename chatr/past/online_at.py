"""Who was online at a moment, from what each block of the log says about its agents.

Nothing here runs for long without letting other tasks run: a moment of a large room is put together from hundreds of
blocks.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from attrs import define, field, frozen

from chatr.codec import TYPE_NAMES, decode
from chatr.domain.agent import Agent, evolve_agent
from chatr.domain.events import ActivityEvent, AgentSeen, MessagePosted
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.limits import Limits
from chatr.domain.moderation_events import AgentSuspended
from chatr.domain.presence import name_order
from chatr.domain.room import Room
from chatr.ports import Stored

NEVER: Final = -(2**63)
"""The time at which an agent was last seen that has left, only registered, or was suspended: it is in no window."""
BLOCKS_PER_STEP: Final = 8
"""Blocks that are handled before other tasks run: about two milliseconds."""
AGENTS_PER_BLOCK: Final = 1_000
ACTIVE: Final = frozenset(TYPE_NAMES[each] for each in (MessagePosted, AgentSeen))
"""Types whose records make an agent present at their time. Nearly all records are of these, and need no decoding."""


@frozen
class LastSeen:
    """When agents were last seen in a block of the log: `agents[i]` was last seen at `times[i]`; sorted by name.

    Two packed columns, because hundreds of blocks are cached: sixteen bytes for each agent. `earliest` and `latest` are
    the least and the greatest of the times.
    """

    agents: Sequence[AgentId]
    times: "array[int]"
    earliest: int
    latest: int

    @classmethod
    def of(cls, room: Room, times: Mapping[AgentId, int]) -> "LastSeen":
        """These times, packed. The ids are those of the room: cached blocks hold no copies."""
        agents = sorted((room.agent(agent) for agent in times), key=name_order)
        packed = array("q", (times[agent.id] for agent in agents))
        return cls(tuple(agent.id for agent in agents), packed, min(packed, default=0), max(packed, default=0))


def last_seen_in(room: Room, records: Iterable[Stored]) -> LastSeen:
    """When each agent of these records was last seen in them. Raises UnreadableRecord."""
    times: dict[AgentId, int] = {}
    for record in records:
        if record.type in ACTIVE:
            times[AgentId(record.stream.removeprefix(AGENT_STREAM))] = record.at
        elif isinstance(event := decode(record).event, ActivityEvent | AgentSuspended):
            after = evolve_agent(room.agent(event.agent), event, record.position, room.rule_context.limits)
            times[event.agent] = time_of(after)
    return LastSeen.of(room, times)


def last_seen_now(room: Room) -> Iterator[LastSeen]:
    """When each agent of the room was last seen, in blocks of AGENTS_PER_BLOCK."""
    agents = iter(list(room.agents.values()))
    while block := list(islice(agents, AGENTS_PER_BLOCK)):
        yield LastSeen.of(room, {agent.id: time_of(agent) for agent in block})


def time_of(agent: Agent) -> int:
    """When an agent was last seen; NEVER if it is not present: it has left since, or only registered."""
    return agent.last_seen if agent.present else NEVER


@define
class OnlineAt:
    """The agents that were online at a moment: their number, and the first ones by name with their times."""

    count: int
    first: list[tuple[AgentId, int]]


async def online_at(room: Room, at: int, limits: Limits, blocks: AsyncIterable[LastSeen], most: int) -> OnlineAt:
    """Who was online at `at`, of the agents in `blocks`, which are in the order of the log. Raises what they raise."""
    times: dict[AgentId, int] = {}
    read: list[LastSeen] = []
    async for block in blocks:
        times.update(zip(block.agents, block.times, strict=True))
        read.append(block)
        await let_others_run(len(read))
    earliest, latest = at - limits.presence_window, at + limits.presence_window
    first = FirstByName(room, most)
    # Early names first, and of equal ones the newest, whose times count: in all other blocks the walk ends early.
    read.reverse()
    read.sort(key=first.start_of)
    for number, block in enumerate(read):
        first.add(block, times, earliest, latest)
        await let_others_run(number)
    return OnlineAt(
        await count_online(read, times, earliest, latest), [(agent, times[agent]) for _, agent in first.entries]
    )


async def let_others_run(blocks: int) -> None:
    """Let other tasks run after every few blocks."""
    if blocks % BLOCKS_PER_STEP == 0:
        await asyncio.sleep(0)


async def count_online(blocks: Sequence[LastSeen], times: Mapping[AgentId, int], earliest: int, latest: int) -> int:
    """How many agents were seen last between two times, without them. `times` say when each was seen last of all."""
    absent = set[AgentId]()
    for number, block in enumerate(blocks):
        # Nearly all blocks lie between the two times: in these nobody is looked at.
        if block.earliest <= earliest or block.latest >= latest:
            absent.update(agent for agent in block.agents if not earliest < times[agent] < latest)
        await let_others_run(number)
    return len(times) - len(absent)


@define
class FirstByName:
    """Finds the first `most` online agents by name. A block is read up to the first name after the last of them."""

    room: Room
    most: int
    entries: list[tuple[str, AgentId]] = field(factory=list)

    def start_of(self, block: LastSeen) -> list[str]:
        """The first name of a block, if it has any."""
        return [name_order(self.room.agent(agent)) for agent in block.agents[:1]]

    def add(self, block: LastSeen, times: Mapping[AgentId, int], earliest: int, latest: int) -> None:
        """Add the agents of a block that were seen between two times. `times` say when each was seen last of all."""
        for agent, time in zip(block.agents, block.times, strict=True):
            entry = (name_order(self.room.agent(agent)), agent)
            if len(self.entries) >= self.most and entry > self.entries[-1]:
                return
            # Of an agent in several blocks, the time of the last one counts.
            if earliest < time < latest and times[agent] == time:
                place = bisect_left(self.entries, entry)
                if self.entries[place : place + 1] != [entry]:
                    self.entries.insert(place, entry)
                    del self.entries[self.most :]
