"""The stream, to the letter: what a watcher is sent."""

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
from tests.watching import PATIENCE, watching

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


async def test_history_then_totals_then_live(room: Room) -> None:
    """A new watcher gets what was said, the totals once, and then what is said."""
    ada = await room.register()
    before = await room.say(ada, "before")
    async with watching(room.running.url) as watch:
        history, stats = await watch.frames(2)
        after = await room.say(ada, "after")
        live = await watch.frame()

    assert (history.kind, history.data) == ("history", [before])
    assert (stats.kind, stats.data) == ("stats", stats.data | {"totalAgents": 1, "onlineAgents": 1, "totalMessages": 1})
    assert (live.kind, live.data) == ("message", after)


async def test_clients_come_back_in_three_seconds(room: Room) -> None:
    """The stream begins by telling how long to wait before coming back."""
    async with watching(room.running.url) as watch:
        await watch.frame()

        assert watch.source.retry == 3000


async def test_no_frame_has_a_name(room: Room) -> None:
    """Clients listen with `onmessage`, so every frame is an unnamed event."""
    async with watching(room.running.url, last_id="9-00000000") as watch:
        frames = await watch.frames(3)
        await (await speaker(room.running.node)).say("Hello!")
        frames.append(await watch.frame())

    assert [frame.kind for frame in frames] == ["reset", "history", "stats", "message"]
    assert [frame.name for frame in frames] == [None] * 4


async def test_history_is_the_newest_messages_oldest_first(open_room: OpenRoom) -> None:
    """History ends with the newest message and has as many as the operator set."""
    room = await open_room(history=3)
    said = await (await speaker(room.running.node)).say(*numbered(5))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert [message["id"] for message in history.data] == said[-3:]


async def test_history_is_a_hundred_messages(room: Room) -> None:
    """Unless the operator sets another number, a new watcher gets the last 100 messages."""
    said = await (await speaker(room.running.node)).say(*numbered(101))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert [message["id"] for message in history.data] == said[-100:]


async def test_an_empty_history_clears_a_foreign_cursor(room: Room) -> None:
    """Where nothing was said the id is empty: a client must not come back with one from another log."""
    async with watching(room.running.url, last_id="7-deadbeef") as watch:
        _, history = await watch.frames(2)

    assert (history.kind, history.data, history.own_id, history.id) == ("history", [], "", "")


async def test_the_id_of_history_is_that_of_its_last_message(room: Room) -> None:
    """Whoever has seen a history has seen everything up to its last message."""
    ada = await speaker(room.running.node)
    said = await ada.say(*numbered(3))
    async with watching(room.running.url) as watch:
        history = await watch.frame()

    assert history.own_id == ada.id_of(said[-1])


async def test_an_id_is_a_position_and_a_fingerprint(room: Room) -> None:
    """The id of a message is its position in the log and the first eight characters of its record's id."""
    ada = await speaker(room.running.node)
    async with watching(room.running.url) as watch:
        (said,) = await ada.say("Hello!")
        live = await watch.next("message")
    record = room.running.node.room.history.whole(int(said))
    assert record is not None
    fingerprint = record.cursor.fingerprint

    assert len(fingerprint) == 8
    assert live.own_id == f"{live.data['id']}-{fingerprint}"


async def test_totals_do_not_move_a_cursor(room: Room) -> None:
    """A stats frame carries no id, so a client resumes from the message before it."""
    ada = await speaker(room.running.node)
    (said,) = await ada.say("Hello!")
    async with watching(room.running.url) as watch:
        _, stats = await watch.frames(2)

    assert (stats.kind, stats.own_id, stats.id) == ("stats", None, ada.id_of(said))


async def test_totals_come_again_and_again(open_room: OpenRoom) -> None:
    """Every `stats_every` seconds each watcher is told the totals of that moment."""
    room = await open_room(stats_every=2, patience=Patience(tick=0.01))
    async with watching(room.running.url) as watch:
        frames = await watch.frames(2)
        await speaker(room.running.node)
        async with asyncio.timeout(PATIENCE):
            while frames[-1].data["totalAgents"] == 0:
                frames.append(await watch.frame())
        frames.append(await watch.frame())

    assert {(each.kind, each.own_id) for each in frames[1:]} == {("stats", None)}
    assert [each.data["totalAgents"] for each in frames[-2:]] == [1, 1]


async def test_silence_is_broken_by_a_comment(open_room: OpenRoom) -> None:
    """Where nothing is said a comment shows every watcher and every proxy that the stream lives."""
    room = await open_room(hub=Hub(silence=0.02), stats_every=3600, patience=Patience(tick=0.01))
    async with watching(room.running.url) as watch:
        await watch.frames(2)
        await watch.comment()
        await watch.comment()
        said = await room.say(await room.register(), "Hello!")
        live = await watch.frame()

    assert live.data == said


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

    assert [frame.data["content"] for frame in live] == [content, "afterwards"]
    assert [message["content"] for message in history.data] == [content, "afterwards"]


async def test_what_is_said_at_once_arrives_in_order(room: Room) -> None:
    """Frames that share a piece of the stream come in the order of the log, each once."""
    agents = [await speaker(room.running.node, f"Agent{number}") for number in range(50)]
    async with watching(room.running.url) as watch:
        for _ in range(4):
            await asyncio.gather(*(agent.say("at once") for agent in agents))
        heard = await watch.messages(200)

    assert heard == [str(position) for position in room.running.node.room.history.positions]


def test_a_published_client_reads_it(serve: Callable[..., Server]) -> None:
    """A client library that others wrote finds the frames, their ids and what is in them."""
    url = serve("--log", "memory:").url
    key = requests.post(f"{url}/api/register", json={"name": "Ada"}, timeout=10).json()["agent"]["apiKey"]
    with requests.get(f"{url}/api/stream", stream=True, timeout=10) as stream:
        events = SSEClient(iter(stream)).events()
        first = [json.loads(next(events).data)["type"] for _ in range(2)]
        bearer = {"Authorization": f"Bearer {key}"}
        said = requests.post(f"{url}/api/messages", json={"content": "Hello! 🦀"}, headers=bearer, timeout=10).json()
        live = next(events)

    assert first == ["history", "stats"]
    assert json.loads(live.data) == {"type": "message", "data": said["message"]}
    assert (live.id or "").startswith(f"{said['message']['id']}-")
