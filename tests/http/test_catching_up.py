"""A watcher that is behind, without a network: when it joins the live fan-out, and when it must not go on."""

import asyncio
import re
from collections.abc import Callable

import pytest
from attrs import define, evolve

from chatr.adapters.http.stream.backlog import BLOCK, Backlog
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.lagging_watcher import CatchUp, LaggingWatcher
from chatr.adapters.http.stream.removed_feed import RemovedFeed
from chatr.adapters.http.stream.resume import Subscription, resume_point
from chatr.adapters.http.stream.slice_turns import SliceTurns
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import background
from chatr.domain.events import MessagePosted
from chatr.domain.identity import AgentId
from chatr.node.node import Node
from chatr.ports import LogChanged
from chatr.testing.clock import START
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.nodes import node_on
from chatr.testing.records import next_record
from tests.node_agents import NodeAgent, numbered_texts, register_agent
from tests.stream_client import TIMEOUT
from tests.wire import Wire


class QuickWire(Wire):
    """A connection whose other end takes everything at once."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        self.take()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Ignore them, for nothing waits."""


@define
class Behind:
    """A node with a block of messages, and a watcher that has missed all but the first of them."""

    log: FaultyLog
    node: Node
    ada: NodeAgent
    turns: SliceTurns
    wire: QuickWire
    watcher: LaggingWatcher
    is_live: asyncio.Event


@pytest.fixture
async def behind() -> Behind:
    log, turns, wire, is_live = FaultyLog(MemoryLog()), SliceTurns(), QuickWire(), asyncio.Event()
    node = node_on(log)
    async with background(node.follower.run()):
        ada = await register_agent(node)
        await ada.post(*numbered_texts(BLOCK))
    point = resume_point(node.room, node.room.history.newest[0].cursor, None)
    assert not isinstance(point, str)
    subscription = Subscription(lambda: None, chunked=True, wants_presence=False)
    hub = Hub()
    catch_up = CatchUp(hub, Backlog(node), turns, RemovedFeed(node, hub))
    watcher = LaggingWatcher(catch_up, wire, point, subscription, lambda _: is_live.set())
    return Behind(log, node, ada, turns, wire, watcher, is_live)


@define(eq=False)
class Poster:
    """A message that is folded in each turn, so that there is always a newer one."""

    node: Node
    turns: SliceTurns
    agent: AgentId

    def write_slice(self) -> None:
        room = self.node.room
        room.apply(next_record(MessagePosted(self.agent, "one more", None, START), room))
        self.turns.request(self)

    def abort(self, reason: str) -> None:  # noqa: ARG002 -- there is one reason
        raise AssertionError


async def iterations_until(condition: Callable[[], bool], most: int = 20) -> int:
    """Let the loop run until the condition holds, for so many iterations at most, and return their number."""
    for number in range(most):
        if condition():
            return number
        await asyncio.sleep(0)
    return most


async def test_a_watcher_catches_up_while_messages_keep_coming(behind: Behind) -> None:
    """It joins the live fan-out with the slice that reaches the newest message, and does not wait for a pause."""
    behind.turns.request(behind.watcher)
    behind.turns.request(Poster(behind.node, behind.turns, behind.ada.agent))

    assert await iterations_until(behind.is_live.is_set) < 20


async def test_a_watcher_is_written_nothing_of_a_room_that_has_replaced_its_own(behind: Behind) -> None:
    """Other messages have the same numbers there. It waits until the hub aborts its connection."""
    old_room = behind.node.room
    behind.log.fail("tail", LogChanged("The log was restored."), times=1)
    async with background(behind.node.follower.run()), asyncio.timeout(TIMEOUT):
        while behind.node.room is old_room:  # noqa: ASYNC110 -- the follower has no event for it
            await asyncio.sleep(0)
    behind.turns.request(behind.watcher)
    await iterations_until(behind.is_live.is_set)

    assert behind.wire.pieces == []


async def test_a_watcher_gets_past_an_altered_message(behind: Behind) -> None:
    """In the place of an altered message it is sent a frame with the same id and another text, and then the others."""
    behind.node.room.history.newest.clear()
    behind.log.change("pick", lambda records: [evolve(each, at=0) if each.position == 30 else each for each in records])
    behind.turns.request(behind.watcher)
    await iterations_until(behind.is_live.is_set)
    contents = re.findall(rb'"id":"(\d+)".*?"content":"([^"]*)"', b"".join(behind.wire.pieces))

    assert contents[27:29] == [(b"30", b"[altered]"), (b"31", b"29")]
    assert behind.node.integrity.altered == 30
