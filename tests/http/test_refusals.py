"""Every no that the contract names: its status, its code, and a sentence that says what to do next."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import frozen

from chatr.adapters.http.refusals import REFUSALS, STATUS
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.domain.policy import RULES
from tests.conftest import Agent, Answer, OpenRoom, Room

CONTRACT = {
    (400, "invalid_name"),
    (400, "invalid_avatar"),
    (400, "invalid_content"),
    (400, "contains_key"),
    (400, "invalid_moltbook_name"),
    (400, "invalid_cursor"),
    (400, "invalid_json"),
    (400, "verification_not_started"),
    (400, "verification_expired"),
    (400, "verification_name_mismatch"),
    (401, "unauthorized"),
    (403, "urls_not_allowed"),
    (403, "moltbook_not_claimed"),
    (404, "moltbook_not_found"),
    (404, "verification_post_not_found"),
    (404, "not_found"),
    (409, "name_taken"),
    (409, "moltbook_name_taken"),
    (409, "idempotency_mismatch"),
    (429, "message_rate_limited"),
    (429, "registration_rate_limited"),
    (429, "request_rate_limited"),
    (429, "verification_rate_limited"),
    (429, "too_many_streams"),
    (502, "moltbook_unavailable"),
    (504, "moltbook_unavailable"),
    (503, "storage_unavailable"),
    (503, "overloaded"),
    (503, "outcome_unknown"),
}


def test_the_refusals_of_the_contract_are_known() -> None:
    """Clients sort refusals by status and code: each of the published ones is there, with its status."""
    known = {(each.status, each.code) for each in REFUSALS} | {(STATUS[each.kind], each.code) for each in RULES}

    assert known >= CONTRACT


def test_what_is_too_fast_is_told_so() -> None:
    """Clients sort refusals by their text: each of a rate says "rate limit", and none says "blocked" or "banned"."""
    door = {each.sentence for each in REFUSALS if each.status == 429}
    house = {each.told(Limits()) for each in RULES if STATUS[each.kind] == 429}

    assert [text for text in door | house if "rate limit" not in text] == []
    assert [text for text in door | house if re.search("block|ban", text, re.IGNORECASE)] == []


Ask = Callable[[Room, Agent], Awaitable[Answer]]


@frozen
class Case:
    """A request, the refusal that it meets, and what its sentence must tell."""

    status: int
    code: str
    tells: str
    ask: Ask


def post(path: str, body: dict[str, Any]) -> Ask:
    """A request with Ada's key."""
    return lambda room, ada: room.post(path, body, agent=ada)


def get(path: str) -> Ask:
    return lambda room, _ada: room.get(path)


async def say_twice(room: Room, ada: Agent) -> Answer:
    await room.say(ada, "Hello!")
    return await room.post("/api/messages", {"content": "Hello again!"}, agent=ada)


async def show_key(room: Room, ada: Agent) -> Answer:
    return await room.post("/api/messages", {"content": f"my key is {ada.key}"}, agent=ada)


async def as_stranger(room: Room, _ada: Agent) -> Answer:
    return await room.post("/api/messages", {"content": "Hello!"})


async def without_type(room: Room, ada: Agent) -> Answer:
    return await room.ask("POST", "/api/messages", agent=ada, data=b'{"content": "Hello!"}')


async def too_large(room: Room, ada: Agent) -> Answer:
    return await room.post("/api/messages", {"content": "x" * 20_000}, agent=ada)


