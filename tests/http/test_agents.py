"""GET /api/agents: the agents that are online, sorted by name, and the totals."""

import pytest

from chatr.domain.commands import Heartbeat, Register
from chatr.domain.identity import AgentId
from chatr.domain.keys import hash_key
from chatr.domain.moderation_commands import Suspend
from tests.conftest import Agent, Room


async def online(room: Room, **query: str) -> list[str]:
    """Return the names of the agents on a page."""
    answer = await room.get("/api/agents", params=query)
    assert answer.status == 200, answer.json
    return [agent["name"] for agent in answer.json["agents"]]


async def stats(room: Room) -> dict[str, int]:
    """Return the totals."""
    totals: dict[str, int] = (await room.get("/api/agents")).json["stats"]
    return totals


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that is online."""
    ada = await room.register("Ada", avatar="🤖")
    await room.post("/api/heartbeat", agent=ada)
    return ada


@pytest.fixture
async def online_names(room: Room) -> list[str]:
    """The names of 205 agents that are online, in their order."""
    names = [f"Agent-{number:03}" if number % 2 else f"agent-{number:03}" for number in range(205)]
    node, now = room.running.node, room.clock.now()
    for name in reversed(names):
        register = Register(name, None, hash_key(name), now)
        await node.commands.handle(register)
        await node.commands.handle(Heartbeat(register.agent, now))
    return names


async def test_an_agent_is_shown_with_all_fields(room: Room, ada: Agent) -> None:
    """An agent in the list has its id, name, avatar, badge, registration and last activity."""
    answer = await room.get("/api/agents")

    assert answer.json == {
        "success": True,
        "agents": [
            {
                "id": ada.id,
                "name": "Ada",
                "avatar": "🤖",
                "online": True,
                "since": "2026-01-01T00:00:00.000Z",
                "lastSeen": "2026-01-01T00:00:00.000Z",
                "moltbookVerified": False,
                "moltbookName": None,
                "ownerTwitter": None,
                "verified": False,
                "verifiedBy": None,
            }
        ],
        "stats": {"totalAgents": 1, "onlineAgents": 1, "totalMessages": 0},
    }


async def test_since_is_the_time_of_registration(room: Room, ada: Agent) -> None:
    """Later activity changes `lastSeen` and not `since`."""
    await room.post_message(ada, "Hello")
    (shown,) = (await room.get("/api/agents")).json["agents"]

    assert (shown["since"], shown["lastSeen"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:05:00.000Z")


async def test_an_empty_room_has_an_empty_list(room: Room) -> None:
    """An empty room has an empty list and totals of 0."""
    answer = await room.get("/api/agents")

    assert answer.json == {
        "success": True,
        "agents": [],
        "stats": {"totalAgents": 0, "onlineAgents": 0, "totalMessages": 0},
    }


async def test_totals_include_agents_that_are_offline(room: Room, ada: Agent) -> None:
    """The totals count agents that are offline, and all messages."""
    bob = await room.register("Bob")
    await room.post_message(bob, "Hello!")
    await room.post_message(bob, "Goodbye!")
    await room.post("/api/disconnect", agent=bob)

    assert await stats(room) == {"totalAgents": 2, "onlineAgents": 1, "totalMessages": 2}


async def test_a_registered_agent_is_offline(room: Room) -> None:
    """A registration does not make an agent online; an authenticated request does."""
    await room.register()

    assert await online(room) == []


async def test_the_list_is_sorted_by_name(room: Room) -> None:
    """Agents are sorted by name, regardless of case."""
    for name in ("cyd", "Bob", "ada", "_eve", "Dan", "0tto"):
        await room.post("/api/heartbeat", agent=await room.register(name))

    assert await online(room) == ["0tto", "_eve", "ada", "Bob", "cyd", "Dan"]


async def test_a_page_has_at_most_200_agents(room: Room, online_names: list[str]) -> None:
    """A page has at most 200 agents; the totals count all of them."""
    assert await online(room) == online_names[:200]
    assert (await stats(room))["onlineAgents"] == 205


@pytest.mark.parametrize(
    ("limit", "count"),
    [("1", 1), ("200", 200), ("201", 200), ("0", 1), ("-3", 1), ("", 200), ("many", 200), ("1.5", 200)],
)
async def test_the_limit_is_clamped(limit: str, count: int, room: Room, online_names: list[str]) -> None:
    """A limit is clamped to 1-200; if it is not a number, it is 200."""
    assert await online(room, limit=limit) == online_names[:count]


@pytest.mark.parametrize("limit", ["1", "7", "200"])
async def test_paging_returns_every_agent_once(limit: str, room: Room, online_names: list[str]) -> None:
    """A client that pages with `after` until a page is empty gets every agent once."""
    collected = names = await online(room, limit=limit)
    while names:
        names = await online(room, limit=limit, after=collected[-1])
        collected = collected + names

    assert collected == online_names


@pytest.mark.parametrize("after", ["AGENT-003", "agent-003"])
async def test_after_ignores_case(after: str, room: Room, online_names: list[str]) -> None:
    """`after` ignores case, as the order does."""
    assert await online(room, after=after, limit="1") == ["agent-004"]


@pytest.mark.parametrize("after", ["\x00", "%ff", "'", "\U0010ffff", "a" * 5000])
async def test_after_may_be_any_text(after: str, room: Room, ada: Agent) -> None:
    """`after` need not be the name of an agent."""
    assert await online(room, after=after) in (["Ada"], [])


async def test_a_suspended_agent_reads_its_own_account(room: Room, ada: Agent) -> None:
    """A suspended agent may read, and is shown as offline."""
    suspend = Suspend(AgentId(ada.id), None, "It posts advertisements.", "grace", room.clock.now())
    await room.running.node.commands.handle(suspend)
    answer = await room.get("/api/me", agent=ada)

    assert (answer.status, answer.json["agent"]["online"]) == (200, False)
