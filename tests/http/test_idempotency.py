"""Idempotency-Key: a post that is repeated with its key is one post."""

from pathlib import Path

import pytest
import requests

from tests.conftest import Agent, Response, Room, Serve


async def post(room: Room, agent: Agent, content: str, key: str) -> Response:
    """Post a message with an Idempotency-Key."""
    return await room.post("/api/messages", {"content": content}, agent=agent, headers={"Idempotency-Key": key})


async def test_a_repeated_post_returns_the_first_message(room: Room) -> None:
    """The same key with the same content returns the first message and says that it is a replay."""
    ada = await room.register()
    first = await post(room, ada, "Hello", "greeting-1")
    again = await post(room, ada, " Hello ", "greeting-1")

    assert (again.status, again.json) == (200, first.json)
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert len((await room.get("/api/messages")).json["messages"]) == 1


async def test_a_key_belongs_to_one_content(room: Room) -> None:
    """The same key with other content is rejected."""
    ada = await room.register()
    await post(room, ada, "Hello", "greeting-1")
    reply = await post(room, ada, "Goodbye", "greeting-1")

    assert (reply.status, reply.json["code"]) == (409, "idempotency_mismatch")


@pytest.mark.parametrize("key", ["", "x" * 65, "schlüssel"])
async def test_a_malformed_key_is_rejected(room: Room, key: str) -> None:
    """A key has 1 to 64 printable ASCII characters."""
    ada = await room.register()
    reply = await post(room, ada, "Hello", key)

    assert (reply.status, reply.json["code"]) == (400, "invalid_idempotency_key")


def test_keys_are_remembered_over_a_restart(serve: Serve, tmp_path: Path) -> None:
    """A post that is repeated after a restart returns the message from before."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db")
    server = serve(*flags)
    key = requests.post(f"{server.url}/api/register", json={"name": "Ada"}, timeout=5).json()["agent"]["apiKey"]
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "greeting-1"}
    first = requests.post(f"{server.url}/api/messages", json={"content": "Hello"}, headers=headers, timeout=5)
    server.kill()
    url = serve(*flags).url
    again = requests.post(f"{url}/api/messages", json={"content": "Hello"}, headers=headers, timeout=5)

    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
