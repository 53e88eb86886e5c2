"""Connections that send without end, or never read: the server takes and holds little of each."""

import asyncio
import socket
from contextlib import ExitStack, suppress
from typing import Final

import pytest
from aiohttp import web
from yarl import URL

from chatr.adapters.http.connection import Connection
from chatr.adapters.http.dispatch import web_server
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.open_connections import ClientSocket, OpenConnections
from chatr.adapters.listening_socket import RECEIVE_BUFFER, listen
from tests.conftest import OpenRoom
from tests.wire import Wire

SEND_BUFFER: Final = 8 * 1024
"""Bytes that the client's kernel holds: what it accepted beyond them, the server has taken."""
CHUNKED: Final = b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS: Final = {
    "trailers": (b"POST /api/register" + CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-T: abc\r\n"),
    "a trailer without end": (b"POST /api/register" + CHUNKED + b"2\r\n{}\r\n0\r\nX-T: ", b"a"),
    "a chunk extension without end": (b"POST /api/register" + CHUNKED + b"2;", b"a"),
    "trailers of a refused request": (b"POST /nope" + CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-T: abc\r\n"),
    "chunks of one byte": (b"POST /api/register" + CHUNKED, b"1\r\n \r\n"),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X-A: " + b"a" * 1_000 + b"\r\n"),
    "chunks of a refused request": (b"POST /nope" + CHUNKED, b"1\r\n \r\n"),
}
"""What is sent first, and what is sent again and again."""
TIMEOUTS: Final = HttpTimeouts(body=0.3, linger=0.3)


async def bytes_taken(url: URL, first: bytes, part: bytes) -> int:
    """Send as fast as possible until the server closes the connection; return how many bytes were sent."""
    loop = asyncio.get_running_loop()
    taken = 0
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", url.port))
        await loop.sock_sendall(client, first)
        part *= SEND_BUFFER // len(part)
        with suppress(ConnectionError):
            async with asyncio.timeout(30):
                while True:
                    await loop.sock_sendall(client, part)
                    taken += len(part)
    return taken


@pytest.mark.parametrize("flood", FLOODS)
async def test_little_is_read_of_a_body_that_is_no_content(open_room: OpenRoom, flood: str) -> None:
    """Of trailers and chunk sizes without end at most 256 KiB are taken, and the connection is closed."""
    room = await open_room(timeouts=TIMEOUTS)

    assert await bytes_taken(URL(room.running.url), *FLOODS[flood]) < 256 * 1024


async def test_a_body_in_small_chunks_is_read(open_room: OpenRoom) -> None:
    """Chunks of a few bytes and trailers are no flood."""
    room = await open_room()
    body = b'{"name": "Ada"}' + b" " * 16_000
    chunks = b"".join(b"10\r\n%b\r\n" % body[start : start + 16].ljust(16) for start in range(0, len(body), 16))
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(room.running.url).port)
    writer.write(b"POST /api/register" + CHUNKED + chunks + b"0\r\nX-Trailer: 1\r\n\r\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert answer == b"HTTP/1.1 200 OK\r\n"


async def test_a_client_that_takes_no_responses_is_disconnected() -> None:
    """A connection is closed if what waits to be sent is not taken in time, and stays if it is."""

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    wires = (Wire(), Wire())
    with ExitStack() as stack:
        for wire in wires:
            counted = ClientSocket.take(socket.socket(), OpenConnections(2, 2), "192.0.2.1")
            client = stack.enter_context(counted)
            connection = Connection(
                web_server(answer), client, head_timeout=60, response_timeout=0.01, tcp_keepalive=False
            )
            stack.callback(connection.connection_lost, None)
            connection.connection_made(wire)
            connection.pause_writing()
        connection.resume_writing()
        async with asyncio.timeout(10):
            while not wires[0].aborted:  # noqa: ASYNC110 -- the wire has no event
                await asyncio.sleep(0)

    assert not wires[1].aborted


def test_the_kernel_holds_little_of_a_connection() -> None:
    """One read of the event loop takes as much as the kernel holds: of hundreds of connections in each iteration."""
    (listener,) = listen("127.0.0.1", 0)
    with listener:
        # Linux doubles it, for its own needs.
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * RECEIVE_BUFFER
