"""Requests for the stream are read on two paths, by chatr or by aiohttp, and both give the same response."""

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest

from chatr.adapters.http import listener
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.error_catalogue import TOO_MANY_STREAMS, http_error
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.open_connections import ClientSocket, OpenConnections
from chatr.adapters.http.stream.first_bytes import FirstBytesProtocol
from chatr.adapters.http.stream.idle_connections import IdleConnections
from chatr.adapters.http.stream.stream_request import StreamRequest
from chatr.app import running_room
from chatr.domain.limits import MINUTE, Limit
from chatr.settings import Settings
from tests.conftest import OpenRoom, Room
from tests.node_agents import register_agent
from tests.sse import Frame
from tests.stream_client import Watch, connected, read_response, request, watching
from tests.wire import Wire

GENERATED_ID_LENGTH: Final = 36
"""Characters of the request id that is generated where the client sends none."""
PLAIN_REQUESTS: Final = {
    "bare": request(),
    "as browsers send it": request(
        "/api/stream?events=presence,removed&",
        Accept="text/event-stream",
        Connection="keep-alive",
        User_Agent="Mozilla/5.0 (X11)",
    ),
    "names in lower case": request().replace(b"Host", b"host"),
    "no space after the colon": request().replace(b": ", b":"),
    "empty query": request("/api/stream?"),
    "unknown query parameters": request("/api/stream?a=1&b&c="),
    "last id in the query": request("/api/stream?lastEventId=LAST"),
    "last id": request(Last_Event_ID="LAST"),
    "both": request("/api/stream?lastEventId=1-00000000", Last_Event_ID="LAST"),
    "id of another log": request(Last_Event_ID="2-00000000"),
    "malformed id": request(Last_Event_ID="yesterday"),
    "request id": request(X_Request_Id="abc-1"),
    "unsafe request id": request(X_Request_Id="a b"),
    "unknown header": request(X_Something="!#$ %&/()=?"),
    "origin on this machine": request(Origin="http://localhost:3000"),
    "host of another site": request(Host="chat.example.org"),
    "origin of another site": request(Origin="https://example.org"),
}
OTHER_REQUESTS: Final = {
    "id ahead of the log": request(Last_Event_ID="999-00000000"),
    "encoded comma": request("/api/stream?events=presence%2Cremoved"),
    "presence twice": request("/api/stream?presence=1&presence=0"),
    "encoded query": request("/api/stream?lastEventId=%4C%41ST&presence=%31"),
    "last id twice": request(Last_Event_ID="LAST").replace(b"\r\n\r\n", b"\r\nlast-event-id: 1-00000000\r\n\r\n"),
    "host twice": request().replace(b"\r\n\r\n", b"\r\nHost: other\r\n\r\n"),
    "no host": b"GET /api/stream HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "closing": request(Connection="close"),
    "upgrade": request(Connection="Upgrade", Upgrade="websocket"),
    "empty body": request(Content_Length="0"),
    "body": request(Content_Length="2") + b"{}",
    "chunked body": request(Transfer_Encoding="chunked") + b"0\r\n\r\n",
    "compressed body": request(Content_Encoding="gzip"),
    "expectation": request(Expect="100-continue"),
    "unknown expectation": request(Expect="money"),
    "letters beyond ASCII": request().replace(b"localhost", "räume".encode()),
    "tab": request().replace(b": localhost", b":\tlocalhost"),
    "folded header": request(X_A="1").replace(b"X-A: 1", b"X-A: 1\r\n  2"),
    "no colon": request(X_A="1").replace(b"X-A: 1", b"X-A 1"),
    "space before the colon": request(X_A="1").replace(b"X-A:", b"X-A :"),
    "null": request(X_A="1").replace(b"X-A: 1", b"X-A: \0"),
    "absolute URL": request("http://localhost/api/stream"),
    "fragment": request("/api/stream#m-1"),
    "two slashes": request("//api/stream"),
    "slash at the end": request("/api/stream/"),
    "encoded path": request("/api/stre%61m"),
    "two spaces": request().replace(b"GET ", b"GET  "),
    "another protocol": request().replace(b"HTTP/1.1", b"HTTP/3.7"),
    "HTTP/1.0": request(version="1.0"),
    "HEAD": request(method="HEAD"),
    "POST": request(method="POST"),
    "method in lower case": request(method="get"),
    "longer than plain requests may be": request(X_A="a" * 3_000),
    "header that is too long": request(X_A="a" * 9_000),
    "head that is too large": request(X_A="a" * 7_000, X_B="b" * 7_000, X_C="c" * 7_000),
    "many headers": request(**{f"X-{number}": "1" for number in range(40)}),
    "too many headers": request(**{f"X-{number}": "1" for number in range(70)}),
    "error as a problem": request("/api/strea", Accept="application/problem+json"),
}


