"""Watchers that cannot keep up: they are dropped, nobody waits for them, and they lose nothing."""

import asyncio
from typing import Final

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.stream.hub import Hub
from chatr.domain.limits import MESSAGES_IN_MEMORY
from tests.conftest import OpenRoom, Room
from tests.node_agents import LONG_TEXT, NodeAgent, numbered_texts, register_agent
from tests.stream_client import TIMEOUT, Watch, watching

SMALL_BUFFER: Final = 4096
"""Bytes that the kernel holds on the side of a slow watcher."""


async def messages_until_dropped(watch: Watch) -> list[str]:
    """Return the ids of the messages that arrive at a watcher until its connection is aborted."""
    received = []
    try:
        while True:
            received += await watch.messages(1)
    except OSError:
        return received


async def post_until(ada: NodeAgent, hub: Hub, watchers: int) -> list[str]:
    """Post long messages until only so many watchers are left, and return their ids."""
    posted: list[str] = []
    async with asyncio.timeout(TIMEOUT):
        while len(hub) > watchers:
            posted += await ada.post(f"{len(posted)} {LONG_TEXT}")
    return posted


async def test_a_watcher_that_is_too_slow_is_dropped_and_loses_nothing(open_room: OpenRoom) -> None:
    """Once too much waits for a watcher it is dropped; it resumes with its last id and has missed nothing."""
    hub = Hub()
    room = await open_room(hub=hub)
    ada = await register_agent(room.running.node)
    async with watching(room.running.url, receive=SMALL_BUFFER) as slow:
        await slow.frames(2)
        posted = await post_until(ada, hub, 0)
        received = await messages_until_dropped(slow)
    async with watching(room.running.url, last_id=slow.last_id) as slow:
        received += await slow.messages(len(posted) - len(received))
        posted += await ada.post("later")
        received += await slow.messages(1)

    assert received == posted


async def test_nobody_waits_for_a_slow_watcher(open_room: OpenRoom) -> None:
    """While one watcher takes nothing until it is dropped, another gets every message, in order."""
    hub = Hub()
    room = await open_room(hub=hub)
    ada = await register_agent(room.running.node)
    async with watching(room.running.url, receive=SMALL_BUFFER), watching(room.running.url) as quick:
        listening = asyncio.create_task(messages_until_dropped(quick))
        posted = await post_until(ada, hub, 1)
        hub.flush()
        quick.connection.write_eof()
        received = await listening

    assert received == posted


async def test_a_large_backlog_does_not_get_a_watcher_dropped(room: Room) -> None:
    """A thousand missed messages may be larger than what may wait live; a watcher may take them slowly."""
    ada = await register_agent(room.running.node)
    first, *posted = await ada.post(*numbered_texts(MESSAGES_IN_MEMORY, LONG_TEXT))
    async with watching(room.running.url, last_id=ada.cursor_at(first), receive=SMALL_BUFFER) as slow:
        posted += await ada.post("live", "and more")
        received = await slow.messages(len(posted))

    assert received == posted


async def test_a_watcher_that_takes_nothing_is_dropped(open_room: OpenRoom) -> None:
    """A watcher that takes none of what waits for it is dropped after a time-out, however little waits."""
    hub = Hub(stall_timeout=0.1)
    room = await open_room(hub=hub, timeouts=HttpTimeouts(tick=0.02), stats_every=1)
    ada = await register_agent(room.running.node)
    async with watching(room.running.url, receive=SMALL_BUFFER) as stalled, watching(room.running.url) as other:
        await stalled.frames(2)
        posted = await ada.post(*numbered_texts(600, LONG_TEXT))
        async with asyncio.timeout(TIMEOUT):
            while len(hub) > 1:
                await other.frame()
        received = await messages_until_dropped(stalled)

    assert 0 < len(received) < 600
    assert received == posted[: len(received)]
