"""The end of streams: how a server ends them at shutdown, and that nothing is left of a stream that has ended."""

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
from chatr.app import RunningRoom, running_room
from chatr.settings import Settings
from tests.conftest import OPEN_SETTINGS, Server
from tests.node_agents import LONG_TEXT, numbered_texts, register_agent
from tests.stream_client import TIMEOUT, Watch, watching

SETTINGS: Final = Settings(**OPEN_SETTINGS)
CLOSING_RETRY: Final = range(1_000, 5_001)
"""Milliseconds after which watchers reconnect."""
SMALL_BUFFER: Final = 4096


async def test_shutdown_ends_streams_with_all_messages_and_a_retry() -> None:
    """Every stream ends with the last chunk, after all messages and a time after which to reconnect."""
    async with AsyncExitStack() as stack:
        async with running_room(SETTINGS) as room:
            watch = await stack.enter_async_context(watching(room.url))
            await watch.frames(2)
            posted = await (await register_agent(room.node)).post(*numbered_texts(3))
        rest = await watch.rest()

    assert [frame.data["id"] for frame in rest[:-1]] == posted
    assert rest[-1].kind == "stats"
    assert watch.source.retry in CLOSING_RETRY


async def test_shutdown_ends_streams_of_http_1_0() -> None:
    """Without chunks the stream ends with the connection, after the `retry:` line."""
    async with AsyncExitStack() as stack:
        async with running_room(SETTINGS) as room:
            watch = await stack.enter_async_context(watching(room.url, version="1.0"))
        rest = await watch.rest()

    assert [frame.kind for frame in rest] == ["history", "stats", "stats"]
    assert watch.source.retry in CLOSING_RETRY


async def test_watchers_reconnect_at_different_times() -> None:
    """Each is sent a random time, so that they do not all return at once after a restart."""
    async with AsyncExitStack() as stack:
        async with running_room(SETTINGS) as room:
            streams = [await stack.enter_async_context(watching(room.url)) for _ in range(20)]
        for watch in streams:
            await watch.rest()

    assert len({watch.source.retry for watch in streams}) > 1


@pytest.mark.long
async def test_a_watcher_that_takes_nothing_does_not_delay_shutdown() -> None:
    """Its connection is aborted, and the server closes within seconds."""
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(TIMEOUT) as limit, running_room(SETTINGS) as room:
            stalled = await stack.enter_async_context(watching(room.url, receive=SMALL_BUFFER))
            await (await register_agent(room.node)).post(*numbered_texts(700, LONG_TEXT))
            limit.reschedule(asyncio.get_running_loop().time() + 3)
        with pytest.raises(ConnectionError):
            await stalled.rest()


def test_sigterm_ends_streams(serve: Callable[..., Server]) -> None:
    """After SIGTERM every stream ends with a `retry:` line, and the process with status 0."""
    server = serve("--log", "memory:")

    async def watch_until_the_end() -> Watch:
        async with watching(server.url) as watch:
            await watch.frames(2)
            server.process.send_signal(signal.SIGTERM)
            await watch.rest()
            return watch

    watch = asyncio.run(watch_until_the_end())

    assert watch.source.retry in CLOSING_RETRY
    assert server.process.wait(TIMEOUT) == 0


async def client_closes(_: RunningRoom, watch: Watch) -> None:
    """The client closes the connection."""
    watch.connection.close()


async def client_aborts(_: RunningRoom, watch: Watch) -> None:
    """The client resets the connection."""
    watch.reset()


async def client_half_closes(_: RunningRoom, watch: Watch) -> None:
    """The client closes its sending side, which ends the stream."""
    watch.connection.write_eof()
    with pytest.raises(ConnectionError):
        await watch.rest()


async def hub_drops(room: RunningRoom, _: Watch) -> None:
    """So much is posted that the watcher is dropped."""
    await (await register_agent(room.node)).post(*numbered_texts(1_500, LONG_TEXT))


async def server_closes(_: RunningRoom, __: Watch) -> None:
    """The watcher stays until the server closes."""


@pytest.fixture
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that the test logs no warning, and nothing else but dropped watchers."""
    with capture_logs() as logs:
        yield
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    assert (
        [entry for entry in logs if entry["event"] not in ("listening", "watcher_dropped", "watchers_dropped")],
        warnings,
    ) == ([], [])


async def eventually(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():  # noqa: ASYNC110 -- no event says that a loop has dropped a task or a socket
            await asyncio.sleep(0)


def open_sockets() -> int:
    """Return how many sockets this process has open."""
    return sum(descriptor.is_socket() for descriptor in Path("/dev/fd").iterdir())


@pytest.mark.usefixtures("nothing_logged")
@pytest.mark.parametrize(
    "end",
    [client_closes, client_aborts, client_half_closes, pytest.param(hub_drops, marks=pytest.mark.long), server_closes],
)
async def test_nothing_is_left_of_a_stream(end: Callable[[RunningRoom, Watch], Awaitable[None]]) -> None:
    """However a stream ends, no task and no connection is left, and nothing was logged."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = TIMEOUT
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    async with AsyncExitStack() as stack, running_room(SETTINGS) as room:
        watch = await stack.enter_async_context(watching(room.url, receive=SMALL_BUFFER))
        await watch.frames(2)
        await end(room, watch)
    await eventually(lambda: (asyncio.all_tasks(), open_sockets()) == (tasks, sockets))


def aiohttp_connections() -> int:
    """Return how many of aiohttp's connections are in memory."""
    gc.collect()
    return sum(isinstance(item, Connection) for item in gc.get_objects())


@pytest.mark.long
async def test_watchers_keep_nothing_of_aiohttp_in_memory() -> None:
    """A watcher costs no task, and aiohttp's handler of its connection is gone."""
    async with AsyncExitStack() as stack, running_room(SETTINGS) as room:
        tasks, earlier = len(asyncio.all_tasks()), aiohttp_connections()  # another test's traceback may hold some
        for _ in range(10):
            await (await stack.enter_async_context(watching(room.url))).frames(2)

        await eventually(lambda: len(asyncio.all_tasks()) == tasks and aiohttp_connections() <= earlier)
