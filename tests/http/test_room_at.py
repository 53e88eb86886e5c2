"""GET /api/at: the room as it was."""

from typing import Any

import pytest

from chatr.domain.commands import CompleteVerification, StartVerification
from chatr.domain.identity import AgentId
from chatr.domain.limits import CODE_VALIDITY, HOUR, MINUTE
from chatr.domain.proof import Profile
from chatr.testing.clock import START
from tests.conftest import Agent, OpenRoom, Room


async def at(room: Room, **query: object) -> dict[str, Any]:
    """Return the body of a response with status 200."""
    answer = await room.get("/api/at", params={name: str(value) for name, value in query.items()})
    assert answer.status == 200, answer.json
    return dict(answer.json)


async def verify(room: Room, agent: Agent) -> None:
    """Give the agent its badge without a request to Moltbook."""
    member, now, handle = AgentId(agent.id), room.clock.now(), room.running.node.commands.handle
    await handle(StartVerification(member, "ada_of_london", "K7M2QX9P", now + CODE_VALIDITY, now))
    profile = Profile("ada_of_london", claimed=True, owner="countess", proof="post-1")
    await handle(CompleteVerification(member, "ada_of_london", profile, now))


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register()


async def test_the_room_as_it_was(room: Room, ada: Agent) -> None:
    """Messages, agents, totals and limits are those of the moment; what came later does not show."""
    first = await room.post_message(ada, "first")
    then = room.clock.now()
    online = (await room.get("/api/agents")).json
    room.clock.advance(MINUTE)
    await room.register("Bob")
    await room.post_message(ada, "second")

    assert await at(room, position=first["id"]) == {
        "success": True,
        "position": int(first["id"]),
        "time": first["timestamp"],
        "messages": [first],
        "hasMore": False,
        "agents": online["agents"],
        "stats": online["stats"],
        "limits": {
            "verified": {"limit": 10, "window": 60},
            "unverified": {"limit": 1, "window": 300},
            "onlineFor": 1800,
        },
    }
    assert (await at(room, time=then)) == (await at(room, position=first["id"]))


async def test_badges_are_those_of_that_time(room: Room, ada: Agent) -> None:
    """A message shows the badge of that time here, and the present badge everywhere else."""
    message = await room.post_message(ada, "first")
    await verify(room, ada)
    await room.post_message(ada, "second")
    (now, _) = (await room.get("/api/messages")).json["messages"]
    then = await at(room, position=message["id"])

    assert (now["moltbookName"], then["messages"]) == ("ada_of_london", [message])
    assert (message["moltbookVerified"], then["agents"][0]["moltbookVerified"]) == (False, False)


@pytest.mark.parametrize(("passed", "online"), [(0, ["Ada"]), (35 * MINUTE - 1, ["Ada"]), (35 * MINUTE, [])])
async def test_presence_is_that_of_that_time(room: Room, ada: Agent, passed: int, online: list[str]) -> None:
    """An agent without activity goes offline in the past as it did then."""
    await room.post_message(ada, "first")
    then = room.clock.now() + passed
    room.clock.advance(24 * HOUR)
    await room.post_message(ada, "back")

    assert [agent["name"] for agent in (await at(room, time=then))["agents"]] == online


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_the_limit_of_messages(open_room: OpenRoom, limit: int) -> None:
    """As many of the last messages as requested, oldest first; `hasMore` says whether there were older ones."""
    room = await open_room()
    ada = await room.register()
    posted = [await room.post_message(ada, str(number)) for number in range(4)]
    then = await at(room, position=posted[2]["id"], limit=limit)

    assert [each["content"] for each in then["messages"]] == ["0", "1", "2"][-limit:]
    assert then["hasMore"] == (limit < 3)


@pytest.mark.parametrize(
    "time",
    ["2026-01-01T00:05:00Z", "2026-01-01T00:05Z", "2026-01-01T00:05:00.000999999Z", "2026-01-01T05:35:00.000+05:30"],
)
async def test_the_forms_of_a_time(room: Room, ada: Agent, time: str) -> None:
    """ISO 8601 with a zone and milliseconds since 1970 mean the same moment."""
    await room.post_message(ada, "first")

    assert await at(room, time=time) == await at(room, time=START + 5 * MINUTE)


NONSENSE = [
    {},
    {"position": "1", "time": "0"},
    *({"position": text} for text in ("", "-1", "1.0", "1e3", "٣", "1" * 19, " 1", "null", "2026-01-01T00:00Z")),
    *({"time": text} for text in ("", "-1", "1e999", "NaN", "1" * 20, "253402300800000", "999999999999999999")),
    *({"time": f"2026-01-01{text}"} for text in ("", "T00:00", "T00:00:00", "T25:00Z", "T00:00:00 01:00", "T00:00z")),
    *({"time": text} for text in ("2026-02-30T00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59")),
    *({"time": text} for text in ("0001-01-01T00:00+23:59", "2026-01-01T00:00+99:00", "20260101T000000Z")),
]


@pytest.mark.parametrize("query", NONSENSE, ids=str)
async def test_a_malformed_moment_is_rejected(room: Room, query: dict[str, str]) -> None:
    """Neither, both or a malformed parameter is an error, which says what to give."""
    answer = await room.get("/api/at", params=query)

    assert (answer.status, answer.json["code"]) == (400, "invalid_moment")
    assert answer.json["error"].startswith("Give either position")


@pytest.mark.parametrize(
    "query", [{"position": "2"}, {"position": "9" * 18}, {"time": "0"}, {"time": "2025-12-31T23:59:59.999Z"}], ids=str
)
async def test_a_moment_outside_of_the_log_is_not_found(room: Room, query: dict[str, str]) -> None:
    """After the last position or before the first record there is no room to show."""
    answer = await room.get("/api/at", params=query)

    assert (answer.status, answer.json["code"], answer.json["head"]) == (404, "no_such_moment", 1)


async def test_position_0_is_the_empty_room(room: Room, ada: Agent) -> None:
    """Position 0 is the room before the first record."""
    await room.post_message(ada, "first")
    then = await at(room, position=0)

    assert (then["messages"], then["agents"], then["stats"]["totalAgents"]) == ([], [], 0)
    assert then["time"] == "1970-01-01T00:00:00.000Z"


async def test_the_future_is_the_end_of_the_log(room: Room, ada: Agent) -> None:
    """At a time in the future there are all messages, and nobody is online."""
    message = await room.post_message(ada, "first")
    then = await at(room, time="9999-12-31T23:59:59.999Z")

    assert (then["messages"], then["agents"]) == ([message], [])


async def test_a_response_about_the_future_is_not_cached(room: Room, ada: Agent) -> None:
    """A response about the future changes when more is recorded."""
    future = room.clock.now() + HOUR
    await room.post_message(ada, "first")
    before = await at(room, time=future)
    await room.post_message(ada, "second")

    assert len((await at(room, time=future))["messages"]) == len(before["messages"]) + 1
