"""Nodes behind nginx and Caddy, with the configurations in examples/."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, TCPConnector

from chatr.domain.limits import MINUTE, Limit
from tests.conftest import NO_RATE_LIMIT, OpenRoom, new_key
from tests.reverse_proxies import caddy, free_port, nginx
from tests.sse import EventSource, Frame
from tests.stream_client import TIMEOUT, connected, read_response

REQUESTS: Final = 20
"""Requests that one client address may send in a minute."""


StartProxy = Callable[[Sequence[int]], str]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def start_proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartProxy]:
    """Starts a proxy in front of nodes on these ports, and returns its URL."""
    with ExitStack() as stack:

        def start(ports: Sequence[int]) -> str:
            port = free_port()
            stack.enter_context(request.param(tmp_path, port, ports))
            return f"http://127.0.0.1:{port}"

        yield start


@pytest.fixture
async def ports(open_room: OpenRoom, url: str) -> list[int]:
    """The ports of three nodes that trust the proxy and limit the requests of a client address."""
    proxies, rate = (ip_network("127.0.0.1"),), Limit(REQUESTS, MINUTE)
    nodes = [
        await open_room(log=url, trusted_proxies=proxies, rate_requests=rate, rate_unverified=NO_RATE_LIMIT)
        for _ in range(3)
    ]
    return [urlsplit(str(node.running.url)).port or 0 for node in nodes]


def client(url: str, number: int = 1) -> ClientSession:
    """An HTTP client. Clients of different numbers have different addresses."""
    return ClientSession(url, connector=TCPConnector(local_addr=(f"127.0.0.{number}", 0)))


async def frames(stream: ClientResponse) -> AsyncIterator[Frame]:
    """Yield the frames of a stream."""
    source = EventSource()
    async for piece in stream.content.iter_any():
        for frame in source.feed(piece):
            yield frame


async def statuses(url: str, number: int, count: int, **headers: str) -> Counter[int]:
    """How often each status is returned for so many requests from one address."""
    counts: Counter[int] = Counter()
    async with client(url, number) as http:
        for _ in range(count):
            async with http.get("/api/agents", headers=headers) as reply:
                counts[reply.status] += 1
    return counts


async def test_the_proxy_does_not_buffer_the_stream(start_proxy: StartProxy, ports: list[int]) -> None:
    """What an agent posts through the proxy reaches a watcher at once, whichever nodes the two are connected to."""
    async with client(start_proxy(ports), 2) as http, http.get("/api/stream") as stream:
        watch = frames(stream)
        first_frames = [(await anext(watch)).kind for _ in range(2)]
        key = await new_key(http)
        async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
            message = (await reply.json())["message"]
        async with asyncio.timeout(TIMEOUT):
            frame = await anext(watch)

    assert (first_frames, frame.data) == (["history", "stats"], message)


async def test_the_limit_of_a_client_address_is_exact(start_proxy: StartProxy, ports: list[int]) -> None:
    """Requests of one address always reach the same node, and each address has its own limit."""
    url = start_proxy(ports)

    assert [await statuses(url, number, REQUESTS + 3) for number in range(2, 6)] == [{200: REQUESTS, 429: 3}] * 4


async def test_a_client_cannot_choose_its_address(start_proxy: StartProxy, ports: list[int]) -> None:
    """The proxy replaces the X-Forwarded-For header of the client by the address that it sees."""
    url = start_proxy(ports)
    counts = [
        await statuses(url, 2, REQUESTS // 4 + 1, **{"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(4)
    ]

    assert sum(counts, Counter()) == {200: REQUESTS, 429: 4}


async def test_requests_for_a_node_that_is_down_go_to_another(start_proxy: StartProxy, ports: list[int]) -> None:
    """Clients whose node is down get their responses from another node."""
    url = start_proxy([ports[0], free_port(), ports[2]])
    counts = [await statuses(url, number, 1) for number in range(2, 12)]

    assert counts == [{200: 1}] * 10


@pytest.mark.long
async def test_without_any_node_the_proxy_responds_in_json(start_proxy: StartProxy) -> None:
    """The response is a 503 in the form of the room's own errors, and says when to try again."""
    url = start_proxy([free_port() for _ in range(3)])
    async with client(url) as http, http.post("/api/messages", json={"content": "Hello!"}) as reply:
        body = await reply.json()

    assert (reply.status, body["success"], body["code"]) == (503, False, "outcome_unknown")
    assert reply.headers["Retry-After"] == str(body["retryAfter"])


NGINX_ERRORS: Final = {
    "a body over 1 MB": (
        b"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
        413,
        "body_too_large",
    ),
    "no host": (b"GET /api/messages HTTP/1.1\r\n\r\n", 400, "bad_request"),
    "a method that nginx rejects": (b"TRACE /api/messages HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
    "an unknown encoding": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", 501, "bad_request"),
    "a long header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431, "head_too_large"),
    "a long header that chatr rejects": (
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 17_000 + b"\r\n\r\n",
        431,
        "head_too_large",
    ),
    "a long path that chatr rejects": (
        b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        431,
        "head_too_large",
    ),
}
"""Requests, the status of the response and its code."""


@pytest.mark.parametrize("name", NGINX_ERRORS)
async def test_errors_of_nginx_are_json(name: str, tmp_path: Path, open_room: OpenRoom) -> None:
    """An error that nginx makes itself has the form of the room's own errors."""
    sent, status, code = NGINX_ERRORS[name]
    room, port = await open_room(), free_port()
    with nginx(tmp_path, port, [urlsplit(room.running.url).port or 0] * 3):
        async with connected(f"http://127.0.0.1:{port}") as (reader, writer):
            writer.write(sent)
            response = await read_response(reader, writer)
            body = json.loads(await response.body())

    assert (response.status, body["success"], body["code"]) == (status, False, code)
    assert body["error"]
    assert response.headers["content-type"] == "application/json"


async def test_the_proxy_does_not_compress_the_stream(start_proxy: StartProxy, ports: list[int]) -> None:
    """Frames come at once to a client that accepts compressed responses."""
    headers = {"Accept-Encoding": "gzip, zstd", "Accept": "text/event-stream"}
    async with client(start_proxy(ports), 2) as http, http.get("/api/stream", headers=headers) as stream:
        async with asyncio.timeout(TIMEOUT):
            first = await anext(frames(stream))

    assert first.kind == "history"
    assert "Content-Encoding" not in stream.headers
