"""GET /api/at: the room as it was."""

from typing import Any

import pytest

from chatr.domain.commands import CompleteVerification, Profile, StartVerification
from chatr.domain.events import AgentId
from chatr.domain.limits import CODE_VALID, HOUR, MINUTE
from chatr.testing.clock import START
from tests.conftest import Agent, OpenRoom, Room


async def at(room: Room, **query: object) -> dict[str, Any]:
    answer = await room.get("/api/at", params={name: str(value) for name, value in query.items()})
    assert answer.status == 200, answer.json
    return dict(answer.json)


async def badge(room: Room, agent: Agent) -> None:
    """Without Moltbook."""
    member, now, handle = AgentId(agent.id), room.clock.now(), room.running.node.handle
    await handle(StartVerification(member, "ada_of_london", "K7M2QX9P", now + CODE_VALID, now))
    profile = Profile("ada_of_london", claimed=True, owner="countess", proof="post-1")
    await handle(CompleteVerification(member, "ada_of_london", profile, now))


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register()


async def test_the_room_as_it_was(room: Room, ada: Agent) -> None:
    """What was said by then, who was there, totals and limits; what came later does not show."""
    first = await room.say(ada, "first")
    then = room.clock.now()
    online = (await room.get("/api/agents")).json
    room.clock.advance(MINUTE)
    await room.register("Bob")
    await room.say(ada, "second")

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


async def test_badges_are_those_of_then(room: Room, ada: Agent) -> None:
    """A message from before a verification shows none there, though everywhere else it does."""
    message = await room.say(ada, "first")
    await badge(room, ada)
    await room.say(ada, "second")
    (now, _) = (await room.get("/api/messages")).json["messages"]
    then = await at(room, position=message["id"])

    assert (now["moltbookName"], then["messages"]) == ("ada_of_london", [message])
    assert (message["moltbookVerified"], then["agents"][0]["moltbookVerified"]) == (False, False)


@pytest.mark.parametrize(("passed", "online"), [(0, ["Ada"]), (31 * MINUTE - 1, ["Ada"]), (31 * MINUTE, [])])
async def test_presence_is_that_of_the_time(room: Room, ada: Agent, passed: int, online: list[str]) -> None:
    """Who is silent goes offline in the past too, as time went on."""
    await room.say(ada, "first")
    then = room.clock.now() + passed
    room.clock.advance(24 * HOUR)
    await room.say(ada, "back")

    assert [agent["name"] for agent in (await at(room, time=then))["agents"]] == online


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_the_last_messages_by_then(open_room: OpenRoom, limit: int) -> None:
    """As many as are asked for, oldest first; `hasMore` says whether there were older ones."""
    room = await open_room()
    ada = await room.register()
    said = [await room.say(ada, str(number)) for number in range(4)]
    then = await at(room, position=said[2]["id"], limit=limit)

    assert [each["content"] for each in then["messages"]] == ["0", "1", "2"][-limit:]
    assert then["hasMore"] == (limit < 3)


@pytest.mark.parametrize(
    "time",
    ["2026-01-01T00:05:00Z", "2026-01-01T00:05Z", "2026-01-01T00:05:00.000999999Z", "2026-01-01T05:35:00.000+05:30"],
)
async def test_how_a_time_is_written(room: Room, ada: Agent, time: str) -> None:
    """As ISO 8601 with a zone, or in milliseconds; both mean the same moment."""
    await room.say(ada, "first")

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
async def test_what_is_no_moment(room: Room, query: dict[str, str]) -> None:
    """Neither, both, or what is no position and no time with a zone: the sentence says what to give."""
    answer = await room.get("/api/at", params=query)

    assert (answer.status, answer.json["code"]) == (400, "invalid_moment")
    assert answer.json["error"].startswith("Give either position")


@pytest.mark.parametrize(
    "query", [{"position": "2"}, {"position": "9" * 18}, {"time": "0"}, {"time": "2025-12-31T23:59:59.999Z"}], ids=str
)
async def test_where_the_log_does_not_reach(room: Room, query: dict[str, str]) -> None:
    """Beyond its end, or before anything was recorded, there is no room to show."""
    answer = await room.get("/api/at", params=query)

    assert (answer.status, answer.json["code"], answer.json["head"]) == (404, "no_such_moment", 1)


async def test_before_the_first_record(room: Room, ada: Agent) -> None:
    """Position 0 is the room before anything happened."""
    await room.say(ada, "first")
    then = await at(room, position=0)

    assert (then["messages"], then["agents"], then["stats"]["totalAgents"]) == ([], [], 0)
    assert then["time"] == "1970-01-01T00:00:00.000Z"


async def test_the_future_is_the_end_of_the_log(room: Room, ada: Agent) -> None:
    """At a time that has not come all that was said has been said, and nobody is there."""
    message = await room.say(ada, "first")
    then = await at(room, time="9999-12-31T23:59:59.999Z")

    assert (then["messages"], then["agents"]) == ([message], [])


async def test_what_is_still_to_come_is_not_kept(room: Room, ada: Agent) -> None:
    """A time in the future is answered anew once more has happened by it."""
    future = room.clock.now() + HOUR
    await room.say(ada, "first")
    before = await at(room, time=future)
    await room.say(ada, "second")

    assert len((await at(room, time=future))["messages"]) == len(before["messages"]) + 1
