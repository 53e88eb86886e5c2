"""Messages that an operator removed: their text is nowhere, and the rest is as if they had not been posted."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession
from attrs import evolve, frozen

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import running_room
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.node.node import Node
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OPEN_SETTINGS, Agent, OpenRoom, Room
from tests.moderation import OPERATOR, REASON, record_erasure, remove, restore
from tests.node_agents import LONG_TEXT, numbered_texts, register_agent
from tests.stream_client import watching

TEXT: Final = "the text that was removed"
MANY: Final = 70
"""So many long messages are more than a resumed stream is sent at once."""


@frozen
class Removal:
    """A room on which a message with TEXT was removed, after a first message and before many others."""

    room: Room
    author: Agent
    first: str
    message: str
    first_cursor: str
    position: int

    @property
    def node(self) -> Node:
        return self.room.running.node


def cursor_at(node: Node, message: str) -> str:
    record = node.room.history.record_at(int(message))
    assert record is not None
    return str(record.cursor)


Hide = Callable[[Node, str, str], Awaitable[int]]


async def removal_on(room: Room, hide: Hide, later: list[str]) -> Removal:
    """A removal on this room, after these later messages."""
    ada, node = await room.register(), room.running.node
    await room.post("/api/heartbeat", agent=ada)
    first = (await room.post_message(ada, "first"))["id"]
    room.clock.advance(3_600_000)
    posted = await room.post("/api/messages", {"content": TEXT}, agent=ada, headers={"Idempotency-Key": "key"})
    message = posted.json["message"]["id"]
    await (await register_agent(node, "Bob")).post(*later)
    # Everything that a room remembers of its messages has been asked for, so it is cached.
    removal = Removal(room, ada, first, message, cursor_at(node, first), node.room.position)
    await everywhere(removal)
    await hide(node, ada.id, message)
    return removal


async def stream_text(room: Room, last_id: str = "", path: str = "/api/stream") -> str:
    """What a stream sends before the totals."""
    async with watching(room.running.url, path, last_id=last_id) as watch:
        texts = []
        while (frame := await watch.frame()).kind != "stats":
            texts.append(frame.text)
    return "".join(texts)


async def everywhere(removal: Removal) -> dict[str, str]:
    """What each place says that shows messages."""
    room, first, message = removal.room, int(removal.first), int(removal.message)
    paths = [
        f"/api/messages?after={first}",
        f"/api/messages?since={first}&limit=1",
        f"/api/messages?after={first}&wait=1",
        f"/api/messages?before={message + 1}",
        f"/api/messages?after={first}&before={message + 1}",
        f"/api/messages/{message}",
        f"/api/at?position={message}",
        f"/api/at?position={removal.position}",
        f"/api/at?time={room.clock.now()}&limit=100",
        "/",
    ]
    bodies = {path: (await room.get(path)).raw.decode() for path in paths}
    again = await room.post(
        "/api/messages", {"content": TEXT}, agent=removal.author, headers={"Idempotency-Key": "key"}
    )
    return {
        **bodies,
        "post again": again.raw.decode(),
        "history": await stream_text(room),
        "resumed": await stream_text(room, removal.first_cursor),
        "reset": await stream_text(room, "1-00000000"),
    }


def places_with_text(places: dict[str, str]) -> list[str]:
    return [place for place, body in places.items() if TEXT in body]


HIDDEN: Final = [pytest.param(remove, id="removed"), pytest.param(record_erasure, id="erased")]
BACKLOGS: Final = [
    pytest.param(["later"], id="a short backlog"),
    pytest.param(numbered_texts(MANY, LONG_TEXT), id="behind", marks=pytest.mark.long),
]


@pytest.mark.parametrize("later", BACKLOGS)
@pytest.mark.parametrize("hide", HIDDEN)
async def test_the_text_is_nowhere(room: Room, hide: Hide, later: list[str]) -> None:
    """No response, stream or page shows the text of a message after it was removed or erased."""
    removal = await removal_on(room, hide, later)
    places = await everywhere(removal)

    assert places_with_text(places) == []
    assert f'"id":"{removal.message}"' not in "".join(
        body for place, body in places.items() if place.startswith(("/api/messages?", "history", "resumed", "reset"))
    )


async def test_a_restored_message_is_everywhere_again(room: Room) -> None:
    """Every place shows the text again after the message was restored."""
    removal = await removal_on(room, remove, ["later"])
    await restore(removal.node, removal.author.id, removal.message)
    places = await everywhere(removal)

    assert places_with_text(places) == list(places)


@pytest.mark.long
@pytest.mark.parametrize("hide", HIDDEN)
async def test_the_text_is_nowhere_on_another_node(open_room: OpenRoom, hide: Hide) -> None:
    """A node that follows the log shows the text no longer, wherever the message was removed."""
    log = MemoryLog()
    here, there = await open_room(event_log=log), await open_room(event_log=log)
    removal = await removal_on(here, hide, ["later"])
    await there.running.node.follower.wait_until_folded(removal.node.room.position)

    assert places_with_text(await everywhere(evolve(removal, room=there))) == []


@pytest.mark.long
@pytest.mark.parametrize("hide", HIDDEN)
async def test_the_text_is_nowhere_after_a_restart(tmp_path: Path, open_room: OpenRoom, hide: Hide) -> None:
    """A server that starts from the checkpoint of an earlier one shows the text no more than that one."""
    log, clock = f"sqlite:///{tmp_path}/chatr.db", SettableClock()
    async with (
        running_room(Settings(**OPEN_SETTINGS | {"log": log}), clock=clock) as running,
        ClientSession(running.url) as http,
    ):
        removal = await removal_on(Room(running, clock, http), hide, ["later"])
    restarted = evolve(removal, room=await open_room(log=log, clock=clock))

    assert (tmp_path / "chatr.db.checkpoint").exists()
    assert places_with_text(await everywhere(restarted)) == []


async def test_a_removed_message_says_why(room: Room) -> None:
    """Its id leads to the message without its text, with the operator and the reason."""
    removal = await removal_on(room, remove, [])
    answer = await room.get(f"/api/messages/{removal.message}")

    assert answer.status == 200
    assert (
        answer.json["message"].items()
        >= {
            "id": removal.message,
            "agentName": "Ada",
            "content": "[removed]",
            "removed": True,
            "removedBy": OPERATOR,
            "reason": REASON,
        }.items()
    )


async def test_a_message_has_its_own_address(room: Room) -> None:
    """GET /api/messages/{id} returns the message as every other place shows it."""
    message = await room.post_message(await room.register(), "Hello")

    assert (await room.get(f"/api/messages/{message['id']}")).json == {"success": True, "message": message}


@pytest.mark.parametrize("text", ["1", "99", "0", "-1", "x", "9" * 19, "1.0", "%31%2F3", "٣"])
async def test_what_is_no_message_is_not_found(room: Room, text: str) -> None:
    """Records of other kinds, ids that do not exist, and what is no id are 404."""
    await room.post_message(await room.register(), "Hello")
    answer = await room.get(f"/api/messages/{text}")

    assert (answer.status, answer.json["code"]) == (404, "message_not_found")


async def test_the_past_shows_what_was_removed_later(room: Room) -> None:
    """A moment before the removal shows by whom and why a message was removed; one after it shows nothing of it."""
    removal = await removal_on(room, remove, ["later"])
    before = (await room.get(f"/api/at?position={removal.position}")).json
    after = (await room.get(f"/api/at?position={removal.node.room.position}")).json

    assert [(each["content"], each.get("removedBy"), each.get("reason")) for each in before["messages"]] == [
        ("first", None, None),
        ("[removed]", OPERATOR, REASON),
        ("later", None, None),
    ]
    assert [each["content"] for each in after["messages"]] == ["first", "later"]
    assert (before["stats"]["totalMessages"], after["stats"]["totalMessages"]) == (2, 2)


async def test_totals_count_what_is_shown(room: Room) -> None:
    """`totalMessages` is the number of messages that are not removed."""
    await removal_on(room, remove, ["later"])
    async with watching(room.running.url) as watch:
        stats = await watch.next("stats")

    assert stats.data["totalMessages"] == 2
    assert (await room.get("/api/agents")).json["stats"]["totalMessages"] == 2


async def test_a_long_poll_is_answered_by_what_is_shown(room: Room) -> None:
    """A request that waits after a removed message waits on, and is answered by the next message that is shown."""
    removal = await removal_on(room, remove, [])
    waiting = asyncio.create_task(room.get(f"/api/messages?after={removal.first}&wait=25"))
    async with watching(room.running.url) as watch:
        await watch.next("stats")
    assert not waiting.done()
    bob = await register_agent(removal.node, "Cyd")
    (later,) = await bob.post("later")

    assert [each["id"] for each in (await waiting).json["messages"]] == [later]


async def test_a_restored_message_answers_a_long_poll(room: Room) -> None:
    """A message that is shown again is news for a request that waits for one after an earlier message."""
    removal = await removal_on(room, remove, [])
    waiting = asyncio.create_task(room.get(f"/api/messages?after={removal.first}&wait=25"))
    async with watching(room.running.url) as watch:
        await watch.next("stats")
    await restore(removal.node, removal.author.id, removal.message)

    assert [each["id"] for each in (await waiting).json["messages"]] == [removal.message]


async def read(room: Room, path: str) -> str:
    """Return the body, of a stream what it sends before the totals."""
    if path.startswith("/api/stream"):
        return await stream_text(room, path=path)
    return (await room.get(path)).raw.decode()


@pytest.mark.long
@pytest.mark.parametrize(
    "path",
    [
        "/api/messages?after={first}",
        "/api/messages/{removed}",
        "/api/at?position={removed}",
        "/api/stream?lastEventId={cursor}",
    ],
)
async def test_what_is_removed_while_it_is_read_is_not_shown(open_room: OpenRoom, path: str) -> None:
    """A removal that is folded while the text is being read from the log still hides it."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    node = room.running.node
    ada = await register_agent(node)
    first, removed = await ada.post("first", TEXT)
    cursor = ada.cursor_at(first)
    await ada.post(*numbered_texts(MESSAGES_IN_MEMORY))
    hold = log.hold("pick")
    reading = asyncio.create_task(read(room, path.format(first=first, removed=removed, cursor=cursor)))
    await hold.reached.wait()
    await remove(node, ada.agent, removed)
    hold.release()

    assert TEXT not in await reading
