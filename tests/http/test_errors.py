"""Error responses: each has the status and the code of the contract, and a sentence that says what to do next."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import frozen

from chatr.adapters.http import access_errors, error_catalogue, read_errors, search_errors, time_errors
from chatr.adapters.http.error_catalogue import ERROR_TYPES, STATUS
from chatr.adapters.http.error_type import ErrorType
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.domain.policy import RULES
from tests.conftest import Agent, OpenRoom, Response, Room

PUBLISHED = {
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


def test_all_published_errors_exist() -> None:
    """Clients sort errors by status and code: each published code still has its status."""
    known = {(error_type.status, error_type.code) for error_type in ERROR_TYPES}
    known |= {(STATUS[rule.kind], rule.code) for rule in RULES}

    assert known >= PUBLISHED


def test_the_list_of_error_types_is_complete() -> None:
    """An error type that is missing in ERROR_TYPES would be missing in the reference too."""
    modules = (error_catalogue, access_errors, read_errors, search_errors, time_errors)
    defined = [value for module in modules for value in vars(module).values() if isinstance(value, ErrorType)]

    assert list(ERROR_TYPES) == defined


def test_rate_limit_errors_say_rate_limit() -> None:
    """Clients sort errors by their text: each 429 says "rate limit", and none says "blocked" or "banned"."""
    of_error_types = {error_type.sentence for error_type in ERROR_TYPES if error_type.status == 429}
    of_rules = {rule.text(Limits()) for rule in RULES if STATUS[rule.kind] == 429}

    assert [text for text in of_error_types | of_rules if "rate limit" not in text] == []
    assert [text for text in of_error_types | of_rules if re.search("block|ban", text, re.IGNORECASE)] == []


SendRequest = Callable[[Room, Agent], Awaitable[Response]]


@frozen
class Case:
    """A request, the error that answers it, and what the error's sentence must contain."""

    status: int
    code: str
    text: str
    send: SendRequest


def post(path: str, body: dict[str, Any]) -> SendRequest:
    """Return a POST with Ada's key."""
    return lambda room, ada: room.post(path, body, agent=ada)


def get(path: str) -> SendRequest:
    """Return a GET without a key."""
    return lambda room, _ada: room.get(path)


async def post_twice(room: Room, ada: Agent) -> Response:
    await room.post_message(ada, "Hello!")
    return await room.post("/api/messages", {"content": "Hello again!"}, agent=ada)


async def post_own_key(room: Room, ada: Agent) -> Response:
    return await room.post("/api/messages", {"content": f"my key is {ada.key}"}, agent=ada)


async def post_without_key(room: Room, _ada: Agent) -> Response:
    return await room.post("/api/messages", {"content": "Hello!"})


async def post_without_media_type(room: Room, ada: Agent) -> Response:
    return await room.request("POST", "/api/messages", agent=ada, data=b'{"content": "Hello!"}')


async def post_too_large(room: Room, ada: Agent) -> Response:
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
    Case(400, "invalid_content", "a visible character", post(MESSAGES, {"content": "\u3164"})),
    Case(400, "invalid_content", "marks", post(MESSAGES, {"content": "x" + "\u0307\u0323" * 8})),
    Case(400, "contains_key", "This looks like an API key.", post_own_key),
    Case(403, "urls_not_allowed", "Verify on Moltbook first!", post(MESSAGES, {"content": "see https://example.com"})),
    Case(403, "urls_not_allowed", "Unverified agents cannot post URLs.", post(MESSAGES, {"content": "example.com"})),
    Case(429, "message_rate_limited", "Try again in 300 s", post_twice),
    Case(400, "invalid_cursor", "before must be a message id", get("/api/messages?before=x")),
    Case(400, "invalid_cursor", "since must be a message id", get("/api/messages?since=x")),
    Case(400, "invalid_json", "one JSON object", lambda room, ada: room.post(MESSAGES, ["Hello!"], agent=ada)),
    Case(401, "unauthorized", "POST /api/register", post_without_key),
    Case(404, "not_found", "GET /llms.txt", get("/api/nope")),
    Case(405, "method_not_allowed", "GET, HEAD, POST", lambda room, _ada: room.request("DELETE", MESSAGES)),
    Case(413, "body_too_large", "16384 bytes", post_too_large),
    Case(415, "unsupported_media_type", "application/json", post_without_media_type),
    Case(400, "invalid_moltbook_name", "2-64", post(START, {"moltbookName": "a b"})),
    Case(400, "verification_not_started", "POST /api/verify/start", post(COMPLETE, {"moltbookName": "Clawd"})),
]


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register("Ada")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.text}")
async def test_an_error_has_status_code_and_sentence(case: Case, room: Room, ada: Agent) -> None:
    """An error response has its status, its code, and one plain sentence that says what to do next."""
    answer = await case.send(room, ada)

    assert (answer.status, answer.json["success"], answer.json["code"]) == (case.status, False, case.code)
    assert answer.headers["Content-Type"] == "application/json"
    assert case.text in answer.json["error"]
    # A body that would be right is part of some sentences; other braces would be those of a template.
    sentence = answer.json["error"].replace('{"content": "…"}', "")
    assert re.search(r"[{}\n]|Traceback|None|Error\b", sentence) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.text}")
async def test_a_rejected_request_stores_nothing_but_activity(case: Case, room: Room, ada: Agent) -> None:
    """After an error there are no more agents and no more messages than before."""
    before = (await room.get("/api/agents")).json["stats"] | {"onlineAgents": 0}
    await case.send(room, ada)
    after = (await room.get("/api/agents")).json["stats"] | {"onlineAgents": 0}
    posted = 1 if case.send is post_twice else 0

    assert after == before | {"totalMessages": posted}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.status in (400, 403, 413, 415)], ids=lambda case: case.text
)
async def test_a_rejected_post_does_not_use_the_quota(case: Case, room: Room, ada: Agent) -> None:
    """After an error an agent may post at once, although it may post only once in five minutes."""
    await case.send(room, ada)

    assert (await room.post(MESSAGES, {"content": "Hello!"}, agent=ada)).status == 200


async def test_posts_that_come_too_soon_do_not_extend_the_wait(room: Room, ada: Agent) -> None:
    """However often an agent tries too soon, retryAfter is exact, rounded up to seconds."""
    await room.post_message(ada, "Hello!")
    waits = []
    for milliseconds in (0, 1, 999, MINUTE, 4 * MINUTE - 1001):
        room.clock.advance(milliseconds)
        answer = await room.post(MESSAGES, {"content": "Hello again!"}, agent=ada)
        waits.append((answer.json["retryAfter"], answer.headers["Retry-After"]))
    room.clock.advance(1)

    assert waits == [(300, "300"), (300, "300"), (299, "299"), (239, "239"), (1, "1")]
    assert (await room.post(MESSAGES, {"content": "Hello again!"}, agent=ada)).status == 200


async def test_a_rejected_registration_does_not_use_the_quota(open_room: OpenRoom) -> None:
    """Names that are taken, malformed or reserved do not count against the address's limit."""
    room = await open_room(rate_registrations=Limit(2, MINUTE))
    await room.register("Ada")
    for body in ({"name": "ada"}, {"name": "admin"}, {"name": "!"}, {"name": "Bob", "avatar": "x" * 65}, {}):
        assert (await room.post("/api/register", body)).status in (400, 409)

    assert (await room.post("/api/register", {"name": "Bob"})).status == 200
