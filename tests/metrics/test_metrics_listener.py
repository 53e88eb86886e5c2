"""The listener of the metrics: it serves one path, to anybody, in bounded memory and time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from chatr.adapters.metrics.listener import (
    HEAD_BYTES,
    MAX_CONNECTIONS,
    CannotServeMetrics,
    Connections,
    metrics_listener,
)
from chatr.app import running_room
from chatr.settings import Settings
from tests.conftest import OPEN_SETTINGS
from tests.metrics.scrape import FREE_PORT, exchange
from tests.stream_client import TIMEOUT, connected, request

BODY = b"# TYPE one gauge\none 1\n"


async def one_metric() -> bytes:
    return BODY


async def large() -> bytes:
    return b"x" * 4_000_000


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """The address of a listener with one metric."""
    async with metrics_listener("127.0.0.1", 0, one_metric, time_limit=5.0) as url:
        yield url


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("/metrics"), 200),
        (request("/metrics", version="1.0"), 200),
        (request("/metrics?name[]=x"), 200),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 200),
        (request("/"), 404),
        (request("/metrics/"), 404),
        (request("/metrics%00"), 404),
        (request("/api/messages"), 404),
        (request("/metrics", method="POST"), 405),
        (request("/metrics", method="OPTIONS"), 405),
        (b"\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET http://localhost/metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics HTTP/2.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x00\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA: " + b"a" * HEAD_BYTES + b"\r\n\r\n", 431),
        (b"a" * HEAD_BYTES * 3, 431),
    ],
)
async def test_only_one_path_is_served(sent: bytes, status: int, url: str) -> None:
    """GET and HEAD of /metrics are answered; everything else gets an error in plain text and the connection ends."""
    head, _, body = (await exchange(url, sent)).partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert (body == BODY) == (status == 200)


async def test_head_has_no_body(url: str) -> None:
    """Its headers are those of GET."""
    get, head = await exchange(url, request("/metrics")), await exchange(url, request("/metrics", method="HEAD"))

    assert head == get.removesuffix(BODY)


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\n", b"GET /metrics HTTP/1.1\r\nA: b\r\n"])
async def test_a_request_that_does_not_end_is_ended(sent: bytes) -> None:
    """The connection is closed after the time limit, without a response."""
    async with metrics_listener("127.0.0.1", 0, one_metric, time_limit=0.05) as url, connected(url) as (reader, writer):
        writer.write(sent)
        try:
            received = await reader.read()
        except ConnectionResetError:
            received = b""

    assert received == b""


async def test_a_client_that_reads_nothing_is_dropped() -> None:
    """A response waits for its client until the time limit at most."""
    connections = Connections(large, 0.05)
    server = await asyncio.start_server(connections.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, connected(url, receive=4096) as (reader, writer), asyncio.timeout(TIMEOUT):
        writer.write(request("/metrics"))
        await reader.readexactly(1)
        while len(connections):  # noqa: ASYNC110 -- there is no event: the connection ends by itself
            await asyncio.sleep(0)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(4_000_000)


async def test_idle_connections_keep_nobody_away(url: str) -> None:
    """However many are open and send nothing, the next scrape is served; the oldest were closed."""
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(url)) for _ in range(3 * MAX_CONNECTIONS)]
        response = await exchange(url, request("/metrics"))
        (oldest,) = await asyncio.gather(idle[0][0].read(), return_exceptions=True)

    assert response.endswith(BODY)
    assert oldest == b"" or isinstance(oldest, ConnectionResetError)


@pytest.mark.long
async def test_connections_that_come_at_once_are_closed(url: str) -> None:
    """Also one that is too many before anything was read from it is closed, and not forgotten."""
    port = urlsplit(url).port
    assert port is not None
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(3 * MAX_CONNECTIONS)))
    reads = [asyncio.create_task(reader.read()) for reader, _ in opened]
    ended = 0
    async with asyncio.timeout(TIMEOUT):
        for read in asyncio.as_completed(reads):
            await asyncio.gather(read, return_exceptions=True)
            ended += 1
            if ended == 2 * MAX_CONNECTIONS:
                break
    for read in reads:
        read.cancel()
    for _, writer in opened:
        writer.close()

    assert ended == 2 * MAX_CONNECTIONS


async def test_a_metric_that_cannot_be_made_is_a_500() -> None:
    """The failure is logged, and the listener goes on."""

    async def fail() -> bytes:
        raise RuntimeError("ours")

    with capture_logs() as lines:
        async with metrics_listener("127.0.0.1", 0, fail) as url:
            responses = [await exchange(url, request("/metrics")) for _ in range(2)]

    assert [each.split(b" ")[1] for each in responses] == [b"500", b"500"]
    assert [line["event"] for line in lines] == ["metrics_failed"] * 2


@asynccontextmanager
async def room_with_metrics() -> AsyncIterator[str]:
    """Run a room and yield the address of its metrics."""
    with capture_logs() as lines:
        async with running_room(Settings(**(OPEN_SETTINGS | {"metrics": FREE_PORT}))):
            yield next(line["url"] for line in lines if line["event"] == "serving_metrics")


async def test_the_listener_ends_with_the_room() -> None:
    """Its connections are closed, and nothing listens any longer."""
    async with room_with_metrics() as url, connected(url) as (reader, _):
        await exchange(url, request("/metrics"))
    (ended,) = await asyncio.gather(reader.read(), return_exceptions=True)
    with pytest.raises(ConnectionRefusedError):
        await exchange(url, request("/metrics"))

    assert ended == b"" or isinstance(ended, ConnectionResetError)


async def test_an_address_in_use_is_one_sentence(url: str) -> None:
    """The error names the address and the reason."""
    port = urlsplit(url).port
    assert port is not None
    with pytest.raises(CannotServeMetrics, match=rf"127\.0\.0\.1, port {port}: .*in use .*\.$"):
        async with metrics_listener("127.0.0.1", port, one_metric):
            pass


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 64, "a..b", "::2", "ü..x", "a\0b"])
async def test_an_address_of_another_machine_is_one_sentence(host: str) -> None:
    """So does that for an address at which this machine cannot listen."""
    with pytest.raises(CannotServeMetrics, match=r"^Cannot serve metrics on [^\n]+\.$"):
        async with metrics_listener(host, 0, one_metric):
            pass


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("::1", "[::1]"),
        ("::", "localhost"),
        ("*", "localhost"),
        ("0.0.0.0", "localhost"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.2", "127.0.0.2"),
    ],
)
async def test_the_shown_address_can_be_opened(host: str, shown: str) -> None:
    """Whatever the form of the host, a client that is given the URL reads the metrics."""
    async with metrics_listener(host, 0, one_metric) as url:
        response = await exchange(url, request("/metrics"))

    assert url.startswith(f"http://{shown}:")
    assert response.endswith(BODY)
