"""Many who take their time: each is hung up on, and nobody else has to wait."""

import asyncio
from contextlib import suppress

import pytest
from yarl import URL

from chatr.adapters.http.site import Patience
from tests.conftest import OpenRoom, Server

HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
REGISTER = b"POST /api/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HALF_SENT = [(b"GET", b""), (HEAD, b""), (HEAD + b"X: ", b"x"), (b"\r\n", b"\r\n")]
SLOW_BODIES = [
    (REGISTER + b"Content-Length: 999\r\n\r\n{", b""),
    (REGISTER + b"Content-Length: 999\r\n\r\n{", b" "),
    (REGISTER + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    (b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n{", b" "),
    (HEAD + b"Content-Length: 999\r\n\r\n", b"x"),
]
"""What comes first, and what comes again and again."""
SLOW = 50 * HALF_SENT + 10 * SLOW_BODIES
STEPS = 5
"""Drops that come while the server is patient."""
WITHIN = 30.0


async def dawdle(url: URL, beginning: bytes, drop: bytes, pause: float) -> None:
    """Send the beginning, then a drop now and then, until the server hangs up."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(beginning)
    hung_up = asyncio.ensure_future(reader.read())
    while not hung_up.done():
        writer.write(drop)
        await asyncio.wait([hung_up], timeout=pause)
    writer.close()
    with suppress(ConnectionError):
        await hung_up
        await writer.wait_closed()


async def served(url: URL) -> float:
    """Seconds that a fresh request takes."""
    clock = asyncio.get_running_loop().time
    began = clock()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    return clock() - began


async def slowest(url: URL, *, patience: float) -> float:
    """Seconds that a fresh request took at most, while all the slow were hung up on within 30 seconds."""
    dawdling = [asyncio.ensure_future(dawdle(url, *each, patience / STEPS)) for each in SLOW]
    took = []
    async with asyncio.timeout(WITHIN):
        while not all(each.done() for each in dawdling):
            took.append(await served(url))
            await asyncio.wait(dawdling, timeout=patience / STEPS)
    await asyncio.gather(*dawdling)
    return max(took)


async def test_the_slow_keep_nobody_waiting(open_room: OpenRoom) -> None:
    """200 half-sent requests and 50 slow bodies are hung up on, and a fresh request is served at once meanwhile."""
    room = await open_room(patience=Patience(head=1.0, body=1.0, linger=0.2))

    assert await slowest(URL(room.running.url), patience=1.0) < 1.0


@pytest.mark.long
async def test_nobody_is_slower_than_the_server_is_patient(server: Server) -> None:
    """The same holds of the server as it is run: all are hung up on within 30 seconds."""
    assert await slowest(URL(server.url), patience=10.0) < 1.0
