"""A stream is an open file: a room has as many as it may have, and some to spare for whoever posts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import ClientSession

from tests.conftest import Serve
from tests.watching import Watch, watching

OPEN = ("--log", "memory:", "--max-streams-per-ip", "5000")


def limited(how: str) -> tuple[str, ...]:
    """What to start a program with, so that it may have few files open."""
    return ("sh", "-c", f'ulimit {how} && exec "$@"', "sh")


@asynccontextmanager
async def watchers(url: str, count: int) -> AsyncIterator[list[Watch]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(watching(url)) for _ in range(count)]


async def test_a_room_takes_what_the_system_grants(serve: Serve) -> None:
    """Where a process may have more files open once it asks for it, it asks."""
    server = serve(*OPEN, through=limited("-Sn 64"))
    async with watchers(server.url, 100) as there:
        assert {watch.status for watch in there} == {200}


async def test_whoever_speaks_is_heard_beside_any_number_of_watchers(serve: Serve) -> None:
    """Where the system grants little, watchers are refused in time, and everything else goes on."""
    server = serve(*OPEN, through=limited("-n 64"))
    async with watchers(server.url, 40) as there, ClientSession(server.url) as http:
        async with asyncio.timeout(10), http.post("/api/register", json={"name": "Ada"}) as reply:
            registered = reply.status

        assert [watch.status for watch in there] == [200] * 32 + [429] * 8
        assert registered == 200
