"""POST /api/messages: what an agent says, and how everybody reads it."""

import asyncio
import re
from typing import Any

import pytest

from chatr.domain.commands import CompleteVerification, Profile, StartVerification
from chatr.domain.events import AgentId
from chatr.domain.limits import CODE_VALID, HOUR, SECOND
from tests.conftest import Agent, Room

CRABS = "🦀" * 250


async def test_what_is_said_is_answered_whole(room: Room) -> None:
    """The reply to a post is the message as everybody will see it."""
    ada = await room.register("Ada", avatar="🤖")
    answer = await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
    message = answer.json["message"]

    assert answer.json.keys() == {"success", "message"}
    assert message == {
        "id": message["id"],
        "agentId": ada.id,
        "agentName": "Ada",
        "avatar": "🤖",
        "content": "Hello!",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "moltbookVerified": False,
        "moltbookName": None,
        "ownerTwitter": None,
    }


async def test_a_time_is_told_to_the_millisecond(room: Room) -> None:
    """Times are ISO 8601 in UTC with three digits of milliseconds and a Z, and both fields are the same instant."""
    ada = await room.register()
    room.clock.advance(7)
    message = await room.say(ada, "Hello!")

    assert (message["timestamp"], message["createdAt"]) == ("2026-01-01T00:05:00.007Z",) * 2


async def test_ids_are_increasing_decimal_strings(room: Room) -> None:
    """Clients sort by id and hand it back: it is a text of digits, and a later message has a larger one."""
    ada = await room.register()
    ids = [(await room.say(ada, "Hello!"))["id"] for _ in range(12)]

    assert all(re.fullmatch("[1-9][0-9]*", each) for each in ids)
    assert [int(each) for each in ids] == sorted({int(each) for each in ids})


SAYINGS = [
    "a",
    "x" * 250,
    CRABS,
    "a\nb\tc",
    "a\u2028b",
    '<script>alert("1")</script>',
    "data: {}\n\nid: 9",
    "%s {0} $x \\u0041",
]
FOREIGN = ["\U0001f469\u200d\U0001f680", "שלום", "日本語", "null", "0", "'; drop table log; --"]


@pytest.mark.parametrize("content", [*SAYINGS, *FOREIGN])
async def test_what_is_said_reads_back_the_same(content: str, room: Room) -> None:
    """What was accepted is what everybody reads, character by character."""
    ada = await room.register()
    said = await room.say(ada, content)
    (read,) = (await room.get("/api/messages")).json["messages"]

    assert said == read
    assert read["content"] == content


async def test_a_message_is_trimmed(room: Room) -> None:
    """White space around a message is not counted and not kept."""
    ada = await room.register()

    assert (await room.say(ada, f" \n\u3000{CRABS}\t "))["content"] == CRABS


@pytest.mark.parametrize(
    "body", [{}, *({"content": each} for each in ["", " \n ", "x" * 251, CRABS + "!", None, 7, ["a"]])]
)
async def test_a_message_has_1_to_250_characters(body: dict[str, Any], room: Room) -> None:
    """What is no text of that length is refused with the sentence that clients know."""
    ada = await room.register()
    answer = await room.post("/api/messages", body, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_content")
    assert answer.json["error"] == "Message must be 1-250 characters"


async def test_unknown_fields_are_ignored(room: Room) -> None:
    """Who speaks is told by the key alone, whatever old clients send."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    body = {"content": "Hello!", "agentId": bob.id, "agentName": "Bob", "id": "1", "timestamp": "1970-01-01T00:00:00Z"}
    answer = await room.post("/api/messages", body, agent=ada)

    assert answer.json["message"]["agentId"] == ada.id


async def test_of_two_posts_at_once_one_is_too_soon(room: Room) -> None:
    """An agent's requests are judged one after the other, however they arrive."""
    ada = await room.register()
    answers = await asyncio.gather(*(room.post("/api/messages", {"content": "Hello!"}, agent=ada) for _ in range(5)))

    assert sorted(answer.status for answer in answers) == [200, 429, 429, 429, 429]


async def verify(room: Room, agent: Agent) -> None:
    """Give the agent its badge, without asking Moltbook."""
    node, now, ada = room.running.node, room.clock.now(), AgentId(agent.id)
    await node.handle(StartVerification(ada, "Clawd", "ABCD2345", now + CODE_VALID, now))
    await node.handle(CompleteVerification(ada, "Clawd", Profile("Clawd", True, "someone", "p-1"), now + HOUR))


async def test_a_badge_shows_on_old_messages(room: Room) -> None:
    """The badge tells what an agent is now, also where it spoke before."""
    ada = await room.register()
    await room.say(ada, "Hello!")
    await verify(room, ada)
    (message,) = (await room.get("/api/messages")).json["messages"]

    assert message.items() >= {"moltbookVerified": True, "moltbookName": "Clawd", "ownerTwitter": "someone"}.items()


@pytest.mark.parametrize(("badge", "count", "seconds"), [(False, 1, 300), (True, 10, 60)], ids=["without", "with"])
async def test_so_many_messages_and_no_more(badge: bool, count: int, seconds: int, room: Room) -> None:
    """N messages pass in a window, and the next one waits for exactly the rest of it."""
    ada = await room.register()
    if badge:
        await verify(room, ada)
    waits = []
    for pause in [0] * (count + 1) + [seconds * SECOND - 1, 1]:
        room.clock.advance(pause)
        answer = await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
        waits.append(answer.headers.get("Retry-After"))

    assert waits == [None] * count + [str(seconds), "1", None]
