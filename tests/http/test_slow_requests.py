"""Many slow clients: each is disconnected, and no other request has to wait for them."""

import asyncio
from contextlib import suppress

import pytest
from yarl import URL

from chatr.adapters.http.http_settings import HttpTimeouts
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
"""What is sent first, and what is sent again and again."""
SLOW_CLIENTS = 50 * HALF_SENT + 10 * SLOW_BODIES
PIECES_BEFORE_TIMEOUT = 5
ALL_DISCONNECTED = 30.0
"""Seconds within which all slow clients must be disconnected."""


async def send_slowly(url: URL, first: bytes, piece: bytes, pause: float) -> None:
    """Send `first`, and then a piece after each pause, until the server closes the connection."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(first)
    closed = asyncio.ensure_future(reader.read())
    while not closed.done():
        writer.write(piece)
        await asyncio.wait([closed], timeout=pause)
    writer.close()
    with suppress(ConnectionError):
        await closed
        await writer.wait_closed()


async def response_time(url: URL) -> float:
    """Return the seconds that a request on a new connection takes."""
    clock = asyncio.get_running_loop().time
    started_at = clock()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    return clock() - started_at


async def longest_response_time(url: URL, *, timeout: float) -> float:
    """Return the longest response time while all slow clients are being disconnected, each after `timeout` seconds."""
    pause = timeout / PIECES_BEFORE_TIMEOUT
    slow = [asyncio.ensure_future(send_slowly(url, first, piece, pause)) for first, piece in SLOW_CLIENTS]
    response_times = []
    async with asyncio.timeout(ALL_DISCONNECTED):
        while not all(client.done() for client in slow):
            response_times.append(await response_time(url))
            await asyncio.wait(slow, timeout=pause)
    await asyncio.gather(*slow)
    return max(response_times)


@pytest.mark.long
async def test_slow_clients_keep_nobody_waiting(open_room: OpenRoom) -> None:
    """200 half-sent requests and 50 slow bodies are disconnected; meanwhile a new request takes less than a second."""
    room = await open_room(timeouts=HttpTimeouts(head=1.0, body=1.0, linger=0.2))

    assert await longest_response_time(URL(room.running.url), timeout=1.0) < 1.0


@pytest.mark.long
async def test_slow_clients_are_disconnected_within_30_seconds(server: Server) -> None:
    """The same holds for `chatr serve` with its default time-outs."""
    assert await longest_response_time(URL(server.url), timeout=10.0) < 1.0
