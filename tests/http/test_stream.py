"""The frames that a watcher is sent, and their order."""

import asyncio
import json
from collections.abc import Callable

import pytest
import requests
from sseclient import SSEClient

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.stream.hub import Hub
from tests.conftest import OpenRoom, Room, Server
from tests.node_agents import numbered_texts, register_agent
from tests.stream_client import TIMEOUT, watching

FORGED_FRAMES = [
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


async def test_a_stream_begins_with_history_and_totals(room: Room) -> None:
    """A new watcher gets the last messages, the totals, and then each new message."""
    ada = await room.register()
    before = await room.post_message(ada, "before")
    async with watching(room.running.url) as watch:
        history, stats = await watch.frames(2)
        after = await room.post_message(ada, "after")
        live = await watch.frame()

    assert (history.kind, history.data) == ("history", [before])
    assert (stats.kind, stats.data) == ("stats", stats.data | {"totalAgents": 1, "onlineAgents": 1, "totalMessages": 1})
    assert (live.kind, live.data) == ("message", after)


async def test_clients_reconnect_after_three_seconds(room: Room) -> None:
    """The first frame says when to connect again."""
    async with watching(room.running.url) as watch:
        await watch.frame()

        assert watch.source.retry == 3000


async def test_frames_are_unnamed_events(room: Room) -> None:
    """Clients listen with `onmessage`, which fires for unnamed events only."""
    async with watching(room.running.url, last_id="9-00000000") as watch:
        frames = await watch.frames(3)
        await (await register_agent(room.running.node)).post("Hello!")
        frames.append(await watch.frame())

    assert [frame.kind for frame in frames] == ["reset", "history", "stats", "message"]
    assert [frame.name for frame in frames] == [None] * 4


async def test_history_is_the_newest_messages_oldest_first(open_room: OpenRoom) -> None:
    """It ends with the newest message, and has as many as the setting `history` says."""
    room = await open_room(history=3)
    posted = await (await register_agent(room.running.node)).post(*numbered_texts(5))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert [message["id"] for message in history.data] == posted[-3:]


async def test_history_is_a_hundred_messages_by_default(room: Room) -> None:
    """A new watcher gets the last 100 messages."""
    posted = await (await register_agent(room.running.node)).post(*numbered_texts(101))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert [message["id"] for message in history.data] == posted[-100:]


async def test_an_empty_history_clears_the_cursor_of_another_log(room: Room) -> None:
    """Its id is empty, so that a client does not reconnect with an id of another log."""
    async with watching(room.running.url, last_id="7-deadbeef") as watch:
        _, history = await watch.frames(2)

    assert (history.kind, history.data, history.own_id, history.id) == ("history", [], "", "")


async def test_the_id_of_a_history_is_that_of_its_last_message(room: Room) -> None:
    """A client that has the history has every message up to its last one."""
    ada = await register_agent(room.running.node)
    posted = await ada.post(*numbered_texts(3))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert history.own_id == ada.cursor_at(posted[-1])


async def test_an_id_is_a_position_and_a_fingerprint(room: Room) -> None:
    """The id of a message is its position in the log and the first eight characters of its record's id."""
    ada = await register_agent(room.running.node)
    async with watching(room.running.url) as watch:
        (posted,) = await ada.post("Hello!")
        live = await watch.next("message")
    record = room.running.node.room.history.record_at(int(posted))
    assert record is not None
    fingerprint = record.cursor.fingerprint

    assert len(fingerprint) == 8
    assert live.own_id == f"{live.data['id']}-{fingerprint}"


async def test_stats_frames_have_no_id(room: Room) -> None:
    """A client resumes from the message before them."""
    ada = await register_agent(room.running.node)
    (posted,) = await ada.post("Hello!")
    async with watching(room.running.url) as watch:
        _, stats = await watch.frames(2)

    assert (stats.kind, stats.own_id, stats.id) == ("stats", None, ada.cursor_at(posted))


async def test_totals_are_repeated(open_room: OpenRoom) -> None:
    """Every `stats_every` seconds each watcher is sent the current totals."""
    room = await open_room(stats_every=2, timeouts=HttpTimeouts(tick=0.01))
    async with watching(room.running.url) as watch:
        frames = await watch.frames(2)
        await register_agent(room.running.node)
        async with asyncio.timeout(TIMEOUT):
            while frames[-1].data["totalAgents"] == 0:
                frames.append(await watch.frame())
        frames.append(await watch.frame())

    assert {(frame.kind, frame.own_id) for frame in frames[1:]} == {("stats", None)}
    assert [frame.data["totalAgents"] for frame in frames[-2:]] == [1, 1]


async def test_comments_are_sent_while_nothing_is_posted(open_room: OpenRoom) -> None:
    """A comment shows every watcher and every proxy that the stream is alive."""
    room = await open_room(hub=Hub(comment_interval=0.02), stats_every=3600, timeouts=HttpTimeouts(tick=0.01))
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await watch.comment()
        await watch.comment()
        posted = await room.post_message(await room.register(), "Hello!")
        live = await watch.frame()

    assert live.data == posted


@pytest.mark.parametrize("content", FORGED_FRAMES)
async def test_a_message_cannot_forge_a_frame(room: Room, content: str) -> None:
    """Whatever is posted stays inside its own frame, live and in the history."""
    ada = await room.register()
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await room.post_message(ada, content)
        await room.post_message(ada, "afterwards")
        live = await watch.frames(2)
    async with watching(room.running.url) as late:
        history = await late.frame()

    assert [frame.data["content"] for frame in live] == [content, "afterwards"]
    assert [message["content"] for message in history.data] == [content, "afterwards"]


async def test_a_line_ends_only_at_a_line_feed(room: Room) -> None:
    """Some clients split lines as str.splitlines does, at characters that JSON allows within a string."""
    content = "a\u2028b\u2029c"
    ada = await room.register()
    async with watching(room.running.url) as watch:
        await room.post_message(ada, content)
        live = await watch.next("message")
    async with watching(room.running.url) as late:
        history = await late.frame()

    assert [live.data["content"], *(message["content"] for message in history.data)] == [content] * 2
    assert [len(frame.text.splitlines()) for frame in (live, history)] == [1, 1]


async def test_concurrent_messages_arrive_in_the_order_of_the_log(room: Room) -> None:
    """Frames that are written together come in order, each once."""
    agents = [await register_agent(room.running.node, f"Agent{number}") for number in range(50)]
    async with watching(room.running.url) as watch:
        for _ in range(4):
            await asyncio.gather(*(agent.post("at once") for agent in agents))
        received = await watch.messages(200)

    assert received == [str(position) for position in room.running.node.room.history.positions]


def test_a_published_client_library_reads_the_stream(serve: Callable[..., Server]) -> None:
    """sseclient-py finds the frames, their ids and their data."""
    url = serve("--log", "memory:").url
    key = requests.post(f"{url}/api/register", json={"name": "Ada"}, timeout=10).json()["agent"]["apiKey"]
    with requests.get(f"{url}/api/stream", stream=True, timeout=10) as stream:
        events = SSEClient(iter(stream)).events()
        first = [json.loads(next(events).data)["type"] for _ in range(2)]
        bearer = {"Authorization": f"Bearer {key}"}
        posted = requests.post(f"{url}/api/messages", json={"content": "Hello! 🦀"}, headers=bearer, timeout=10).json()
        live = next(events)

    assert first == ["history", "stats"]
    assert json.loads(live.data) == {"type": "message", "data": posted["message"]}
    assert (live.id or "").startswith(f"{posted['message']['id']}-")
