"""A node that folds a long log lets other tasks run."""

import asyncio
from itertools import pairwise

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, MessagePosted
from chatr.domain.moderation_events import ErasedRecord, RecordsErased
from chatr.node.record_slices import SLICE
from chatr.testing.clock import START
from chatr.testing.nodes import node_on
from chatr.testing.records import log_with, records_of


async def test_few_records_are_folded_at_a_time() -> None:
    """While a long log is read, every other task runs again after at most SLICE records."""
    seen = AgentSeen(agent_id("Ada"), START)
    node = node_on(await log_with(MemoryLog(), records_of([seen] * (6 * SLICE + 1))))
    positions = [0]
    async with background(node.follower.run()), asyncio.timeout(10):
        while positions[-1] < 6 * SLICE + 1:
            await asyncio.sleep(0)
            positions.append(node.room.position)

    assert max(later - earlier for earlier, later in pairwise(positions)) == SLICE


async def test_few_long_records_are_folded_at_a_time() -> None:
    """Records that erase a thousand messages each are folded one or two at a time."""
    ada = agent_id("Ada")
    erased = tuple(ErasedRecord(position, "0" * 64) for position in range(2, 1_002))
    events: list[Event] = [AgentRegistered(ada, "Ada", None, "0" * 64, START)]
    events += [MessagePosted(ada, "Hello", None, START)] * 1_000 + [
        RecordsErased(ada, erased, "spam", "admin", START)
    ] * 9
    node = node_on(await log_with(MemoryLog(), records_of(events)))
    positions = [0]
    async with background(node.follower.run()), asyncio.timeout(10):
        while positions[-1] < len(events):
            await asyncio.sleep(0)
            positions.append(node.room.position)

    assert max(later - earlier for earlier, later in pairwise(positions) if earlier > 1_001) <= 2
