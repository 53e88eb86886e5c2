"""POST /api/heartbeat and POST /api/disconnect: how an agent comes online, stays online and goes offline."""

from collections.abc import Mapping
from typing import Any

import pytest

from chatr.domain.limits import MINUTE, SECOND, Limit
from tests.conftest import Agent, OpenRoom, Response, Room

HEARTBEAT = "/api/heartbeat"


async def online(room: Room) -> list[str]:
    """Return the names of the agents that are online."""
    return [agent["name"] for agent in (await room.get("/api/agents")).json["agents"]]


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that is online."""
    ada = await room.register("Ada")
    await room.post(HEARTBEAT, agent=ada)
    return ada


async def test_an_agent_goes_offline_without_activity(room: Room, ada: Agent) -> None:
    """It is offline half an hour and five minutes, in which activity is not recorded, after its last record."""
    room.clock.advance(35 * MINUTE - 1)
    assert await online(room) == ["Ada"]
    room.clock.advance(1)

    assert await online(room) == []


async def test_an_agent_is_never_offline_too_early(room: Room, ada: Agent) -> None:
    """A heartbeat that comes too soon to be recorded still counts for the whole half hour."""
    room.clock.advance(5 * MINUTE - 1)
    await room.post(HEARTBEAT, agent=ada)
    room.clock.advance(30 * MINUTE)

    assert await online(room) == ["Ada"]


async def test_heartbeats_keep_an_agent_online(room: Room, ada: Agent) -> None:
    """An agent that sends one often enough stays online."""
    for _ in range(4):
        room.clock.advance(25 * MINUTE)
        await room.post(HEARTBEAT, agent=ada)

    assert await online(room) == ["Ada"]


async def test_the_operator_sets_how_long_an_agent_is_online(open_room: OpenRoom) -> None:
    """`online_for` replaces the half hour."""
    room = await open_room(online_for=60)
    await room.post(HEARTBEAT, agent=await room.register())
    room.clock.advance(70 * SECOND - 1)
    assert await online(room) == ["Ada"]
    room.clock.advance(1)

    assert await online(room) == []


async def test_disconnects_have_a_rate_limit(open_room: OpenRoom) -> None:
    """Disconnect and heartbeat in turns leave two records for each disconnect that the rate allows, then none."""
    room = await open_room(rate_leaving=Limit(2, MINUTE))
    ada, answers = await room.register("Ada"), []
    before = room.running.node.room.position
    for _ in range(5):
        await room.post(HEARTBEAT, agent=ada)
        answers.append(await room.post("/api/disconnect", agent=ada))
    last = answers[-1]

    assert [answer.status for answer in answers] == [200, 200, 429, 429, 429]
    # Three heartbeats: the third one after the last disconnect that was recorded.
    assert room.running.node.room.position == before + 2 + 3
    assert (last.json["code"], last.json["retryAfter"], last.headers["Retry-After"]) == (
        "leaving_rate_limited",
        60,
        "60",
    )
    assert last.json["error"].startswith("The rate limit for disconnecting is 2 per minute.")
    assert await online(room) == ["Ada"]


async def test_a_rejected_disconnect_is_accepted_when_it_says(open_room: OpenRoom) -> None:
    """An agent that waits for as long as `Retry-After` says can disconnect."""
    room = await open_room(rate_leaving=Limit(1, MINUTE))
    ada = await room.register("Ada")
    for _ in range(2):
        await room.post(HEARTBEAT, agent=ada)
        answer = await room.post("/api/disconnect", agent=ada)
    room.clock.advance(answer.json["retryAfter"] * SECOND)

    assert (await room.post("/api/disconnect", agent=ada)).status == 200
    assert await online(room) == []


async def test_frequent_heartbeats_are_not_recorded(room: Room, ada: Agent) -> None:
    """A heartbeat within five minutes of the agent's last record adds no record."""
    before = room.running.node.room.position
    for _ in range(5):
        room.clock.advance(SECOND)
        assert (await room.post(HEARTBEAT, agent=ada)).json == {"success": True}

    assert room.running.node.room.position == before


