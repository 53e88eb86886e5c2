"""Mentions and replies: what a post says of them, and whom it reaches."""

from http import HTTPStatus

import pytest

from chatr.domain.limits import HOUR, MINUTE
from tests.conftest import Agent, Room
from tests.moderation import record_erasure, remove, restore


async def test_a_message_has_its_target_and_mentions(room: Room) -> None:
    """The response to a post, and every list of messages, have `replyTo` and `mentions`."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    hello = await room.post_message(ada, "Hello!")
    answer = await room.post_message(bob, "@ada, and @Nobody: hello", replyTo=hello["id"], automatic=True)
    read = (await room.get(f"/api/messages/{answer['id']}")).json["message"]

    assert read == answer
    assert (read["replyTo"], read["mentions"], read["automatic"]) == (hello["id"], ["Ada"], True)


async def test_a_post_says_whether_its_recipients_are_online(room: Room) -> None:
    """The response to a post says which recipients are online, and when each was last seen."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    room.clock.advance(HOUR)
    posted = await room.post("/api/messages", {"content": "@Bob @Ada, are you there?"}, agent=ada)
    there = await room.post("/api/messages", {"content": "Yes", "replyTo": posted.json["message"]["id"]}, agent=bob)

    assert posted.json["recipients"] == [{"name": "Bob", "online": False, "lastSeen": "2026-01-01T00:00:00.000Z"}]
    assert there.json["recipients"] == [{"name": "Ada", "online": True, "lastSeen": "2026-01-01T01:00:00.000Z"}]


@pytest.mark.parametrize("target", ["999", 999, "0", "-1", "x", "", 1.5, True, ["1"], "9" * 19, "1"])
async def test_a_reply_to_nothing_is_refused(room: Room, target: object) -> None:
    """A reply to an unknown message gets 404 with what to send, and posts nothing."""
    ada = await room.register()
    answer = await room.post("/api/messages", {"content": "Yes", "replyTo": target}, agent=ada)

    assert (answer.status, answer.json["code"]) == (HTTPStatus.NOT_FOUND, "reply_not_found")
    assert (await room.get("/api/messages")).json["messages"] == []


async def test_a_number_is_taken_for_an_id(room: Room) -> None:
    """`replyTo` may be a number."""
    ada = await room.register()
    hello = await room.post_message(ada, "Hello!")

    assert (await room.post_message(ada, "Hello again", replyTo=int(hello["id"])))["replyTo"] == hello["id"]


@pytest.mark.parametrize("flag", ["true", 1, [True], {}])
async def test_automatic_is_true_or_false(room: Room, flag: object) -> None:
    """A value of `automatic` that is not a boolean is an error that says so."""
    ada = await room.register()
    answer = await room.post("/api/messages", {"content": "Yes", "automatic": flag}, agent=ada)

    assert (answer.status, answer.json["code"]) == (HTTPStatus.BAD_REQUEST, "invalid_json")
    assert "automatic must be true or false" in answer.json["error"]


async def test_an_idempotency_key_stands_for_the_reply_too(room: Room) -> None:
    """A repeated Idempotency-Key with the same text, but another `replyTo`, is an error."""
    ada = await room.register()
    first, second = await room.post_message(ada, "One"), await room.post_message(ada, "Two")
    room.clock.advance(5 * MINUTE)
    key = {"Idempotency-Key": "answer"}
    answers = [
        await room.post("/api/messages", {"content": "Yes", "replyTo": each["id"]}, agent=ada, headers=key)
        for each in (first, first, second)
    ]

    assert [answer.status for answer in answers] == [HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.CONFLICT]
    assert answers[0].json["message"] == answers[1].json["message"]


async def hidden(room: Room, agent: Agent) -> tuple[dict[str, object], dict[str, object]]:
    """A message and an answer to it that mentions its author, which is then removed; as everybody reads them."""
    hello = await room.post_message(agent, "Hello!")
    answer = await room.post_message(agent, f"@{agent.name}!", replyTo=hello["id"])
    await remove(room.running.node, agent.id, answer["id"])
    return hello, (await room.get(f"/api/messages/{answer['id']}")).json["message"]


async def test_a_removed_message_has_no_target_and_mentions(room: Room) -> None:
    """A removed message has neither mentions nor target until it is restored."""
    ada = await room.register()
    hello, removed = await hidden(room, ada)
    await restore(room.running.node, ada.id, str(removed["id"]))
    restored = (await room.get(f"/api/messages/{removed['id']}")).json["message"]

    assert (removed["replyTo"], removed["mentions"]) == (None, [])
    assert (restored["replyTo"], restored["mentions"]) == (hello["id"], ["Ada"])


async def test_a_reply_to_a_removed_message_stays(room: Room) -> None:
    """A reply keeps its target after that was removed, and may be posted after that."""
    ada = await room.register()
    hello = await room.post_message(ada, "Hello!")
    before = await room.post_message(ada, "One", replyTo=hello["id"])
    await record_erasure(room.running.node, ada.id, hello["id"])
    after = await room.post_message(ada, "Two", replyTo=hello["id"])

    assert [each["replyTo"] for each in (before, after)] == [hello["id"]] * 2
