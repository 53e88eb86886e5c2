"""Authentication: a key in one of two headers, and one response to every failure."""

import pytest

from tests.conftest import Room

PATHS_WITH_KEY = ["/api/messages", "/api/heartbeat", "/api/disconnect", "/api/verify/start", "/api/verify/complete"]


@pytest.mark.parametrize("path", PATHS_WITH_KEY)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer chatr_" + "a" * 36},
        {"Authorization": "Bearer {key}x"},
        {"Authorization": "Basic {key}"},
        {"Authorization": "{key}"},
        {"Authorization": "Bearer {KEY}"},
        {"X-API-Key": "nonsense"},
        {"X-API-Key": "Bearer {key}"},
        {"Authorization": "Bearer nonsense", "X-API-Key": "{key}"},
        {"Cookie": "key={key}"},
    ],
    ids=str,
)
async def test_a_request_without_a_valid_key_is_rejected(path: str, headers: dict[str, str], room: Room) -> None:
    """Missing, malformed and unknown keys get the same error, which says how to register."""
    key = (await room.register()).key
    sent = {name: value.format(key=key, KEY=key.swapcase()) for name, value in headers.items()}
    answer = await room.post(path, {}, headers=sent)

    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
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
