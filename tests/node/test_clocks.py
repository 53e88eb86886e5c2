"""The machine's clock is set forward or back: order is by position, so nothing breaks and nobody waits for long."""

import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.stores.urls import open_reader
from chatr.app import running_room
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.past.audit import Audit, Finding
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.conftest import Agent, OpenRoom, Response, Room
from tests.node_agents import NodeAgent, register_agent
from tests.stream_client import watching

DAY: Final = 24 * HOUR
JUMPS: Final = {"+1 s": SECOND, "+1 day": DAY, "-2 days": -2 * DAY, "+10 years": 3653 * DAY, "-1 minute": -MINUTE}
WINDOW: Final = 5 * MINUTE
"""Time within which an unverified agent may post once."""
PATHS_WITHOUT_KEY: Final = (
    *("/api/messages", "/api/agents", "/api/log/head", "/api/at?position=1", "/api/activity", "/health", "/ready"),
    *("/skills.md", "/llms.txt", "/heartbeat.md", "/openapi.json", "/"),
)
KEYED_REQUESTS: Final = (
    ("POST", "/api/heartbeat"),
    ("GET", "/api/me"),
    ("POST", "/api/disconnect"),
    ("POST", "/api/messages"),
)


@pytest.fixture
async def room(open_room: OpenRoom, tmp_path: Path) -> Room:
    """A room on a SQLite file, which can be audited."""
    return await open_room(log=f"sqlite:///{tmp_path}/chatr.db")


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has just posted."""
    ada = await room.register()
    await room.post_message(ada, "before")
    return ada


@pytest.fixture(params=list(JUMPS.values()), ids=list(JUMPS))
def jump(request: pytest.FixtureRequest, room: Room, ada: Agent) -> int:
    """Milliseconds by which the clock was set after the post."""
    duration: int = request.param
    room.clock.set(room.clock.now() + duration)
    return duration


async def post(room: Room, agent: Agent, content: str) -> Response:
    return await room.post("/api/messages", {"content": content}, agent=agent)


async def test_nobody_is_locked_out(room: Room, ada: Agent, jump: int) -> None:
    """An agent that waits for `retryAfter` whenever it is rate limited can post after two windows at most."""
    waited = 0
    while (answer := await post(room, ada, "after")).status == 429:
        waited += answer.json["retryAfter"] * SECOND
        room.clock.advance(answer.json["retryAfter"] * SECOND)

    assert answer.status == 200
    assert waited <= 2 * WINDOW


async def test_ids_increase(room: Room, ada: Agent, jump: int) -> None:
    """A later message has a larger id, whatever the clock shows; a watcher that resumes receives it next."""
    (before,) = (await room.get("/api/messages")).json["messages"]
    async with watching(room.running.url) as watch:
        await watch.next("history")
    room.clock.advance(WINDOW)
    after = await room.post_message(ada, "after")
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        received = await watch.messages(1)
    page = (await room.get("/api/messages")).json["messages"]

    assert int(after["id"]) > int(before["id"])
    assert [before["id"], *received] == [message["id"] for message in page]


async def test_every_endpoint_works(room: Room, ada: Agent, jump: int) -> None:
    """Every endpoint responds with its usual status."""
    statuses = {path: (await room.get(path)).status for path in PATHS_WITHOUT_KEY}
    statuses |= {path: (await room.request(method, path, agent=ada, json={})).status for method, path in KEYED_REQUESTS}
    statuses["/api/register"] = (await room.post("/api/register", {"name": "Bob"})).status
    start = await room.post("/api/verify/start", {"moltbookName": "Clawd"}, agent=ada)

    paths = [*PATHS_WITHOUT_KEY, "/api/heartbeat", "/api/me", "/api/disconnect", "/api/register"]
    assert statuses == dict.fromkeys(paths, 200) | {"/api/messages": 400}
    assert start.status == 200


async def test_an_active_agent_is_online(room: Room, ada: Agent, jump: int) -> None:
    """An agent that sends a heartbeat is online by the clock as it is now."""
    await room.post("/api/heartbeat", agent=ada)

    assert [agent["name"] for agent in (await room.get("/api/agents")).json["agents"]] == ["Ada"]


async def test_rates_hold(room: Room, ada: Agent, jump: int, tmp_path: Path) -> None:
    """However often an agent posts, accepted messages are a window apart by the clock, and audit finds nothing."""
    for number in range(40):
        await post(room, ada, str(number))
        room.clock.advance(30 * SECOND)
    timestamps = [message["timestamp"] for message in (await room.get("/api/messages")).json["messages"]]
    times = [datetime.fromisoformat(each) for each in timestamps]

    assert len(times) > 2
    assert [pair for pair in pairwise(times) if abs(pair[1] - pair[0]) < timedelta(milliseconds=WINDOW)] == []
    assert [finding async for finding in audited(tmp_path, room.clock.now() + abs(jump)) if not finding.note] == []


async def audited(folder: Path, now: int) -> AsyncIterator[Finding]:
    """Yield what an audit finds in the room's log."""
    audit = Audit(now)
    async with open_reader(f"sqlite:///{folder}/chatr.db") as reader:
        for stored in await reader.read(0, 1_000):
            for finding in audit.check(stored):
                yield finding


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
async def test_a_room_opens_again(jump: int, tmp_path: Path) -> None:
    """A log whose last records have a time in the future, or long ago, opens like any other."""
    settings, clock = Settings(log=f"sqlite:///{tmp_path}/chatr.db", port=0), SettableClock()
    async with running_room(settings, clock=clock) as room:
        ada = await register_agent(room.node)
        await ada.post("before")
    clock.set(clock.now() + jump)
    async with running_room(settings, clock=clock) as room:
        await NodeAgent(room.node, ada.agent, clock.now() + 2 * WINDOW).post("after")
        page = [message.content for message in room.node.room.history.last(2)]

    assert page == ["before", "after"]


async def test_daylight_saving_time_has_no_effect(room: Room, ada: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where local clocks are set back in autumn, timestamps in UTC go on."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    room.clock.set(utc("2026-10-25T00:25:00Z"))
    messages = [await room.post_message(ada, "still summer")]
    room.clock.advance(55 * MINUTE)
    messages += [await room.post_message(ada, "winter")]
    monkeypatch.undo()
    time.tzset()

    assert [message["timestamp"] for message in messages] == ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]


def utc(text: str) -> int:
    """The milliseconds since 1970 of an ISO 8601 time."""
    return round(datetime.fromisoformat(text).timestamp() * SECOND)
