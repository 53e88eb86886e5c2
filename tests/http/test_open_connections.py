"""One client address may open a number of connections; the idle ones are closed first, and all are counted once."""

import asyncio
import json
import os
import resource
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from ipaddress import ip_network
from typing import Final

import pytest
from structlog.testing import capture_logs
from yarl import URL

from chatr.adapters.http.acceptor import PAUSE
from chatr.adapters.http.admission.client_address import ClientAddresses
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.open_connections import ClientSocket, OpenConnections
from tests.conftest import OpenRoom, Room
from tests.stream_client import connected, request, watching

LIMIT: Final = 6
"""Connections of one address in these tests."""
HEALTH: Final = request("/health")
POST: Final = b"POST /api/register HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
WAITING: Final = POST + b"Expect: 100-continue\r\n\r\n"
"""A request whose response shows that it is being handled, and that has to be waited for."""
ENDINGS: Final = (
    (b"", False),
    (b"GET / HT", False),
    (POST + b"\r\n{", False),
    (b"\x16\x03\x01\r\n\r\n", True),
    (HEALTH, True),
    (request("/health", Connection="close"), True),
    (HEALTH + HEALTH, True),
    (request("/nope"), True),
    (request(), True),
    (request("/api/stream?a=%20"), True),
    (request() + HEALTH, True),
    (HEALTH + request(), True),
    (request("/health", version="1.0"), True),
    (request("/api/messages?wait=20&after=0"), False),
)
"""What clients sent that then ended the connection, and whether they are answered first."""


@pytest.fixture
async def small_room(open_room: OpenRoom) -> Room:
    """A room in which one address may open few connections, all of which may be streams. The fixture uses none."""
    room = await open_room(max_connections_per_ip=LIMIT, max_streams_per_ip=LIMIT - 1, max_streams=1000)
    await room.http.close()
    return room


async def answer_of(url: str, data: bytes = HEALTH) -> bytes:
    """Return what a new connection receives until it is closed or a whole response has arrived; b"" if it was reset."""
    async with connected(url) as (reader, writer):
        return await exchange(reader, writer, data)


async def exchange(reader: StreamReader, writer: StreamWriter, data: bytes) -> bytes:
    """Send a request and return the beginning of the response; b"" if the connection is closed."""
    try:
        writer.write(data)
        return await reader.read(4096)
    except ConnectionError:
        return b""


