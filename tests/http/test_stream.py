"""The stream, to the letter: what a watcher is sent, and in which form."""

import asyncio
import json
from collections.abc import Callable

import pytest
import requests
from sseclient import SSEClient

from chatr.adapters.http.site import Patience
from chatr.hub import Hub
from tests.conftest import OpenRoom, Room, Server
from tests.crowd import numbered, speaker
from tests.sse import answer, connect, request, watching

Serve = Callable[..., Server]

FORGED = [
    "one\n\ntwo",
    'a\n\ndata: {"type":"message","data":{}}\n\nb',
    "a\n\nevent: message\nid: 1-00000000\nretry: 1\n\nb",
    "a\n:b\nid\ndata",
    "line\u2028separator",
    "paragraph\u2029separator",
    "a\u2028\u2028data: {}\u2028\u2028b",
    "\\n\\ndata: {}\\n\\n",
    "0\n\n5\n\nhello",
]


async def test_the_head_of_a_stream(room: Room) -> None:
    """The answer tells clients what it is, and caches and proxies to hold nothing back."""
    async with watching(room.running.url) as watch:
        told = {name: watch.headers.get(name) for name in ("content-type", "cache-control", "x-accel-buffering")}

    assert watch.status == 200
    assert told == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
    }
    assert watch.headers["transfer-encoding"] == "chunked"


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


async def test_history_then_totals_then_live(room: Room) -> None:
    """A new watcher gets what was said, the totals once, and then what is said."""
    ada = await room.register()
    before = await room.say(ada, "before")
    async with watching(room.running.url) as watch:
        history, stats = await watch.frames(2)
        after = await room.say(ada, "after")
        live = await watch.frame()

    assert ("history", [before]) == (history.kind, history.data)
    assert stats.kind == "stats"
    assert {"totalAgents": 1, "onlineAgents": 1, "totalMessages": 1}.items() <= stats.data.items()
    assert ("message", after) == (live.kind, live.data)


async def test_clients_come_back_in_three_seconds(room: Room) -> None:
    """The stream begins by telling how long to wait before coming back."""
    async with watching(room.running.url) as watch:
        await watch.frame()

        assert watch.source.retry == 3000


async def test_no_frame_has_a_name(room: Room) -> None:
    """Clients listen with `onmessage`, so every frame is an unnamed event."""
    ada = await room.register()
    async with watching(room.running.url, Last_Event_ID="9-00000000") as watch:
        await watch.frames(3)
        await room.say(ada, "Hello!")
        await watch.frame()
        raw = await raw_of(room, Last_Event_ID="9-00000000")

    assert b"event:" not in raw


async def raw_of(room: Room, **headers: str) -> bytes:
    """What a stream begins with: all that is sent before the first live frame."""
    reader, writer = await connect(room.running.url)
    writer.write(request(version="1.0", **headers))
    raw = await reader.readuntil(b'{"type":"stats"')
    writer.close()
    return raw.partition(b"\r\n\r\n")[2]


async def test_history_is_the_newest_messages_oldest_first(open_room: OpenRoom) -> None:
    """History ends with the newest message and has as many as the operator set."""
    room = await open_room(history=3)
    ids = await (await speaker(room.running.node)).say(*numbered(5))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert ids[-3:] == [message["id"] for message in history.data]


async def test_history_is_a_hundred_messages(room: Room) -> None:
    """Unless the operator sets another number, a new watcher gets the last 100 messages."""
    ids = await (await speaker(room.running.node)).say(*numbered(101))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert ids[-100:] == [message["id"] for message in history.data]


async def test_an_empty_history_clears_a_foreign_cursor(room: Room) -> None:
    """Where nothing was said the id is empty: a client must not come back with one from another log."""
    async with watching(room.running.url) as watch:
        watch.source.last_id = "7-deadbeef"
        history = await watch.frame()

    assert ("history", [], "", "") == (history.kind, history.data, history.own_id, watch.source.last_id)


async def test_the_id_of_history_is_that_of_its_last_message(room: Room) -> None:
    """An id is the position of a message in the log and the first eight characters of its record's id."""
    await (await speaker(room.running.node)).say(*numbered(3))
    async with watching(room.running.url) as watch:
        history = await watch.frame()
    position, fingerprint = (history.own_id or "").split("-")

    assert position == history.data[-1]["id"]
    assert fingerprint == room.running.node.room.history.newest[int(position)].cursor.fingerprint


async def test_the_id_of_a_message_names_it(room: Room) -> None:
    """The id of a live frame is the position of its message and the fingerprint of its record."""
    ada = await room.register()
    async with watching(room.running.url) as watch:
        said = await room.say(ada, "Hello!")
        live = await watch.next("message")

    assert live.own_id == str(room.running.node.room.history.newest[int(said["id"])].cursor)


async def test_totals_do_not_move_a_cursor(room: Room) -> None:
    """A stats frame carries no id, so a client resumes from the message before it."""
    await (await speaker(room.running.node)).say("Hello!")
    async with watching(room.running.url) as watch:
        history, stats = await watch.frames(2)

    assert stats.own_id is None
    assert history.id == stats.id


