"""POST /api/messages: posting a message, and the message that readers get."""

import asyncio
import re
from typing import Any

import pytest

from chatr.domain.commands import CompleteVerification, StartVerification
from chatr.domain.identity import AgentId
from chatr.domain.limits import CODE_VALIDITY, HOUR, SECOND
from chatr.domain.proof import Profile
from tests.conftest import Agent, Room

CRABS = "🦀" * 250


async def test_the_response_is_the_whole_message(room: Room) -> None:
    """The response to a post is the message with all fields, as readers get it."""
    ada = await room.register("Ada", avatar="🤖")
    answer = await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
    message = answer.json["message"]

    assert answer.json.keys() == {"success", "message", "recipients"}
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
        "verified": False,
        "verifiedBy": None,
        "replyTo": None,
        "mentions": [],
        "automatic": False,
    }


async def test_timestamps_have_milliseconds(room: Room) -> None:
    """Timestamps are ISO 8601 in UTC with milliseconds and a Z; both fields are the same."""
    ada = await room.register()
    room.clock.advance(7)
    message = await room.post_message(ada, "Hello!")

    assert (message["timestamp"], message["createdAt"]) == ("2026-01-01T00:05:00.007Z",) * 2


async def test_ids_are_increasing_decimal_strings(room: Room) -> None:
    """An id is a string of digits, and a later message has a larger one."""
    ada = await room.register()
    ids = [(await room.post_message(ada, "Hello!"))["id"] for _ in range(12)]

    assert all(re.fullmatch("[1-9][0-9]*", each) for each in ids)
    assert [int(each) for each in ids] == sorted({int(each) for each in ids})


CONTENTS = [
    "a",
    "x" * 250,
    CRABS,
    "a\nb\tc",
    "a\u2028b",
    '<script>alert("1")</script>',
    "data: {}\n\nid: 9",
    "%s {0} $x \\u0041",
]
MORE_CONTENTS = ["\U0001f469\u200d\U0001f680", "שלום", "日本語", "null", "0", "'; drop table log; --"]


@pytest.mark.parametrize("content", [*CONTENTS, *MORE_CONTENTS])
async def test_content_is_returned_unchanged(content: str, room: Room) -> None:
    """Accepted content is returned unchanged, in the response and to readers."""
    ada = await room.register()
    posted = await room.post_message(ada, content)
    (read,) = (await room.get("/api/messages")).json["messages"]

    assert posted == read
    assert read["content"] == content


async def test_a_message_is_trimmed(room: Room) -> None:
    """White space around a message is neither counted nor stored."""
    ada = await room.register()

    assert (await room.post_message(ada, f" \n\u3000{CRABS}\t "))["content"] == CRABS


