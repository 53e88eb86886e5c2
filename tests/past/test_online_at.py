"""Who was online at a moment, put together from the blocks of the log."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence

import pytest

from chatr.app import background
from chatr.domain.agent import Agent
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentLeft, AgentRegistered, AgentSeen
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limits
from chatr.domain.room import Room
from chatr.past.online_at import BLOCKS_PER_STEP, LastSeen, last_seen_in, last_seen_now, online_at
from chatr.ports import Stored
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of

NAMES = ("Ada", "Bob", "Cy", "Dora")
REGISTERED = [AgentRegistered(agent_id(name), name, None, name, START) for name in NAMES]
ROOM = folded_room(records_of([*REGISTERED, AgentSeen(agent_id("Bob"), START), AgentLeft(agent_id("Bob"), START)]))


async def each(blocks: Sequence[LastSeen]) -> AsyncIterator[LastSeen]:
    """Yield blocks as a log does that has all of them in memory."""
    for block in blocks:
        yield block


def ids(*names: str) -> list[AgentId]:
    """The ids of agents."""
    return [agent_id(name) for name in names]


def block(**times: int) -> LastSeen:
    """A block in which these agents were seen, so many milliseconds after START."""
    return LastSeen.of(ROOM, {agent_id(name): START + time for name, time in times.items()})


async def test_the_last_block_counts() -> None:
    """Of an agent's times in several blocks, the last one counts; the first agents by name are shown."""
    long_ago = -(10**9)
    blocks = [block(Ada=0, Dora=0, Cy=5), block(Ada=long_ago, Bob=1), block(Dora=0)]
    online = await online_at(ROOM, START, Limits(), each(blocks), 2)

    assert (online.count, online.first) == (3, [(agent_id("Bob"), START + 1), (agent_id("Cy"), START + 5)])


@pytest.mark.parametrize("order", [None, 1, -1], ids=["the same agents", "by name", "by name, reversed"])
async def test_the_names_of_few_agents_are_compared(order: int | None) -> None:
    """The walk to the first names ends early in nearly all blocks, whichever agents are in which of them."""
    compared = 0

    class CountedName(str):
        """A name that counts how often it is compared."""

        __slots__ = ()

        def lower(self) -> str:
            nonlocal compared
            compared += 1
            return super().lower()

    ids = [AgentId(f"{number:04}") for number in range(1_000)]
    room = Room(agents={agent: Agent(agent, CountedName(agent)) for agent in ids})
    parts = [ids[:10] if order is None else ids[start : start + 10] for start in range(0, 1_000, 10)][::order]
    blocks = [LastSeen.of(room, dict.fromkeys(part, START + time)) for time, part in enumerate(parts)]
    compared = 0
    online = await online_at(room, START, Limits(), each(blocks), 2)

    assert (online.count, [agent for agent, _ in online.first]) == (10 if order is None else 1_000, ids[:2])
    assert compared <= 4 * len(blocks)


async def test_other_tasks_run_between_the_blocks() -> None:
    """After every few blocks other tasks run, although nothing is waited for."""
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with background(count_turns()):
        await online_at(ROOM, START, Limits(), each([block(Ada=0)] * 100 * BLOCKS_PER_STEP), 2)

    assert turns >= 2 * 100


def test_messages_and_heartbeats_are_not_decoded() -> None:
    """The stored record of nearly all activity says enough: its text is not looked at."""
    text = "not JSON"
    records = [
        Stored("id", f"agent/{agent_id('Ada')}", kind, START + number, 0, text, number, 0, b"")
        for number, kind in enumerate(("message-posted.v1", "agent-seen.v1"))
    ]

    assert last_seen_in(ROOM, records) == block(Ada=1)


def test_an_agent_takes_sixteen_bytes() -> None:
    """A block refers to the ids of the room and packs its times."""
    seen = last_seen_in(ROOM, [])
    same = [each for block in last_seen_now(ROOM) for each in block.agents]

    assert isinstance(seen.times, array)
    assert all(agent is ROOM.agents[agent].id for agent in same)
    assert same == ids(*NAMES)


async def test_the_room_says_who_is_online_now() -> None:
    """The blocks that are made of the room itself say who is online at its head."""
    room = Room()
    for record in records_of([*REGISTERED, *(AgentSeen(agent, START) for agent in ids("Dora", "Ada"))]):
        room.apply(record)
    online = await online_at(room, START, Limits(), each(list(last_seen_now(room))), 5)

    assert (online.count, [agent for agent, _ in online.first]) == (2, ids("Ada", "Dora"))