async def test_totals_come_again_and_again(open_room: OpenRoom) -> None:
    """Every `stats_every` seconds each watcher is told the totals of that moment."""
    room = await open_room(stats_every=2, patience=Patience(tick=0.01))
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await speaker(room.running.node, "Ada")
        first = await watch.frame()
        await speaker(room.running.node, "Bob")
        second = await watch.next("stats")

    assert ("stats", None) == (first.kind, first.own_id)
    assert first.data["totalAgents"] <= second.data["totalAgents"] <= 2


async def test_silence_is_broken_by_a_comment(open_room: OpenRoom) -> None:
    """Where nothing is said a comment shows every watcher and every proxy that the stream lives."""
    room = await open_room(hub=Hub(silence=0.02), stats_every=3600, patience=Patience(tick=0.01))
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await watch.comment()
        await watch.comment()
        said = await room.say(await room.register(), "Hello!")

        assert said == (await watch.frame()).data


async def test_a_head_request_takes_no_place(open_room: OpenRoom) -> None:
    """HEAD is answered as GET would be, with the same headers, no body and no stream."""
    room = await open_room(max_streams=1)
    reader, writer = await connect(room.running.url)
    writer.write(2 * request(method="HEAD") + request())
    heads = [await answer(reader, writer) for _ in range(2)]
    async with asyncio.timeout(1):
        stream = await answer(reader, writer)
    kind = (await stream.frame()).kind
    writer.close()

    assert [(200, "text/event-stream")] * 2 == [(head.status, head.headers["content-type"]) for head in heads]
    assert (200, "history") == (stream.status, kind)


async def test_a_client_of_http_1_0_gets_no_chunks(room: Room) -> None:
    """A proxy that speaks HTTP/1.0, as nginx does by default, gets the bare frames until the connection closes."""
    ada = await room.register()
    reader, writer = await connect(room.running.url)
    writer.write(request(version="1.0", Connection="keep-alive"))
    watch = await answer(reader, writer)
    await watch.frames(2)
    said = await room.say(ada, "Hello!")
    live = await watch.frame()
    writer.close()

    assert not {"transfer-encoding", "content-length", "connection"} & watch.headers.keys()
    assert said == live.data


async def test_a_connection_that_was_used_before_can_watch(room: Room) -> None:
    """A client that keeps its connection open may ask for the stream on it."""
    ada = await room.register()
    reader, writer = await connect(room.running.url)
    for _ in range(3):
        writer.write(request("/health"))
        health = await answer(reader, writer)
        await reader.readexactly(int(health.headers["content-length"]))
    writer.write(request())
    watch = await answer(reader, writer)
    await watch.frames(2)
    said = await room.say(ada, "Hello!")
    live = await watch.frame()
    writer.close()

    assert said == live.data


async def test_a_pipelined_request_can_watch(room: Room) -> None:
    """A request for the stream may follow others in one piece; what follows it is never answered."""
    ada = await room.register()
    reader, writer = await connect(room.running.url)
    writer.write(request("/health") + request() + 500 * request("/health"))
    health = await answer(reader, writer)
    await reader.readexactly(int(health.headers["content-length"]))
    watch = await answer(reader, writer)
    await watch.frames(2)
    writer.write(request("/health"))
    said = await room.say(ada, "Hello!")
    live = await watch.frame()
    writer.close()

    assert said == live.data


@pytest.mark.parametrize("content", FORGED)
async def test_nobody_can_say_a_frame(room: Room, content: str) -> None:
    """Whatever is said stays inside its own frame, live and in history."""
    ada = await room.register()
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await room.say(ada, content)
        await room.say(ada, "afterwards")
        live = await watch.frames(2)
    async with watching(room.running.url) as late:
        history = await late.frame()

    assert [content, "afterwards"] == [frame.data["content"] for frame in live]
    assert [content, "afterwards"] == [message["content"] for message in history.data]


async def test_what_is_said_at_once_arrives_in_order(open_room: OpenRoom) -> None:
    """Frames that share a piece of the stream come in the order of the log, each once."""
    room = await open_room()
    agents = [await speaker(room.running.node, f"Agent{number}") for number in range(50)]
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        for _ in range(4):
            await asyncio.gather(*(agent.say("at once") for agent in agents))
        heard = [int(message["id"]) for message in await watch.messages(200)]

    assert list(room.running.node.room.history.positions) == heard


def test_a_published_client_reads_it(serve: Serve) -> None:
    """A client library that others wrote finds the frames, their ids and what is in them."""
    url = serve("--log", "memory:").url
    key = requests.post(f"{url}/api/register", json={"name": "Ada"}, timeout=10).json()["agent"]["apiKey"]
    with requests.get(f"{url}/api/stream", stream=True, timeout=10) as stream:
        events = SSEClient(stream).events()
        first = [json.loads(next(events).data)["type"] for _ in range(2)]
        bearer = {"Authorization": f"Bearer {key}"}
        said = requests.post(f"{url}/api/messages", json={"content": "Hello! 🦀"}, headers=bearer, timeout=10).json()
        live = next(events)

    assert first == ["history", "stats"]
    assert {"type": "message", "data": said["message"]} == json.loads(live.data)
    assert live.id.startswith(f"{said['message']['id']}-")
