"""Who asks is told by a key, in one of two headers; every failure to show one is answered alike."""

import pytest

from tests.conftest import Room

KEYED = ["/api/messages", "/api/heartbeat", "/api/disconnect", "/api/verify/start", "/api/verify/complete"]


@pytest.mark.parametrize("path", KEYED)
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
async def test_a_stranger_is_refused(path: str, headers: dict[str, str], room: Room) -> None:
    """Missing, malformed and unknown keys get one and the same answer, which says how to get one."""
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
async def test_a_key_is_shown(headers: dict[str, str], room: Room) -> None:
    """By `Authorization`, whatever the case of its scheme, or where that is absent by `X-API-Key`."""
    key = (await room.register()).key
    answer = await room.post("/api/heartbeat", headers={name: value.format(key=key) for name, value in headers.items()})

    assert answer.json == {"success": True}


async def test_a_key_in_the_address_is_none(room: Room) -> None:
    """Addresses end up in other people's logs."""
    key = (await room.register()).key

    assert (await room.post("/api/heartbeat", params={"key": key, "apiKey": key, "X-API-Key": key})).status == 401
