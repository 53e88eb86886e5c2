"""What agents hear when the log fails: the truth about what was stored, and when to come back."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from uuid import uuid4

import pytest

from chatr.adapters.memory import MemoryLog
from chatr.codec import encode
from chatr.domain.events import AgentId, AgentSeen
from chatr.domain.keys import key_of
from chatr.domain.limits import MINUTE
from chatr.ports import Draft, Stored, Unavailable, Unknown
from tests.conftest import Agent, Answer, OpenRoom, Room


class FaultyLog(MemoryLog):
    """A log in memory that can be made to fail in each way that the port knows."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: Callable[[Draft, int], Awaitable[Stored]] | None = None

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        return await (self.failing(draft, expected) if self.failing else super().append(draft, expected=expected))

    async def away(self, _draft: Draft, _expected: int) -> Stored:
        raise Unavailable("the store is away")

    async def doubtful(self, draft: Draft, expected: int) -> Stored:
        """The draft lands, and the answer is lost."""
        await super().append(draft, expected=expected)
        raise Unknown("no answer")

    async def contested(self, draft: Draft, expected: int) -> Stored:
        """Another node is faster every time: before the draft, the agent's activity there lands."""
        seen = AgentSeen(AgentId(draft.stream.removeprefix("agent/")), draft.at)
        await super().append(encode(seen, record_id=str(uuid4()), seen=draft.seen), expected=expected)
        return await super().append(draft, expected=expected)

    async def nowhere(self) -> int:
        raise Unavailable("the store is away")

    async def broken(self, _draft: Draft, _expected: int) -> Stored:
        raise RuntimeError("a mistake of ours: chatr_secret")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FaultyLog:
    log = FaultyLog()
    monkeypatch.setattr("chatr.app.open_log", lambda _url: nullcontext(log))
    return log


@pytest.fixture
async def room(open_room: OpenRoom, log: FaultyLog) -> Room:
    return await open_room()


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has spoken, whose next message would be in time."""
    ada = await room.register()
    await room.say(ada, "Hello!")
    room.clock.advance(10 * MINUTE)
    return ada


async def say(room: Room, ada: Agent) -> Answer:
    return await room.post("/api/messages", {"content": "Are you there?"}, agent=ada)


async def said(room: Room) -> list[str]:
    return [message["content"] for message in (await room.get("/api/messages")).json["messages"]]


@pytest.mark.parametrize(
    ("trouble", "code", "tells"),
    [
        ("away", "storage_unavailable", "Nothing was stored: try again in"),
        ("contested", "overloaded", "Nothing was stored: try again in"),
        ("doubtful", "outcome_unknown", "Repeat it with the same Idempotency-Key."),
    ],
)
async def test_a_log_in_trouble(trouble: str, code: str, tells: str, room: Room, log: FaultyLog, ada: Agent) -> None:
    """The refusal says what is known of the message, and when to try again; and it is true."""
    log.failing = getattr(log, trouble)
    answer = await say(room, ada)

    assert (answer.status, answer.json["success"], answer.json["code"]) == (503, False, code)
    assert tells in answer.json["error"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert ("Are you there?" in await said(room)) is (trouble == "doubtful")


async def test_a_mistake_is_not_told_to_strangers(room: Room, log: FaultyLog, ada: Agent) -> None:
    """A fault of the program is a 500 in JSON that tells nothing of its inside."""
    log.failing = log.broken
    answer = await say(room, ada)

    assert (answer.status, answer.json["success"], answer.json["code"]) == (500, False, "internal_error")
    assert [word for word in (b"RuntimeError", b"Traceback", b"chatr_secret", b".py") if word in answer.raw] == []


@pytest.mark.parametrize("trouble", ["away", "contested", "broken"])
async def test_after_the_trouble_all_is_well(trouble: str, room: Room, log: FaultyLog, ada: Agent) -> None:
    """What was refused cost nothing: it may be said as soon as the log is back, without a restart."""
    log.failing = getattr(log, trouble)
    await say(room, ada)
    log.failing = None

    assert (await say(room, ada)).status == 200
    assert await said(room) == ["Hello!", "Are you there?"]


@pytest.mark.parametrize("path", ["/api/messages", "/api/agents", "/skills.md", "/health", "/"])
async def test_reading_needs_no_store(path: str, room: Room, log: FaultyLog, ada: Agent) -> None:
    """Without a store the room is still there to be read."""
    log.failing = log.away

    assert (await room.get(path)).status == 200


async def test_a_key_is_not_called_unknown_too_early(
    room: Room, log: FaultyLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that cannot read the log does not tell an agent, who may have registered elsewhere, to register."""
    monkeypatch.setattr("chatr.node.CATCH_UP", 0.05)
    monkeypatch.setattr(log, "head", log.nowhere)
    answer = await room.get("/api/me", headers={"X-API-Key": key_of("0" * 30)})

    assert (answer.status, answer.json["code"]) == (503, "not_ready")


async def test_a_heartbeat_that_cannot_be_stored_is_refused(room: Room, log: FaultyLog, ada: Agent) -> None:
    """An agent that believes itself online would not come back."""
    log.failing = log.away
    answer = await room.post("/api/heartbeat", agent=ada)

    assert (answer.status, answer.json["code"]) == (503, "storage_unavailable")


async def test_an_answer_does_not_fail_for_activity_alone(room: Room, log: FaultyLog, ada: Agent) -> None:
    """Where only the activity beside a request cannot be stored, the request has its own answer."""
    log.failing = log.away
    answer = await room.post("/api/messages", {"content": ""}, agent=ada)

    assert (answer.status, answer.json["code"]) == (400, "invalid_content")


async def test_a_registration_that_failed_frees_its_name(open_room: OpenRoom, log: FaultyLog) -> None:
    """Nothing was stored, so the name is free and the address has spent nothing."""
    room = await open_room()
    log.failing = log.away
    refused = await room.post("/api/register", {"name": "Ada"})
    log.failing = None

    assert refused.json["code"] == "storage_unavailable"
    assert (await room.post("/api/register", {"name": "Ada"})).status == 200