async def test_disconnecting_puts_an_agent_offline(room: Room, ada: Agent) -> None:
    """It is offline at once."""
    assert (await room.post("/api/disconnect", agent=ada)).json == {"success": True}

    assert await online(room) == []


async def test_disconnecting_twice_is_no_error(room: Room, ada: Agent) -> None:
    """The second request is answered like the first and changes nothing."""
    await room.post("/api/disconnect", agent=ada)

    assert (await room.post("/api/disconnect", agent=ada)).json == {"success": True}
    assert await online(room) == []


BODIES: list[Mapping[str, Any]] = [
    {"data": b""},
    {"data": b"no JSON", "headers": {"Content-Type": "text/plain"}},
    {"data": b"{", "headers": {"Content-Type": "application/json"}},
    {"data": {"a": "form"}},
    {"data": b"\xff\x00", "headers": {"Content-Type": "application/octet-stream"}},
    {"json": {"agentId": 7}},
]


@pytest.mark.parametrize("path", [HEARTBEAT, "/api/disconnect"])
@pytest.mark.parametrize("body", BODIES, ids=str)
async def test_a_body_is_ignored(path: str, body: Mapping[str, Any], room: Room, ada: Agent) -> None:
    """Neither endpoint reads it, so no body is wrong."""
    answer = await room.request("POST", path, agent=ada, **body)

    assert (answer.status, answer.json) == (200, {"success": True})


async def send(room: Room, kind: str, ada: Agent) -> Response:
    """Send a request with a key, which is accepted or rejected."""
    match kind:
        case "a post that is too long":
            return await room.post("/api/messages", {"content": "x" * 251}, agent=ada)
        case "a post that is no JSON":
            return await room.request("POST", "/api/messages", agent=ada, data=b"x")
        case "a post with a URL":
            return await room.post("/api/messages", {"content": "https://example.com"}, agent=ada)
        case "a post":
            return await room.post("/api/messages", {"content": "Hello!"}, agent=ada)
        case "a verification":
            return await room.post("/api/verify/start", {"moltbookName": "Clawd"}, agent=ada)
        case "a verification of nobody":
            return await room.post("/api/verify/complete", {"moltbookName": "!"}, agent=ada)
        case "a body that is too large":
            return await room.request("POST", "/api/messages", agent=ada, data=b" " * 20_000)
        case "a body that is compressed":
            return await room.request(
                "POST", "/api/messages", agent=ada, data=b"x", headers={"Content-Encoding": "gzip"}
            )
        case _:
            return await room.post(HEARTBEAT, agent=ada)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("a heartbeat", 200),
        ("a post", 200),
        ("a post that is too long", 400),
        ("a post that is no JSON", 415),
        ("a post with a URL", 403),
        ("a verification", 200),
        ("a verification of nobody", 400),
        ("a body that is too large", 413),
        ("a body that is compressed", 415),
    ],
)
async def test_every_request_with_a_key_is_activity(kind: str, status: int, room: Room, ada: Agent) -> None:
    """Accepted or rejected, it puts the agent online, even after it has disconnected."""
    await room.post("/api/disconnect", agent=ada)
    room.clock.advance(MINUTE)

    assert (await send(room, kind, ada)).status == status
    assert await online(room) == ["Ada"]


async def test_a_rejected_request_renews_the_last_activity(room: Room, ada: Agent) -> None:
    """`lastSeen` is the time of the rejected post."""
    room.clock.advance(20 * MINUTE)
    await room.post("/api/messages", {"content": ""}, agent=ada)
    (agent,) = (await room.get("/api/agents")).json["agents"]

    assert agent["lastSeen"] == "2026-01-01T00:20:00.000Z"


@pytest.mark.parametrize("path", ["/api/agents", "/api/messages", "/skills.md", "/health"])
async def test_a_key_at_an_open_endpoint_is_ignored(path: str, room: Room) -> None:
    """Reading needs no key and is no activity; a wrong key is no error."""
    ada = await room.register()
    answers = [await room.get(path, headers=headers) for headers in (ada.bearer, {"Authorization": "Bearer malformed"})]

    assert [answer.status for answer in answers] == [200, 200]
    assert await online(room) == []
