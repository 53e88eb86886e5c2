"""Watchers that are behind: what they do while the log is unavailable, replaced or slow, and how they end."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import pytest

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.stream.backlog import BLOCK
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import RunningRoom, running_room
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.ports import LogUnavailable
from chatr.settings import Settings
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OPEN_SETTINGS, OpenRoom, Room
from tests.node_agents import LONG_TEXT, NodeAgent, numbered_texts, register_agent
from tests.stream_client import TIMEOUT, watching

AWAY: Final = LogUnavailable("the store is away")
BEYOND_MEMORY: Final = MESSAGES_IN_MEMORY + BLOCK
SMALL_BUFFER: Final = 4096
FAST_TICKS: Final = HttpTimeouts(tick=0.01)


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


async def posted_to(room: RunningRoom, text: str = "") -> tuple[NodeAgent, str, list[str]]:
    """Post more than memory holds; return the agent, the stream id of the first message, and the other messages."""
    ada = await register_agent(room.node)
    (first,) = await ada.post("first")
    cursor = ada.cursor_at(first)
    return ada, cursor, await ada.post(*numbered_texts(BEYOND_MEMORY, text))


@pytest.mark.long
async def test_a_stream_stays_open_while_the_log_is_unavailable(open_room: OpenRoom, log: FaultyLog) -> None:
    """A watcher that is behind gets comments until the log is back, and then all it has missed."""
    room = await open_room(event_log=log, hub=Hub(comment_interval=0.01), timeouts=FAST_TICKS)
    _, cursor, others = await posted_to(room.running)
    log.fail("pick", AWAY)
    async with watching(room.running.url, last_id=cursor) as watch:
        await watch.comment()
        await watch.comment()
        log.heal()

        assert await watch.messages(len(others)) == others


@pytest.mark.long
async def test_a_watcher_that_is_behind_and_takes_nothing_is_dropped(open_room: OpenRoom) -> None:
    """After the time-out its connection is aborted and its slot is free."""
    hub = Hub(stall_timeout=0.05)
    room = await open_room(hub=hub, timeouts=FAST_TICKS, stats_every=1)
    _, cursor, _ = await posted_to(room.running, LONG_TEXT)
    url = room.running.url
    async with watching(url, last_id=cursor, receive=SMALL_BUFFER) as watch, watching(url) as other:
        async with asyncio.timeout(TIMEOUT):
            while len(hub) > 1:
                await other.frame()
        with pytest.raises(OSError):
            await watch.messages(BEYOND_MEMORY)


async def test_shutdown_ends_the_stream_of_a_watcher_that_waits_for_the_log(log: FaultyLog) -> None:
    """It ends in order, with a time after which to reconnect, and nothing waits for the log any more."""
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as server:
            room = await server.enter_async_context(running_room(Settings(**OPEN_SETTINGS), event_log=log))
            _, cursor, _ = await posted_to(room)
            hold = log.hold("pick")
            watch = await stack.enter_async_context(watching(room.url, last_id=cursor))
            await hold.reached.wait()
        rest = await watch.rest()

    assert [frame.kind for frame in rest] == ["stats"]


async def test_a_replaced_log_drops_watchers_that_are_behind(open_room: OpenRoom, log: FaultyLog) -> None:
    """They reconnect, and their id is compared with the new log."""
    hub = Hub()
    room = await open_room(event_log=log, hub=hub)
    _, cursor, _ = await posted_to(room.running)
    hold = log.hold("pick")
    async with watching(room.running.url, last_id=cursor) as watch:
        await hold.reached.wait()
        hub.drop_all()
        with pytest.raises(OSError):
            await watch.frame()
    log.heal()
    async with watching(room.running.url, last_id=cursor) as watch:
        assert (await watch.frame()).kind == "message"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("path", ["/api/stream", "/api/stream?presence=1"])
async def test_messages_are_posted_while_a_watcher_catches_up(room: Room, version: str, path: str) -> None:
    """It gets what it has missed and then the others, each once and in order, also through a proxy that speaks 1.0."""
    ada = await register_agent(room.running.node)
    first, *others = await ada.post(*numbered_texts(200, LONG_TEXT))
    last_id = ada.cursor_at(first)
    async with watching(room.running.url, path, last_id=last_id, version=version, receive=SMALL_BUFFER) as watch:
        received: list[str] = []
        for number in range(20):
            others += await ada.post(f"live {number}")
            received += await watch.messages(10)
        received += await watch.messages(len(others) - len(received))

    assert received == others


async def test_watchers_share_reads_of_the_log(open_room: OpenRoom, log: FaultyLog) -> None:
    """Twenty watchers at one place cost as many reads as one."""
    room = await open_room(event_log=log)
    _, cursor, others = await posted_to(room.running)
    hold = log.hold("pick")
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(watching(room.running.url, last_id=cursor)) for _ in range(20)]
        hold.release()
        received = [await watch.messages(len(others)) for watch in streams]

    assert received == [others] * 20
    assert log.calls["pick"] <= 3