@asynccontextmanager
async def streams(url: str, count: int) -> AsyncIterator[None]:
    """Open so many streams."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            watch = await stack.enter_async_context(watching(url))
            assert watch.status == 200
        yield


async def test_the_idlest_connection_is_closed_for_a_new_one(small_room: Room) -> None:
    """Where an address has opened as many as it may, its next client is served, and the first idle one is closed."""
    url = small_room.running.url
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(url)) for _ in range(LIMIT)]
        answers = [await exchange(*idle[0], HEALTH), await answer_of(url)]
        ends = [await exchange(*connection, HEALTH) for connection in (idle[1], idle[0], idle[2])]

    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * 2
    assert [end[:15] for end in ends] == [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK"]


async def test_a_connection_too_many_is_refused_with_429(small_room: Room) -> None:
    """Where none is idle, the error is written at once, before a request arrives, and the connection is closed."""
    url = small_room.running.url
    async with streams(url, LIMIT - 1), connected(url) as busy:
        assert await exchange(*busy, WAITING) == b"HTTP/1.1 100 Continue\r\n\r\n"
        async with connected(url) as (reader, _):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"\r\nRetry-After: 10" in head
    assert json.loads(body)["code"] == "too_many_connections"
    assert f"The rate limit is {LIMIT} open connections" in json.loads(body)["error"]


@pytest.mark.parametrize("aborted", [False, True], ids=["closed", "reset"])
async def test_every_connection_is_uncounted_once(aborted: bool, small_room: Room) -> None:
    """However a connection was used and ends, it leaves the count as it was: the others stay open, one more is free."""
    url = small_room.running.url
    async with streams(url, LIMIT - 1):
        for data, is_answered in ENDINGS:
            for _ in range(2):
                async with connected(url) as (reader, writer):
                    writer.write(data)
                    if is_answered:
                        await reader.read(10)
                    if aborted:
                        writer.transport.abort()
            async with asyncio.timeout(5):
                # The server may notice the end of the last connection later than the client makes the next one.
                while not (await answer_of(url)).startswith(b"HTTP/1.1 200 OK"):
                    pass
    # Counted too often, they would leave more than these.
    async with streams(url, LIMIT - 1), connected(url) as busy:
        assert await exchange(*busy, WAITING) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await answer_of(url)).startswith(b"HTTP/1.1 429 ")


async def test_trusted_proxies_may_open_any_number(open_room: OpenRoom) -> None:
    """The connections of a trusted proxy carry other clients: they are not limited by address."""
    room = await open_room(
        max_connections_per_ip=LIMIT, max_streams_per_ip=1, trusted_proxies=(ip_network("127.0.0.0/8"),)
    )
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(room.running.url)) for _ in range(5 * LIMIT)]
        answers = [await exchange(*connection, HEALTH) for connection in idle]

    assert {answer[:15] for answer in answers} == {b"HTTP/1.1 200 OK"}


def test_idle_connections_of_proxies_are_closed_last() -> None:
    """Where no place is left, those of clients are closed first; then those of proxies, which may keep very many."""
    connections = OpenConnections(per_address=9, total=3)
    closed: list[str] = []
    with ExitStack() as opened:
        for name, address in (("proxy", None), ("another proxy", None), ("client", "192.0.2.1")):
            client = opened.enter_context(ClientSocket.take(socket.socket(), connections, address))
            client.mark_idle(ClosedTransport(name, closed))
        admitted = [connections.admit(None) for _ in range(4)]

    assert (admitted, closed) == ([True, True, True, False], ["client", "proxy", "another proxy"])


class ClosedTransport(asyncio.Transport):
    """Writes its name down when it is closed."""

    def __init__(self, name: str, closed: list[str]) -> None:
        super().__init__()
        self._name, self._closed = name, closed

    def abort(self) -> None:
        """Do so."""
        self._closed.append(self._name)


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Let this process open no file and no connection during the block."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.dup(0)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_process_without_descriptors_waits_for_one(room: Room) -> None:
    """Clients are answered once a descriptor is free, and one line is logged, not one for each attempt."""
    loop, url = asyncio.get_running_loop(), URL(room.running.url)
    with ExitStack() as stack, capture_logs() as logs:
        clients = [stack.enter_context(socket.socket()) for _ in range(20)]
        with no_descriptors_left():
            for client in clients:
                client.setblocking(False)
                await loop.sock_connect(client, ("127.0.0.1", url.port))
                await loop.sock_sendall(client, HEALTH)
            await asyncio.sleep(3 * PAUSE)  # some attempts
        async with asyncio.timeout(10):
            answers = [await loop.sock_recv(client, 15) for client in clients]

    assert set(answers) == {b"HTTP/1.1 200 OK"}
    assert [entry["event"] for entry in logs] == ["cannot_accept"]


def test_a_connection_has_ten_seconds_until_its_first_byte() -> None:
    """A new connection sends its request at once; one that was used may rest as long as proxies keep theirs."""
    assert HttpTimeouts().first_byte == 10.0


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::9", "2001:db8:0:1::/64"),
        ("10.0.0.1", None),
        ("::ffff:10.0.0.1", None),
    ],
)
def test_connections_are_counted_by_address_or_network(peer: str, address: str | None) -> None:
    """IPv6 counts by /64, an IPv4-mapped address as IPv4, and a trusted proxy not at all."""
    found = ClientAddresses([ip_network("10.0.0.0/8")]).of_connection(peer)

    assert (found and found.counted) == address
