"""The end of a stream: how a room says goodbye, and that nothing is left of a stream that has ended."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.http.connection import Connection
from chatr.app import Running, running
from chatr.settings import Settings
from tests.conftest import OPEN_SETTINGS, Server
from tests.crowd import LONG, numbered, speaker
from tests.watching import PATIENCE, Watch, watching

SETTINGS: Final = Settings(**OPEN_SETTINGS)
FAREWELLS: Final = range(1_000, 5_001)
LITTLE: Final = 4096


async def test_a_room_that_closes_ends_its_streams() -> None:
    """Every stream ends as HTTP wants it, after all that was said, and tells when to come back."""
    async with AsyncExitStack() as stack:
        async with running(SETTINGS) as room:
            watch = await stack.enter_async_context(watching(room.url))
            await watch.frames(2)
            said = await (await speaker(room.node)).say(*numbered(3))
        rest = await watch.rest()

    assert [frame.data["id"] for frame in rest] == said
    assert watch.source.retry in FAREWELLS


async def test_a_client_of_http_1_0_sees_the_end_too() -> None:
    """Without chunks the stream ends with the connection, after the farewell."""
    async with AsyncExitStack() as stack:
        async with running(SETTINGS) as room:
            watch = await stack.enter_async_context(watching(room.url, version="1.0"))
        rest = await watch.rest()

    assert [frame.kind for frame in rest] == ["history", "stats"]
    assert watch.source.retry in FAREWELLS


async def test_watchers_come_back_one_after_another() -> None:
    """Each watcher is told a time of its own, so that a restart is not a stampede."""
    async with AsyncExitStack() as stack:
        async with running(SETTINGS) as room:
            streams = [await stack.enter_async_context(watching(room.url)) for _ in range(20)]
        for watch in streams:
            await watch.rest()

    assert len({watch.source.retry for watch in streams}) > 1


async def test_one_that_takes_nothing_does_not_keep_the_room_open() -> None:
    """Who does not take its farewell is cut off, and the room closes within seconds."""
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(PATIENCE) as limit, running(SETTINGS) as room:
            deaf = await stack.enter_async_context(watching(room.url, receive=LITTLE))
            await (await speaker(room.node)).say(*numbered(700, LONG))
            limit.reschedule(asyncio.get_running_loop().time() + 3)
        with pytest.raises(ConnectionError):
            await deaf.rest()


def test_a_server_that_is_told_to_stop_ends_its_streams(serve: Callable[..., Server]) -> None:
    """SIGTERM ends every stream with a farewell, and the process with success."""
    server = serve("--log", "memory:")

    async def watched() -> Watch:
        async with watching(server.url) as watch:
            await watch.frames(2)
            server.process.send_signal(signal.SIGTERM)
            await watch.rest()
            return watch

    watch = asyncio.run(watched())

    assert watch.source.retry in FAREWELLS
    assert server.process.wait(PATIENCE) == 0


async def goes(_: Running, watch: Watch) -> None:
    watch.connection.close()


async def vanishes(_: Running, watch: Watch) -> None:
    watch.reset()


async def says_no_more(_: Running, watch: Watch) -> None:
    watch.connection.write_eof()
    with pytest.raises(ConnectionError):
        await watch.rest()


async def is_cut_off(room: Running, _: Watch) -> None:
    await (await speaker(room.node)).say(*numbered(1_500, LONG))


async def stays(_: Running, __: Watch) -> None:
    """Until the room closes."""


@pytest.fixture
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with capture_logs() as told:
        yield
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    assert ([each for each in told if each["event"] != "watcher_dropped"], warned) == ([], [])


async def soon(holds: Callable[[], bool]) -> None:
    """Let the loop turn until this holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 -- nobody tells when a loop has let go of a task or a socket
            await asyncio.sleep(0)


def sockets() -> int:
    return sum(each.is_socket() for each in Path("/dev/fd").iterdir())


@pytest.mark.usefixtures("nothing_logged")
@pytest.mark.parametrize("end", [goes, vanishes, says_no_more, is_cut_off, stays])
async def test_nothing_is_left_of_a_stream(end: Callable[[Running, Watch], Awaitable[None]]) -> None:
    """However a stream ends: no task, no connection and no word in the operator's log is left of it."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = PATIENCE
    tasks, opened = asyncio.all_tasks(), sockets()
    async with AsyncExitStack() as stack, running(SETTINGS) as room:
        watch = await stack.enter_async_context(watching(room.url, receive=LITTLE))
        await watch.frames(2)
        await end(room, watch)
    await soon(lambda: (asyncio.all_tasks(), sockets()) == (tasks, opened))


def connections() -> int:
    gc.collect()
    return sum(isinstance(each, Connection) for each in gc.get_objects())


async def test_of_aiohttp_nothing_is_left_beside_a_watcher() -> None:
    """A watcher that was handed over costs no task, and aiohttp's handler of its connection is gone."""
    async with AsyncExitStack() as stack, running(SETTINGS) as room:
        tasks = len(asyncio.all_tasks())
        for _ in range(10):
            await (await stack.enter_async_context(watching(room.url))).frames(2)

        await soon(lambda: (len(asyncio.all_tasks()), connections()) == (tasks, 0))
