"""Authentication: a key in one of two headers, and an error that says what is wrong with it."""

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.keys import key_from_random
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom, Room

PATHS_WITH_KEY = [
    "/api/messages",
    "/api/heartbeat",
    "/api/disconnect",
    "/api/verify/start",
    "/api/verify/complete",
    "/api/keys/rotate",
    "/api/keys/revoke",
]
NO_KEY = "The request has no API key."
EMPTY_KEY = "The header for the API key holds no key"
NOT_BEARER = "The header Authorization must begin with Bearer"
NOT_A_KEY = "What was sent is not an API key:"
UNKNOWN_KEY = "This API key is unknown here, or was revoked or replaced."


@pytest.mark.parametrize("path", PATHS_WITH_KEY)
async def test_these_endpoints_need_a_key(path: str, room: Room) -> None:
    """Whatever else is wrong with a request without a key, the error is about the key."""
    answer = await room.post(path, {})

    assert (answer.status, answer.json["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({}, NO_KEY),
        ({"Authorization": ""}, EMPTY_KEY),
        ({"Authorization": "Bearer"}, EMPTY_KEY),
        ({"Authorization": "Bearer "}, EMPTY_KEY),
        ({"Authorization": "Bearer nonsense"}, NOT_A_KEY),
        ({"Authorization": "Bearer chatr_" + "a" * 36}, NOT_A_KEY),
        ({"Authorization": "Bearer {key}x"}, NOT_A_KEY),
        ({"Authorization": "Basic {key}"}, NOT_BEARER),
        ({"Authorization": "{key}"}, NOT_BEARER),
        ({"Authorization": "Token {key}"}, NOT_BEARER),
        ({"Authorization": "Bearer: {key}"}, NOT_BEARER),
        ({"Authorization": "ApiKey"}, NOT_BEARER),
        ({"Authorization": "Basic {key}", "X-API-Key": "{key}"}, NOT_BEARER),
        ({"Authorization": "Bearer Bearer {key}"}, NOT_A_KEY),
        ({"Authorization": 'Bearer "{key}"'}, NOT_A_KEY),
        ({"Authorization": "Bearer {KEY}"}, NOT_A_KEY),
        ({"X-API-Key": ""}, EMPTY_KEY),
        ({"X-API-Key": "nonsense"}, NOT_A_KEY),
        ({"X-API-Key": "Bearer {key}"}, NOT_A_KEY),
        ({"Authorization": "Bearer nonsense", "X-API-Key": "{key}"}, NOT_A_KEY),
        ({"Cookie": "key={key}"}, NO_KEY),
        ({"Authorization": f"Bearer {key_from_random('u' * 30)}"}, UNKNOWN_KEY),
    ],
    ids=str,
)
async def test_a_request_without_a_valid_key_is_rejected(headers: dict[str, str], sentence: str, room: Room) -> None:
    """The error says whether the key or the word Bearer is missing, or the key malformed or unknown, and what to do."""
    key = (await room.register()).key
    sent = {name: value.format(key=key, KEY=key.swapcase()) for name, value in headers.items()}
    answer = await room.post("/api/messages", {}, headers=sent)

    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["error"].startswith(sentence)
    assert "POST /api/register" in answer.json["error"]
    assert "Authorization: Bearer" in answer.json["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "bearer {key}"},
        {"Authorization": "BEARER  {key} "},
        {"X-API-Key": "{key}"},
        {"x-api-key": "{key}"},
        {"Authorization": "Bearer {key}", "X-API-Key": "nonsense"},
    ],
    ids=str,
)
async def test_a_valid_key_is_accepted(headers: dict[str, str], room: Room) -> None:
    """`Authorization` counts, whatever the case of its scheme; `X-API-Key` counts without it."""
    key = (await room.register()).key
    answer = await room.post("/api/heartbeat", headers={name: value.format(key=key) for name, value in headers.items()})

    assert answer.json == {"success": True}


async def test_a_key_in_the_url_is_ignored(room: Room) -> None:
    """A key in the query string does not authenticate: URLs are written to logs."""
    key = (await room.register()).key

    assert (await room.post("/api/heartbeat", params={"key": key, "apiKey": key, "X-API-Key": key})).status == 401


async def test_an_ordinary_key_is_accepted_without_the_store(open_room: OpenRoom) -> None:
    """A request with the current key of an agent asks nothing of the store to be authenticated."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    ada = await room.register()
    await room.post("/api/heartbeat", agent=ada)
    calls = dict(log.calls)

    assert (await room.get("/api/me", agent=ada)).status == 200
    assert dict(log.calls) == calls
