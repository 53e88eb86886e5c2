"""What caches may do with each response."""

from typing import Any, Final
from uuid import UUID

import pytest

from tests.conftest import Agent, Room
from tests.http.test_server import header

REGISTER: Final = {"json": {"name": "Bob"}}
POST: Final = {"json": {"content": "Hello!"}}
START: Final = {"json": {"moltbookName": "Ada"}}
PRIVATE: Final[dict[str, tuple[str, str, dict[str, Any], bool]]] = {
    "a new key": ("POST", "/api/register", REGISTER, False),
    "no new key": ("POST", "/api/register", {"json": {"name": "-"}}, False),
    "a post": ("POST", "/api/messages", POST, True),
    "a rejected post": ("POST", "/api/messages", {"json": {}}, True),
    "a post without a key": ("POST", "/api/messages", POST, False),
    "a heartbeat": ("POST", "/api/heartbeat", {}, True),
    "a disconnect": ("POST", "/api/disconnect", {}, True),
    "the account": ("GET", "/api/me", {}, True),
    "the account without its body": ("HEAD", "/api/me", {}, True),
    "the account without a key": ("GET", "/api/me", {}, False),
    "the account with a wrong key": ("GET", "/api/me", {"headers": {"X-API-Key": "chatr_x"}}, False),
    "a code": ("POST", "/api/verify/start", START, True),
    "no badge": ("POST", "/api/verify/complete", START, True),
}
"""Responses that depend on a key, or contain one: method, path, options of the request, and whether a key is sent."""
OPEN: Final = {
    "/": "no-cache",
    "/api/messages": None,
    "/api/agents": None,
    "/api/at?position=1": None,
    "/api/activity": None,
    "/api/log/head": None,
    "/api/nope": None,
    "/health": None,
    "/skills.md": None,
    "/llms.txt": None,
}
"""Paths whose responses are the same for everyone, and their Cache-Control."""


@pytest.fixture
async def ada(room: Room) -> Agent:
    """A registered agent."""
    return await room.register()


@pytest.mark.parametrize("name", PRIVATE)
async def test_what_depends_on_a_key_is_not_stored(name: str, room: Room, ada: Agent) -> None:
    """No cache stores a response that depends on a key or contains one, errors included."""
    method, path, options, sends_key = PRIVATE[name]
    answer = await room.request(method, path, agent=ada if sends_key else None, **options)

    assert header(answer, "Cache-Control") == "no-store"


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_the_same_for_everyone(path: str, room: Room, ada: Agent) -> None:
    """A cache has to ask again for what changes, and may store it."""
    assert header(await room.get(path), "Cache-Control") == OPEN[path]


async def test_request_ids_say_nothing_about_the_traffic(room: Room) -> None:
    """They are random (UUID version 4): no part of them grows, or is the same in the next one."""
    ids = [UUID(header(await room.get("/health"), "X-Request-Id")) for _ in range(50)]
    ends = [int(each.hex[-12:], 16) for each in ids]

    assert {each.version for each in ids} == {4}
    assert ends != sorted(ends)
    assert max(ends) - min(ends) > 2**40
