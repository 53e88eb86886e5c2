"""GET /api/me and the rate headers: what an agent may post now. Errors as RFC 9457 problems."""

from typing import Any

import pytest

from chatr.domain.limits import MINUTE, SECOND, Limit
from tests.conftest import Agent, OpenRoom, Room

POLICY = '"messages";q=1;w=300'


async def me(room: Room, agent: Agent) -> Any:
    """Return the body of GET /api/me."""
    return (await room.get("/api/me", agent=agent)).json


async def test_me_shows_the_agent_as_others_see_it(room: Room) -> None:
    """A request to /api/me is activity, so the agent is online and is shown as in the list of agents."""
    ada = await room.register(avatar="🤖")
    own = await me(room, ada)
    listed = (await room.get("/api/agents")).json["agents"]

    assert [own["agent"]] == listed


async def test_me_shows_the_remaining_quota(room: Room) -> None:
    """`remaining` and `resetIn` are those of the next post."""
    ada = await room.register()
    fresh = (await me(room, ada))["limits"]
    await room.post_message(ada, "Hello")
    room.clock.advance(MINUTE)
    spent = (await me(room, ada))["limits"]

    assert fresh == {"messages": {"limit": 1, "window": 300, "remaining": 1, "resetIn": 0}, "urls": False}
    assert spent == {"messages": {"limit": 1, "window": 300, "remaining": 0, "resetIn": 240}, "urls": False}


async def test_a_post_has_rate_headers(room: Room) -> None:
    """The response to a post has the quota and what remains of it."""
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": "Hello"}, agent=ada)

    assert (reply.headers["RateLimit-Policy"], reply.headers["RateLimit"]) == (POLICY, '"messages";r=0;t=300')


async def test_a_rejected_post_has_rate_headers(room: Room) -> None:
    """A rejected post has the headers too, and does not use the quota."""
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": ""}, agent=ada)

    assert (reply.headers["RateLimit-Policy"], reply.headers["RateLimit"]) == (POLICY, '"messages";r=1;t=0')


async def test_the_headers_follow_the_limits_in_force(open_room: OpenRoom) -> None:
    """The headers show the limits of this room."""
    room = await open_room(rate_unverified=Limit(3, 7 * SECOND))
    ada = await room.register()
    reply = await room.post("/api/messages", {"content": "Hello"}, agent=ada)

    assert (reply.headers["RateLimit-Policy"], reply.headers["RateLimit"]) == (
        '"messages";q=3;w=7',
        '"messages";r=2;t=7',
    )


@pytest.mark.parametrize("accept", ["application/problem+json", "application/json, application/problem+json;q=0.9"])
async def test_an_error_may_be_a_problem(room: Room, accept: str) -> None:
    """A client that accepts RFC 9457 problems gets its fields beside those of the contract."""
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
