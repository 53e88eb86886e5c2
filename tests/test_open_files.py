"""A stream is an open file: a room accepts as many streams as it may open, with some files to spare for requests."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Final

from aiohttp import ClientSession
from yarl import URL

from tests.conftest import Serve
from tests.stream_client import Watch, watching

FLAGS: Final = ("--log", "memory:", "--max-streams-per-ip", "5000")


def with_limit(ulimit_option: str) -> tuple[str, ...]:
    """The command through which a program is started so that it may have few files open."""
    return ("sh", "-c", f'ulimit {ulimit_option} && exec "$@"', "sh")


@asynccontextmanager
async def watchers(url: str, count: int) -> AsyncIterator[list[Watch]]:
    """Open so many streams."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(watching(url)) for _ in range(count)]


async def test_a_room_raises_its_soft_limit(serve: Serve) -> None:
    """Where a process may have more files open once it asks for them, the room asks."""
    server = serve(*FLAGS, through=with_limit("-Sn 64"))
    async with watchers(server.url, 100) as streams:
        assert {watch.status for watch in streams} == {200}


async def test_requests_are_served_beside_any_number_of_watchers(serve: Serve) -> None:
    """Where the system grants few files, streams beyond a number are rejected, and all other requests are served."""
    server = serve(*FLAGS, through=with_limit("-n 64"))
    async with watchers(server.url, 40) as streams, ClientSession(server.url) as http:
        async with asyncio.timeout(10), http.post("/api/register", json={"name": "Ada"}) as reply:
            registered = reply.status

        assert [watch.status for watch in streams] == [200] * 32 + [429] * 8
        assert registered == 200


async def test_idle_connections_do_not_keep_a_new_client_out(serve: Serve) -> None:
    """However many connections are opened and left idle, a new client is answered, and nothing is logged for each."""
    server = serve("--log", "memory:", "--max-connections-per-ip", "5000", through=with_limit("-n 64"))
    url = URL(server.url)
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(socket.create_connection(("127.0.0.1", url.port or 0)))
        health = await asyncio.to_thread(server.get, "/health")
    server.process.terminate()
    _, errors = await asyncio.to_thread(server.process.communicate)

    assert "ok" in health
    assert len(errors.splitlines()) < 10
