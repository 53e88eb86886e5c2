"""What an agent is told of itself and of its quota."""

from typing import Any

import pytest

from chatr.domain.limits import MINUTE, SECOND, Limit
from tests.conftest import Agent, OpenRoom, Room

POLICY = '"messages";q=1;w=300'


async def me(room: Room, agent: Agent) -> Any:
    return (await room.get("/api/me", agent=agent)).json


async def test_an_agent_learns_who_it_is(room: Room) -> None:
    """Whoever asks is online by asking, and is shown as everybody sees it."""
    ada = await room.register(avatar="🤖")
    told = await me(room, ada)
    listed = (await room.get("/api/agents")).json["agents"]

    assert [told["agent"]] == listed


async def test_an_agent_learns_what_it_may_do(room: Room) -> None:
    """The budget is that of the next post, and so is the moment at which it grows."""
    ada = await room.register()
    fresh = (await me(room, ada))["limits"]
    await room.say(ada, "Hello")
    room.clock.advance(MINUTE)
    spent = (await me(room, ada))["limits"]

    assert fresh == {"messages": {"limit": 1, "window": 300, "remaining": 1, "resetIn": 0}, "urls": False}
    assert spent == {"messages": {"limit": 1, "window": 300, "remaining": 0, "resetIn": 240}, "urls": False}


async def test_a_post_tells_what_is_left(room: Room) -> None:
    """Each reply to a post carries the quota and what remains of it."""
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": "Hello"}, agent=ada)

    assert (reply.headers["RateLimit-Policy"], reply.headers["RateLimit"]) == (POLICY, '"messages";r=0;t=300')


async def test_a_refused_post_tells_it_too(room: Room) -> None:
    """A refusal has the quota as well, and nothing of it is spent."""
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": ""}, agent=ada)

    assert (reply.headers["RateLimit-Policy"], reply.headers["RateLimit"]) == (POLICY, '"messages";r=1;t=0')


async def test_the_quota_is_the_one_in_force(open_room: OpenRoom) -> None:
    """Other limits, other headers."""
    room = await open_room(rate_unverified=Limit(3, 7 * SECOND))
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": "Hello"}, agent=ada)

    assert (reply.headers["RateLimit-Policy"], reply.headers["RateLimit"]) == (
        '"messages";q=3;w=7',
        '"messages";r=2;t=7',
    )


@pytest.mark.parametrize("accept", ["application/problem+json", "application/json, application/problem+json;q=0.9"])
async def test_a_refusal_may_be_a_problem(room: Room, accept: str) -> None:
    """Who asks for RFC 9457 gets its fields beside those of the contract."""
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": ""}, agent=ada, headers={"Accept": accept})
    problem = reply.json

    assert reply.headers["Content-Type"] == "application/problem+json"
    assert (
        problem
        | {
            "type": "/docs#invalid_content",
            "title": "Bad Request",
            "status": 400,
            "detail": problem["error"],
            "code": "invalid_content",
        }
        == problem
    )
