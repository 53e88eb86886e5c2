"""A node whose log was restored reads it again, whatever else happens to the log meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatr.adapters.memory import MemoryLog
from chatr.app import background
from chatr.codec import encode
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentSeen, Cursor, MessagePosted
from chatr.node import Node
from chatr.ports import LogChanged, Stored, Unavailable
from chatr.testing.clock import START, SettableClock
from chatr.testing.secrets import CountedSecrets, record_id


class RestoredLog(MemoryLog):
    """Was restored, and once more as soon as its head was told."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 3
        self.changed = False

    async def head(self) -> int:
        lost, self.lost = self.lost, 0
        return await super().head() + lost

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        changed, self.changed = self.changed, True
        if not changed:
            raise LogChanged("The log was restored.")
        async for batch in super().tail(after):
            yield batch


async def test_a_log_may_be_restored_twice_in_a_row() -> None:
    """A node that reads its log again waits for no record that is gone meanwhile."""
    log, again = RestoredLog(), asyncio.Event()
    seen = AgentSeen(agent_id("Ada"), START)
    await log.append(encode(seen, record_id=record_id(1), seen=0), expected=0)
    node = Node(log, SettableClock(), CountedSecrets(), lambda _: None, again.set, patience=0.01)
    async with background(node.follow()), asyncio.timeout(10):
        await again.wait()

    assert node.room.position == 1


class ReplacedLog(RestoredLog):
    """Another log took its place, and to read that takes long."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def head(self) -> int:
        self.asked.set()
        await asyncio.Event().wait()
        return 0


async def test_a_record_of_another_log_is_shown_as_no_message() -> None:
    """What a message was in the log that was replaced may be anything in this one; it is asked for later again."""
    log = ReplacedLog()
    await log.append(encode(AgentSeen(agent_id("Ada"), START), record_id=record_id(1), seen=0), expected=0)
    node = Node(log, SettableClock(), CountedSecrets(), lambda _: None)

    with pytest.raises(Unavailable):
        await node.messages([1])


async def test_a_node_that_reads_again_shows_nothing_of_the_other_log() -> None:
    """A message of the new log among the agents of the old one would be a message that nobody wrote."""
    log = ReplacedLog()
    posted = MessagePosted(agent_id("Ada"), "hello", None, START)
    await log.append(encode(posted, record_id=record_id(1), seen=0), expected=0)
    node = Node(log, SettableClock(), CountedSecrets(), lambda _: None)
    async with background(node.follow()), asyncio.timeout(10):
        await log.asked.wait()
        with pytest.raises(Unavailable):
            await node.messages([1])