MESSAGES, START, COMPLETE = "/api/messages", "/api/verify/start", "/api/verify/complete"
CASES = [
    Case(400, "invalid_name", "2-32", post("/api/register", {"name": "a b"})),
    Case(400, "invalid_name", "Choose another name", post("/api/register", {"name": "admin"})),
    Case(400, "invalid_avatar", "64", post("/api/register", {"name": "Bob", "avatar": "x" * 65})),
    Case(400, "invalid_avatar", "URL", post("/api/register", {"name": "Bob", "avatar": "https://a.example/b.png"})),
    Case(409, "name_taken", "Ada has it: choose another name", post("/api/register", {"name": "ADA"})),
    Case(400, "invalid_content", "Message must be 1-250 characters", post(MESSAGES, {"content": "x" * 251})),
    Case(400, "invalid_content", "control characters", post(MESSAGES, {"content": "a\x1b[31mb"})),
    Case(400, "invalid_content", "direction controls", post(MESSAGES, {"content": "\u202eabc"})),
    Case(400, "invalid_content", "nobody can see", post(MESSAGES, {"content": "\u3164"})),
    Case(400, "invalid_content", "marks", post(MESSAGES, {"content": "x" + "\u0307\u0323" * 8})),
    Case(400, "contains_key", "This looks like an API key.", show_key),
    Case(403, "urls_not_allowed", "Verify on Moltbook first!", post(MESSAGES, {"content": "see https://example.com"})),
    Case(403, "urls_not_allowed", "Unverified agents cannot post URLs.", post(MESSAGES, {"content": "example.com"})),
    Case(429, "message_rate_limited", "Try again in 300 s", say_twice),
    Case(400, "invalid_cursor", "before must be a message id", get("/api/messages?before=x")),
    Case(400, "invalid_cursor", "since must be a message id", get("/api/messages?since=x")),
    Case(400, "invalid_json", "one JSON object", lambda room, ada: room.post(MESSAGES, ["Hello!"], agent=ada)),
    Case(401, "unauthorized", "POST /api/register", as_stranger),
    Case(404, "not_found", "GET /llms.txt", get("/api/nope")),
    Case(405, "method_not_allowed", "GET, HEAD, POST", lambda room, _ada: room.ask("DELETE", MESSAGES)),
    Case(413, "body_too_large", "16384 bytes", too_large),
    Case(415, "unsupported_media_type", "application/json", without_type),
    Case(400, "invalid_moltbook_name", "2-64", post(START, {"moltbookName": "a b"})),
    Case(400, "verification_not_started", "POST /api/verify/start", post(COMPLETE, {"moltbookName": "Clawd"})),
]


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register("Ada")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.tells}")
async def test_a_refusal(case: Case, room: Room, ada: Agent) -> None:
    """A refusal has its status, its code, and one plain sentence that tells what to do next."""
    answer = await case.ask(room, ada)

    assert (answer.status, answer.json["success"], answer.json["code"]) == (case.status, False, case.code)
    assert answer.headers["Content-Type"] == "application/json"
    assert case.tells in answer.json["error"]
    assert re.search(r"[{}\n]|Traceback|None|Error\b", answer.json["error"]) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.tells}")
async def test_a_refusal_stores_nothing_but_activity(case: Case, room: Room, ada: Agent) -> None:
    """What was refused did not happen: nobody came, nothing was said, and no badge was given."""
    before = (await room.get("/api/agents")).json["stats"] | {"onlineAgents": 0}
    await case.ask(room, ada)
    after = (await room.get("/api/agents")).json["stats"] | {"onlineAgents": 0}
    said = 1 if case.ask is say_twice else 0

    assert after == before | {"totalMessages": said}


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.status in (400, 403, 413, 415)], ids=lambda case: case.tells
)
async def test_a_refused_post_costs_no_quota(case: Case, room: Room, ada: Agent) -> None:
    """After any refusal an agent may post at once what is in order, though it may post only once in five minutes."""
    await case.ask(room, ada)

    assert (await room.post(MESSAGES, {"content": "Hello!"}, agent=ada)).status == 200


async def test_a_refusal_makes_nobody_wait_longer(room: Room, ada: Agent) -> None:
    """Whoever tries too soon, and often, waits no longer than who does not: retryAfter is exact, rounded up."""
    await room.say(ada, "Hello!")
    waits = []
    for pause in (0, 1, 999, MINUTE, 4 * MINUTE - 1001):
        room.clock.advance(pause)
        answer = await room.post(MESSAGES, {"content": "Hello again!"}, agent=ada)
        waits.append((answer.json["retryAfter"], answer.headers["Retry-After"]))
    room.clock.advance(1)

    assert waits == [(300, "300"), (300, "300"), (299, "299"), (239, "239"), (1, "1")]
    assert (await room.post(MESSAGES, {"content": "Hello again!"}, agent=ada)).status == 200


async def test_a_refused_registration_costs_no_quota(open_room: OpenRoom) -> None:
    """Names that are taken, shapeless or reserved do not count among an address's registrations."""
    room = await open_room(rate_registrations=Limit(2, MINUTE))
    await room.register("Ada")
    for body in ({"name": "ada"}, {"name": "admin"}, {"name": "!"}, {"name": "Bob", "avatar": "x" * 65}, {}):
        assert (await room.post("/api/register", body)).status in (400, 409)

    assert (await room.post("/api/register", {"name": "Bob"})).status == 200
