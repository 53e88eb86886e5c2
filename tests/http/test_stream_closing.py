"""The end of a stream: how a room says goodbye, and that nothing is left of a stream that has ended."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from chatr.app import Running, running
from chatr.hub import Hub
from chatr.settings import Settings
from tests.conftest import OPEN_SETTINGS, Server
from tests.crowd import LONG, numbered, speaker
from tests.sse import PATIENCE, Watch, answer, connect, request, watching

Serve = Callable[..., Server]
SETTINGS = Settings(**OPEN_SETTINGS)


async def test_a_room_that_closes_ends_its_streams() -> None:
    """Every stream ends as HTTP wants it, after all that was said, and tells when to come back."""
    async with running(SETTINGS) as room:
        ada = await speaker(room.node)
        reader, writer = await connect(room.url)
        writer.write(request())
        watch = await answer(reader, writer)
        await watch.frames(2)
        said = await ada.say(*numbered(3))
    frames = await watch.rest()
    writer.close()

    assert said == [frame.data["id"] for frame in frames]
    assert watch.source.retry in range(1_000, 5_001)


async def test_watchers_come_back_one_after_another() -> None:
    """Each watcher is told a time of its own, so that a restart is not a stampede."""
    async with AsyncExitStack() as stack:
        async with running(SETTINGS) as room:
            streams = [await stack.enter_async_context(watching(room.url)) for _ in range(20)]
        for watch in streams:
            await watch.rest()

        assert len({watch.source.retry for watch in streams}) > 1


async def test_a_client_of_http_1_0_sees_the_end_too() -> None:
    """Without chunks the stream ends with the connection, after the farewell."""
    async with running(SETTINGS) as room:
        reader, writer = await connect(room.url)
        writer.write(request(version="1.0"))
        watch = await answer(reader, writer)
    frames = await watch.rest()
    writer.close()

    assert ["history", "stats"] == [frame.kind for frame in frames]
    assert watch.source.retry != 3000


async def test_one_that_takes_nothing_does_not_keep_the_room_open() -> None:
    """Who does not take its farewell is cut off, and the room closes within seconds."""
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(PATIENCE), running(SETTINGS) as room:
            ada = await speaker(room.node)
            deaf = await stack.enter_async_context(watching(room.url, receive=4096))
            await ada.say(*numbered(700, LONG))
            closing = asyncio.get_running_loop().time()
        closed = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionError):
            await deaf.rest()

    assert closed - closing < 3


def test_a_server_that_is_told_to_stop_ends_its_streams(serve: Serve) -> None:
    """SIGTERM ends every stream with a farewell, and the process with success."""
    server = serve("--log", "memory:")

    async def watched() -> Watch:
        async with watching(server.url) as watch:
            await watch.frames(2)
            server.process.send_signal(signal.SIGTERM)
            await watch.rest()
            return watch

    watch = asyncio.run(watched())

    assert watch.source.retry != 3000
    assert server.process.wait(PATIENCE) == 0


async def goes(room: Running, watch: Watch) -> None:
    watch.connection.close()


async def vanishes(room: Running, watch: Watch) -> None:
    watch.reset()


async def says_no_more(room: Running, watch: Watch) -> None:
    watch.connection.write_eof()
    with pytest.raises(ConnectionError):
        await watch.rest()


async def is_cut_off(room: Running, watch: Watch) -> None:
    ada = await speaker(room.node)
    for _ in range(2):
        await ada.say(*numbered(1_000, LONG))


async def stays(room: Running, watch: Watch) -> None:
    pass


@pytest.mark.parametrize("end", [goes, vanishes, says_no_more, is_cut_off, stays])
async def test_nothing_is_left_of_a_stream(
    end: Callable[[Running, Watch], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    """However a stream ends: no task, no connection and no word in the operator's log is left of it."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = PATIENCE
    tasks, descriptors = asyncio.all_tasks(), len(os.listdir("/dev/fd"))
    with caplog.at_level(logging.INFO), capture_logs() as told:
        async with AsyncExitStack() as stack:
            async with running(SETTINGS) as room:
                watch = await stack.enter_async_context(watching(room.url, receive=4096))
                await watch.frames(2)
                await end(room, watch)
    async with asyncio.timeout(1):
        while asyncio.all_tasks() != tasks or len(os.listdir("/dev/fd")) != descriptors:
            await asyncio.sleep(0)

    assert [] == [record.getMessage() for record in caplog.records if record.name != "asyncio"]
    assert [] == [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [] == told


async def test_a_handed_over_connection_has_no_task() -> None:
    """A watcher costs a connection and nothing else: aiohttp's tasks end when it is handed over."""
    hub = Hub()
    async with AsyncExitStack() as stack, running(SETTINGS, hub=hub) as room:
        before = len(asyncio.all_tasks())
        for _ in range(10):
            watch = await stack.enter_async_context(watching(room.url))
            await watch.frames(2)

        assert before == len(asyncio.all_tasks())
