"""The connection of a stream: its head, and the ways in which HTTP lets one ask for it."""

from tests.conftest import OpenRoom, Room
from tests.crowd import speaker
from tests.watching import answer, connected, request, watching


async def test_the_head_of_a_stream(room: Room) -> None:
    """The answer tells clients what it is, and caches and proxies to hold nothing back."""
    async with watching(room.running.url) as watch:
        told = {name: watch.headers[name] for name in ("content-type", "cache-control", "x-accel-buffering")}

    assert (watch.status, watch.headers["transfer-encoding"]) == (200, "chunked")
    assert told == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    }


async def test_a_stream_is_never_compressed(room: Room) -> None:
    """A compressor would hold frames back, so none is used even where the client knows several."""
    async with watching(room.running.url, Accept_Encoding="gzip, deflate, br, zstd") as watch:
        kinds = [frame.kind for frame in await watch.frames(2)]

    assert "content-encoding" not in watch.headers
    assert kinds == ["history", "stats"]


async def test_a_page_of_any_origin_may_watch(room: Room) -> None:
    """The stream is open to scripts from everywhere, without credentials."""
    async with watching(room.running.url, Origin="https://example.org") as watch:
        told = watch.headers

    assert told["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in told


async def test_a_head_request_takes_no_place(open_room: OpenRoom) -> None:
    """HEAD is answered as GET would be, with the same headers, no body and no stream."""
    room = await open_room(max_streams=1)
    async with connected(room.running.url) as (reader, writer):
        writer.write(2 * request(method="HEAD") + request())
        heads = [await answer(reader, writer) for _ in range(2)]
        stream = await answer(reader, writer)
        first = await stream.frame()

    assert [(head.status, head.headers["content-type"]) for head in heads] == [(200, "text/event-stream")] * 2
    assert (stream.status, first.kind) == (200, "history")


async def test_a_client_of_http_1_0_gets_no_chunks(room: Room) -> None:
    """A proxy that speaks HTTP/1.0, as nginx does by default, gets the bare frames until the connection closes."""
    async with watching(room.running.url, version="1.0", Connection="keep-alive") as watch:
        said = await (await speaker(room.running.node)).say("Hello!")
        heard = await watch.messages(1)

    assert not {"transfer-encoding", "content-length", "connection"} & watch.headers.keys()
    assert heard == said


async def test_a_connection_that_was_used_before_can_watch(room: Room) -> None:
    """A client that keeps its connection open may ask for the stream on it."""
    async with connected(room.running.url) as (reader, writer):
        for _ in range(3):
            writer.write(request("/health"))
            health = await answer(reader, writer)
            await reader.readexactly(int(health.headers["content-length"]))
        writer.write(request())
        watch = await answer(reader, writer)
        said = await (await speaker(room.running.node)).say("Hello!")
        heard = await watch.messages(1)

    assert heard == said


async def test_a_pipelined_request_can_watch(room: Room) -> None:
    """A request for the stream may follow others in one piece; what follows it is never answered."""
    async with connected(room.running.url) as (reader, writer):
        writer.write(request("/health") + request() + 500 * request("/health"))
        health = await answer(reader, writer)
        await reader.readexactly(int(health.headers["content-length"]))
        watch = await answer(reader, writer)
        writer.write(request("/health"))
        said = await (await speaker(room.running.node)).say("Hello!")
        heard = await watch.messages(1)

    assert heard == said
