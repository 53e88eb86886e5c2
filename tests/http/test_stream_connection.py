"""The response head of a stream, and streams on all kinds of connections."""

from tests.conftest import OpenRoom, Room
from tests.node_agents import register_agent
from tests.stream_client import connected, read_response, request, watching


async def test_the_headers_of_a_stream(room: Room) -> None:
    """They name the media type and its encoding, and forbid caches and proxies to hold frames back."""
    async with watching(room.running.url) as watch:
        headers = {name: watch.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering")}

    assert (watch.status, watch.headers["transfer-encoding"]) == (200, "chunked")
    assert headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache, no-store, no-transform",
        "x-accel-buffering": "no",
    }


async def test_a_stream_is_never_compressed(room: Room) -> None:
    """A compressor would hold frames back, so none is used, whatever the client accepts."""
    async with watching(room.running.url, Accept_Encoding="gzip, deflate, br, zstd") as watch:
        kinds = [frame.kind for frame in await watch.frames(2)]

    assert "content-encoding" not in watch.headers
    assert kinds == ["history", "stats"]


async def test_scripts_of_any_site_may_read_the_stream(open_room: OpenRoom) -> None:
    """In a public room any origin is allowed, without credentials."""
    room = await open_room(public_url="https://chat.example.org")
    async with watching(room.running.url, Origin="https://example.org") as watch:
        headers = watch.headers

    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


async def test_a_head_request_takes_no_slot(open_room: OpenRoom) -> None:
    """HEAD is answered with the headers of GET, no body and no stream."""
    room = await open_room(max_streams=1)
    async with connected(room.running.url) as (reader, writer):
        writer.write(2 * request(method="HEAD") + request())
        heads = [await read_response(reader, writer) for _ in range(2)]
        stream = await read_response(reader, writer)
        first = await stream.frame()

    media_type = "text/event-stream; charset=utf-8"

    assert [(head.status, head.headers["content-type"]) for head in heads] == [(200, media_type)] * 2
    assert (stream.status, first.kind) == (200, "history")


async def test_http_1_0_gets_no_chunks(room: Room) -> None:
    """A proxy with HTTP/1.0, nginx's default, gets the plain frames until the connection closes."""
    async with watching(room.running.url, version="1.0", Connection="keep-alive") as watch:
        posted = await (await register_agent(room.running.node)).post("Hello!")
        received = await watch.messages(1)

    assert not {"transfer-encoding", "content-length", "connection"} & watch.headers.keys()
    assert received == posted


async def test_a_connection_that_was_used_before_can_watch(room: Room) -> None:
    """A client may request the stream on a connection on which it has sent other requests."""
    async with connected(room.running.url) as (reader, writer):
        for _ in range(3):
            writer.write(request("/health"))
            health = await read_response(reader, writer)
            await reader.readexactly(int(health.headers["content-length"]))
        writer.write(request())
        watch = await read_response(reader, writer)
        posted = await (await register_agent(room.running.node)).post("Hello!")
        received = await watch.messages(1)

    assert received == posted


async def test_a_pipelined_request_can_watch(room: Room) -> None:
    """A request for the stream may be pipelined behind others; requests behind it are never answered."""
    async with connected(room.running.url) as (reader, writer):
        writer.write(request("/health") + request() + 500 * request("/health"))
        health = await read_response(reader, writer)
        await reader.readexactly(int(health.headers["content-length"]))
        watch = await read_response(reader, writer)
        writer.write(request("/health"))
        posted = await (await register_agent(room.running.node)).post("Hello!")
        received = await watch.messages(1)

    assert received == posted
