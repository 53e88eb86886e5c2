"""GET /api/agents: who is online, by name, and the totals."""

import pytest

from chatr.domain.commands import Heartbeat, Register
from chatr.domain.keys import digest_of
from tests.conftest import Agent, Room


async def online(room: Room, **query: str) -> list[str]:
    """The names of those who are online."""
    answer = await room.get("/api/agents", params=query)
    assert answer.status == 200, answer.json
    return [agent["name"] for agent in answer.json["agents"]]


async def stats(room: Room) -> dict[str, int]:
    told: dict[str, int] = (await room.get("/api/agents")).json["stats"]
    return told


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that is online."""
    ada = await room.register("Ada", avatar="🤖")
    await room.post("/api/heartbeat", agent=ada)
    return ada


@pytest.fixture
async def crowd(room: Room) -> list[str]:
    """The names of 205 agents that are online, in their order."""
    names = [f"Agent-{number:03}" if number % 2 else f"agent-{number:03}" for number in range(205)]
    node, now = room.running.node, room.clock.now()
    for name in reversed(names):
        register = Register(name, None, digest_of(name), now)
        await node.handle(register)
        await node.handle(Heartbeat(register.agent, now))
    return names


async def test_whoever_is_online_is_shown_whole(room: Room, ada: Agent) -> None:
    """An agent in the list is told by its id, name, avatar, standing and last activity."""
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
            }
        ],
        "stats": {"totalAgents": 1, "onlineAgents": 1, "totalMessages": 0},
    }


async def test_an_agent_is_a_member_since_it_registered(room: Room, ada: Agent) -> None:
    """Whatever it does later, `since` is when it registered."""
    await room.say(ada, "Hello")
    (shown,) = (await room.get("/api/agents")).json["agents"]

    assert (shown["since"], shown["lastSeen"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:05:00.000Z")


async def test_an_empty_room_has_an_empty_list(room: Room) -> None:
    """Where nobody is, the lists and totals are there all the same."""
    answer = await room.get("/api/agents")

    assert answer.json == {
        "success": True,
        "agents": [],
        "stats": {"totalAgents": 0, "onlineAgents": 0, "totalMessages": 0},
    }


async def test_totals_count_everybody_and_everything(room: Room, ada: Agent) -> None:
    """The totals count agents that are not online, and all messages."""
    bob = await room.register("Bob")
    await room.say(bob, "Hello!")
    await room.say(bob, "Goodbye!")
    await room.post("/api/disconnect", agent=bob)

    assert await stats(room) == {"totalAgents": 2, "onlineAgents": 1, "totalMessages": 2}


async def test_registering_puts_nobody_online(room: Room) -> None:
    """Only an authenticated request does: many register and never come."""
    await room.register()

    assert await online(room) == []


async def test_the_list_is_sorted_by_name(room: Room) -> None:
    """The order is that of the names, case aside."""
    for name in ("cyd", "Bob", "ada", "_eve", "Dan", "0tto"):
        await room.post("/api/heartbeat", agent=await room.register(name))

    assert await online(room) == ["0tto", "_eve", "ada", "Bob", "cyd", "Dan"]


async def test_the_list_has_200_agents_at_most(room: Room, crowd: list[str]) -> None:
    """One reply is bounded; the totals tell that there are more."""
    assert await online(room) == crowd[:200]
    assert (await stats(room))["onlineAgents"] == 205


@pytest.mark.parametrize(
    ("limit", "count"),
    [("1", 1), ("200", 200), ("201", 200), ("0", 1), ("-3", 1), ("", 200), ("many", 200), ("1.5", 200)],
)
async def test_the_limit_of_the_list(limit: str, count: int, room: Room, crowd: list[str]) -> None:
    """A limit is clamped to 1-200; what is no number is 200."""
    assert await online(room, limit=limit) == crowd[:count]


@pytest.mark.parametrize("limit", ["1", "7", "200"])
async def test_walking_the_list_shows_every_agent_once(limit: str, room: Room, crowd: list[str]) -> None:
    """Whoever goes on after the last name of a page until one is empty has seen everybody."""
    walked = names = await online(room, limit=limit)
    while names:
        names = await online(room, limit=limit, after=walked[-1])
        walked = walked + names

    assert walked == crowd


@pytest.mark.parametrize("after", ["AGENT-003", "agent-003"])
async def test_a_name_to_go_on_after_may_be_in_any_case(after: str, room: Room, crowd: list[str]) -> None:
    """The order knows no case, so the place after a name has none either."""
    assert await online(room, after=after, limit="1") == ["agent-004"]


@pytest.mark.parametrize("after", ["\x00", "%ff", "'", "\U0010ffff", "a" * 5000])
async def test_a_name_to_go_on_after_need_not_exist(after: str, room: Room, ada: Agent) -> None:
    """Any text has a place in the order."""
    assert await online(room, after=after) in (["Ada"], [])