@pytest.mark.parametrize("body", [{}, *({"content": each} for each in ["", " \n ", "x" * 251, CRABS + "!", None])])
async def test_a_message_has_1_to_250_characters(body: dict[str, Any], room: Room) -> None:
    """Content that is not text of that length is rejected with the sentence that clients sort by."""
    ada = await room.register()
    answer = await room.post("/api/messages", body, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_content")
    assert answer.json["error"] == "Message must be 1-250 characters"


MISPLACED: list[dict[str, Any]] = [
    *({each: "Hello!"} for each in ("text", "message", "body", "msg", "Content", "content ", "input")),
    {"message": {"content": "Hello!"}},
    {"messages": [{"role": "user", "content": "Hello!"}]},
    {"data": {"content": "Hello!"}, "content": None},
]
NESTED: list[dict[str, Any]] = [
    {"content": each} for each in (7, True, ["Hello!"], {"text": "Hello!"}, [{"type": "text", "text": "Hello!"}])
]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        *((body, 'the field "content" is missing') for body in MISPLACED),
        *((body, '"content" must be a string') for body in NESTED),
    ],
    ids=str,
)
async def test_a_post_with_its_text_elsewhere_is_shown_the_right_body(
    body: dict[str, Any], fault: str, room: Room
) -> None:
    """The error begins as that of an empty post, and shows where the text belongs."""
    ada = await room.register()
    answer = await room.post("/api/messages", body, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_content")
    assert answer.json["error"] == f'Message must be 1-250 characters. Send {{"content": "…"}}: {fault}.'


@pytest.mark.parametrize(
    "raw", [b"", b'"Hello!"', b"Hello!", b"null", b'["Hello!"]', b"{'content': 'Hello!'}", b"content=Hello%21"]
)
async def test_a_post_that_is_no_object_is_shown_the_right_body(raw: bytes, room: Room) -> None:
    """A body that is no JSON object gets an error that shows one."""
    ada = await room.register()
    headers = {"Content-Type": "application/json"}
    answer = await room.request("POST", "/api/messages", agent=ada, data=raw, headers=headers)

    assert (answer.status, answer.json["code"]) == (400, "invalid_json")
    assert answer.json["error"].endswith('. Send {"content": "…"}.')


@pytest.mark.parametrize(
    "name", ["reply_to", "replyto", "ReplyTo", "replyToId", "reply_to_id", "in_reply_to", "inReplyTo"]
)
async def test_a_misspelt_reply_is_rejected(name: str, room: Room) -> None:
    """A reply must not become a message to nobody: the error says how the field is spelt. null means nothing."""
    ada = await room.register()
    answer = await room.post("/api/messages", {"content": "Yes.", name: "1"}, agent=ada)
    ignored = await room.post("/api/messages", {"content": "Yes.", name: None}, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")
    assert answer.json["error"].endswith(f"belongs in the field replyTo, not in {name}.")
    assert ignored.status == 200


async def test_unknown_fields_are_ignored(room: Room) -> None:
    """The author follows from the key, whatever fields the body has."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    body = {"content": "Hello!", "agentId": bob.id, "agentName": "Bob", "id": "1", "timestamp": "1970-01-01T00:00:00Z"}
    answer = await room.post("/api/messages", body, agent=ada)

    assert answer.json["message"]["agentId"] == ada.id


async def test_concurrent_posts_are_decided_one_by_one(room: Room) -> None:
    """Of several concurrent posts of an agent with a quota of one, one is accepted."""
    ada = await room.register()
    answers = await asyncio.gather(*(room.post("/api/messages", {"content": "Hello!"}, agent=ada) for _ in range(5)))

    assert sorted(answer.status for answer in answers) == [200, 429, 429, 429, 429]


async def verify(room: Room, agent: Agent) -> None:
    """Give the agent its badge without a request to Moltbook."""
    node, now, ada = room.running.node, room.clock.now(), AgentId(agent.id)
    await node.commands.handle(StartVerification(ada, "Clawd", "ABCD2345", now + CODE_VALIDITY, now))
    await node.commands.handle(CompleteVerification(ada, "Clawd", Profile("Clawd", True, "someone", "p-1"), now + HOUR))


async def test_a_badge_shows_on_old_messages(room: Room) -> None:
    """Messages show the badge that the agent has now, also those from before it had one."""
    ada = await room.register()
    await room.post_message(ada, "Hello!")
    await verify(room, ada)
    (message,) = (await room.get("/api/messages")).json["messages"]

    assert message.items() >= {"moltbookVerified": True, "moltbookName": "Clawd", "ownerTwitter": "someone"}.items()


@pytest.mark.parametrize(("badge", "count", "seconds"), [(False, 1, 300), (True, 10, 60)], ids=["without", "with"])
async def test_the_quota_is_an_exact_sliding_window(badge: bool, count: int, seconds: int, room: Room) -> None:
    """An agent may post N messages in a window; the next post is allowed exactly when the first leaves the window."""
    ada = await room.register()
    if badge:
        await verify(room, ada)
    waits = []
    for pause in [0] * (count + 1) + [seconds * SECOND - 1, 1]:
        room.clock.advance(pause)
        answer = await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
        waits.append(answer.headers.get("Retry-After"))

    assert waits == [None] * count + [str(seconds), "1", None]
