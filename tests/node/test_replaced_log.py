"""A node whose log was replaced reads the new one, whatever else happens to the log meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest
from attrs import frozen

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentSeen, Event, MessagePosted, Record
from chatr.domain.room import Room
from chatr.node.timeouts import NodeTimeouts
from chatr.ports import LogChanged, LogUnavailable
from chatr.testing.clock import START
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import draft_of
from chatr.testing.secrets import record_id


@frozen
class Replacements:
    """A listener that sets an event when the room was replaced."""

    _replaced: asyncio.Event

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Do nothing."""

    def room_replaced(self, _room: Room) -> None:
        """Set the event."""
        self._replaced.set()


async def replaced_log(event: Event) -> FaultyLog:
    """A log with one record, which reports at the first tail that it replaced another one."""
    log = FaultyLog(MemoryLog())
    await log.append(draft_of(event, record_id=record_id(1), decided_at_position=0), expected=0)
    log.fail("tail", LogChanged("The log was restored."), times=1)
    return log


async def test_a_log_may_be_restored_twice_in_a_row() -> None:
    """While a node reads a restored log up to its head, the log may become shorter: the node starts over."""
    log, replaced = await replaced_log(AgentSeen(agent_id("Ada"), START)), asyncio.Event()
    log.change("head", lambda head: head + 3, times=1)
    node = node_on(log, None, Replacements(replaced), timeouts=NodeTimeouts(fold=0.01))
    async with background(node.follower.run()), asyncio.timeout(10):
        await replaced.wait()

    assert node.room.position == 1


async def test_a_record_of_another_kind_is_not_a_message() -> None:
    """Where the position of a message holds another kind of record in the new log, the log counts as unavailable."""
    node = node_on(await replaced_log(AgentSeen(agent_id("Ada"), START)))

    with pytest.raises(LogUnavailable):
        await node.messages.read([1])


async def test_no_message_of_the_new_log_is_shown_with_the_old_room() -> None:
    """While a node reads the new log, no message of it is shown: its author may be missing in the old room."""
    log = await replaced_log(MessagePosted(agent_id("Ada"), "hello", None, START))
    hold = log.hold("head")
    node = node_on(log)
    async with background(node.follower.run()), asyncio.timeout(10):
        await hold.reached.wait()
        with pytest.raises(LogUnavailable):
            await node.messages.read([1])