class CountedConnection(Connection):
    """Counts how many connections aiohttp serves."""

    __slots__ = ()

    count = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        CountedConnection.count += 1


@pytest.fixture
def aiohttp_connections(monkeypatch: pytest.MonkeyPatch) -> type[CountedConnection]:
    """Count the connections that aiohttp serves during the test."""
    monkeypatch.setattr(listener, "Connection", CountedConnection)
    monkeypatch.setattr(CountedConnection, "count", 0)
    return CountedConnection


def comparable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without the date and without a generated request id."""
    return {
        name: value
        for name, value in headers.items()
        if name != "date" and (name != "x-request-id" or len(value) != GENERATED_ID_LENGTH)
    }


async def first_content(watch: Watch, *, is_head: bool) -> Sequence[Frame] | bytes:
    """Return the body of a response, or the frames with which a stream begins."""
    if is_head or watch.headers.get("content-type") != "text/event-stream; charset=utf-8":
        return b"" if is_head else await watch.body()
    frames = [await watch.frame()]
    while frames[-1].kind != "stats":
        frames.append(await watch.frame())
    return frames


async def send(url: str, data: bytes, *before: bytes) -> tuple[int, dict[str, str], Sequence[Frame] | bytes]:
    """Send a request on a new connection, after the requests `before`; return status, headers and content."""
    async with connected(url) as (reader, writer):
        for earlier_request in before:
            writer.write(earlier_request)
            await read_response(reader, writer)
        writer.write(data)
        watch = await read_response(reader, writer)
        return watch.status, comparable(watch.headers), await first_content(watch, is_head=data.startswith(b"HEAD"))


@pytest.mark.parametrize("name", [*PLAIN_REQUESTS, *OTHER_REQUESTS])
async def test_both_paths_give_the_same_response(
    aiohttp_connections: type[CountedConnection], room: Room, name: str
) -> None:
    """A plain request on a new connection is answered without aiohttp, any other by aiohttp. The response is the same
    as on a connection that aiohttp serves already.
    """
    await (await register_agent(room.running.node)).post("Hello!", "Hello again!")
    async with watching(room.running.url) as watch:
        last = (await watch.frame()).id
    data = (PLAIN_REQUESTS | OTHER_REQUESTS)[name].replace(b"LAST", last.encode())
    aiohttp_connections.count = 0
    on_new_connection = await send(room.running.url, data)
    served_by_aiohttp = aiohttp_connections.count
    on_used_connection = await send(room.running.url, data, request("/health", method="HEAD"))

    assert on_new_connection == on_used_connection
    assert (served_by_aiohttp, aiohttp_connections.count) == (name in OTHER_REQUESTS, (name in OTHER_REQUESTS) + 1)


async def test_a_request_may_arrive_in_pieces(room: Room) -> None:
    """The rest is waited for, as of any request."""
    async with connected(room.running.url) as (reader, writer):
        for piece in request().partition(b"stream"):
            writer.write(piece)
            await writer.drain()
        watch = await read_response(reader, writer)

        assert (watch.status, (await watch.frame()).kind) == (200, "history")


async def test_a_request_counts_once_on_either_path(open_room: OpenRoom) -> None:
    """A rejected request for the stream counts as one request, and the limit of requests holds for streams too."""
    room = await open_room(max_streams_per_ip=1, rate_requests=Limit(5, MINUTE))
    async with watching(room.running.url):
        codes = []
        for _ in range(5):
            async with watching(room.running.url) as rejected:
                codes.append(json.loads(await rejected.body())["code"])

    assert codes == ["too_many_streams"] * 4 + ["request_rate_limited"]


async def test_a_refused_request_needs_no_aiohttp(
    aiohttp_connections: type[CountedConnection], open_room: OpenRoom
) -> None:
    """A request for the stream without a slot or over the rate is refused at once, and the connection stays open."""
    room = await open_room(max_streams_per_ip=1, rate_requests=Limit(3, MINUTE))
    async with watching(room.running.url), connected(room.running.url) as (reader, writer):
        codes = []
        for _ in range(3):
            writer.write(request())
            codes.append(json.loads(await (await read_response(reader, writer)).body())["code"])

    assert codes == ["too_many_streams", "too_many_streams", "request_rate_limited"]
    assert aiohttp_connections.count == 0


async def test_a_request_below_the_base_path_needs_no_aiohttp(
    aiohttp_connections: type[CountedConnection], open_room: OpenRoom
) -> None:
    """The path of the public URL may stand before the path of the stream."""
    room = await open_room(public_url="https://example.org/a.b/chat")
    for path in ("/a.b/chat/api/stream?presence=1", "/api/stream"):
        async with watching(room.running.url, path) as watch:
            assert (await watch.frame()).kind == "history"
    async with watching(room.running.url, "/axb/chat/api/stream") as other:
        assert other.status == 404

    assert aiohttp_connections.count == 1


async def test_a_client_that_reads_no_refusal_is_disconnected() -> None:
    """Refusals that it does not take would fill the memory."""

    def refuse(_transport: asyncio.Transport, _request: StreamRequest) -> bool:
        raise http_error(TOO_MANY_STREAMS, limit=1, whose="in all", retryAfter=10)

    with ClientSocket.take(socket.socket(), OpenConnections(1, 1), "192.0.2.1") as client:
        protocol = FirstBytesProtocol(IdleConnections(60), refuse, lambda _: asyncio.Protocol(), client)
        wire = Wire()
        protocol.connection_made(wire)
        for _ in range(2):
            protocol.data_received(request())
        protocol.connection_lost(None)

    assert (len(wire.pieces), wire.aborted) == (1, True)


async def test_a_connection_that_was_refused_a_stream_is_idle_like_others(open_room: OpenRoom) -> None:
    """A proxy that reuses it finds it open for as long as after any other response."""
    room = await open_room(max_streams_per_ip=1, timeouts=HttpTimeouts(first_byte=0.05))
    async with watching(room.running.url), connected(room.running.url) as (reader, writer):
        refusals = []
        for _ in range(2):
            writer.write(request())
            response = await read_response(reader, writer)
            refusals.append((response.status, len(await response.body()) > 0))
            # One that sends nothing is closed meanwhile.
            async with connected(room.running.url) as (other, _):
                assert await other.read() == b""

    assert refusals == [(429, True), (429, True)]


@pytest.mark.long
async def test_a_connection_that_sends_nothing_is_closed(open_room: OpenRoom) -> None:
    """It is closed after the idle time-out; a watcher, which sends nothing either, stays."""
    room = await open_room(timeouts=HttpTimeouts(first_byte=0.2))
    started_at = asyncio.get_running_loop().time()
    async with AsyncExitStack() as stack:
        watch = await stack.enter_async_context(watching(room.running.url))
        for _ in range(3):
            reader, _ = await stack.enter_async_context(connected(room.running.url))
            assert await reader.read() == b""
        duration = asyncio.get_running_loop().time() - started_at
        await watch.frames(2)

    assert duration >= 3 * 0.2


async def test_a_connection_that_sends_nothing_does_not_delay_shutdown() -> None:
    """A server that closes does not wait for connections on which nothing was sent."""
    async with AsyncExitStack() as stack:
        async with running_room(Settings(log="memory:", port=0)) as room:
            reader, _ = await stack.enter_async_context(connected(room.url))
            async with watching(room.url) as watch:  # connections are accepted in the order in which they come
                await watch.frames(2)

        assert await reader.read() == b""
