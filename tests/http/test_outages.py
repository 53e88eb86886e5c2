"""Responses while the log fails: they say truthfully what was stored, and when to try again."""

from collections.abc import Callable
from typing import Final

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.keys import key_from_random
from chatr.domain.limits import MINUTE
from chatr.node.timeouts import NodeTimeouts
from chatr.ports import LogUnavailable, OutcomeUnknown
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import Agent, OpenRoom, Response, Room

AWAY: Final = LogUnavailable("the store is away")


def fail_unavailable(log: FaultyLog) -> None:
    """Let appends fail before anything is stored."""
    log.fail("append", AWAY)


def fail_in_doubt(log: FaultyLog) -> None:
    """Let appends store their draft and lose the answer."""
    log.fail("append", OutcomeUnknown("no answer"), after_effect=True)


def fail_contested(log: FaultyLog) -> None:
    """Let another node append first, every time."""
    log.contest()


def fail_by_mistake(log: FaultyLog) -> None:
    """Let appends raise what no log should raise."""
    log.fail("append", RuntimeError("a mistake of ours: chatr_secret"))


Fail = Callable[[FaultyLog], None]


@pytest.fixture
def log() -> FaultyLog:
    return FaultyLog(MemoryLog())


@pytest.fixture
async def room(open_room: OpenRoom, log: FaultyLog) -> Room:
    """A room on `log` that does not wait long for it."""
    return await open_room(event_log=log, node_timeouts=NodeTimeouts(catch_up=0.05))


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has posted a message and may post the next one."""
    ada = await room.register()
    await room.post_message(ada, "Hello!")
    room.clock.advance(10 * MINUTE)
    return ada


async def post(room: Room, ada: Agent) -> Response:
    return await room.post("/api/messages", {"content": "Are you there?"}, agent=ada)


async def contents(room: Room) -> list[str]:
    """The contents of all messages in the room."""
    return [message["content"] for message in (await room.get("/api/messages")).json["messages"]]


@pytest.mark.parametrize(
    ("fail", "code", "sentence"),
    [
        (fail_unavailable, "storage_unavailable", "Nothing was stored: try again in"),
        (fail_contested, "overloaded", "Nothing was stored: try again in"),
        (fail_in_doubt, "outcome_unknown", "Repeat it with the same Idempotency-Key."),
    ],
)
async def test_an_error_says_what_was_stored(
    fail: Fail, code: str, sentence: str, room: Room, log: FaultyLog, ada: Agent
) -> None:
    """A 503 says what is known of the message and when to try again, and what it says is true."""
    fail(log)
    answer = await post(room, ada)

    assert (answer.status, answer.json["success"], answer.json["code"]) == (503, False, code)
    assert sentence in answer.json["error"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert ("Are you there?" in await contents(room)) is (code == "outcome_unknown")


@pytest.mark.long
async def test_an_internal_error_reveals_nothing(room: Room, log: FaultyLog, ada: Agent) -> None:
    """An unexpected exception is a 500 in JSON without its type, its text or a traceback."""
    fail_by_mistake(log)
    answer = await post(room, ada)

    assert (answer.status, answer.json["success"], answer.json["code"]) == (500, False, "internal_error")
    assert [word for word in (b"RuntimeError", b"Traceback", b"chatr_secret", b".py") if word in answer.raw] == []


@pytest.mark.parametrize("fail", [fail_unavailable, fail_contested, fail_by_mistake])
async def test_a_message_can_be_posted_after_the_failure(fail: Fail, room: Room, log: FaultyLog, ada: Agent) -> None:
    """A failed post does not count against the rate limit; once the log works, it is accepted without a restart."""
    fail(log)
    await post(room, ada)
    log.heal()

    assert (await post(room, ada)).status == 200
    assert await contents(room) == ["Hello!", "Are you there?"]


@pytest.mark.parametrize("path", ["/api/messages", "/api/agents", "/skills.md", "/health", "/"])
async def test_reading_needs_no_store(path: str, room: Room, log: FaultyLog, ada: Agent) -> None:
    """While appends fail, everything that is read is served."""
    fail_unavailable(log)

    assert (await room.get(path)).status == 200


async def test_an_unknown_key_is_not_rejected_before_the_node_has_caught_up(room: Room, log: FaultyLog) -> None:
    """While the log cannot be read, an unknown key may be that of an agent that registered on another node: 503."""
    log.fail("head", AWAY)
    answer = await room.get("/api/me", headers={"X-API-Key": key_from_random("0" * 30)})

    assert (answer.status, answer.json["code"]) == (503, "not_ready")


async def test_a_heartbeat_that_cannot_be_stored_is_an_error(room: Room, log: FaultyLog, ada: Agent) -> None:
    """An agent that wrongly believed to be online would not send another heartbeat soon."""
    fail_unavailable(log)
    answer = await room.post("/api/heartbeat", agent=ada)

    assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")


async def test_a_response_does_not_fail_because_activity_cannot_be_stored(
    room: Room, log: FaultyLog, ada: Agent
) -> None:
    """If only the agent's activity beside a request cannot be stored, the request gets its own response."""
    fail_unavailable(log)
    answer = await room.post("/api/messages", {"content": ""}, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_content")


async def test_a_failed_registration_leaves_the_name_free(open_room: OpenRoom, log: FaultyLog) -> None:
    """A registration that was not stored can be repeated, and does not count against the address's limit."""
    room = await open_room(event_log=log)
    fail_unavailable(log)
    failed = await room.post("/api/register", {"name": "Ada"})
    log.heal()

    assert failed.json["code"] == "storage_unavailable"
    assert (await room.post("/api/register", {"name": "Ada"})).status == 200
