"""The machine's clock is set, forward or back: order is by position, so nothing breaks, and nobody waits for long."""

import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from chatr.app import open_reader, running
from chatr.audit import Audit, Finding
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.conftest import Agent, Answer, OpenRoom, Room
from tests.crowd import Speaker, speaker
from tests.watching import watching

DAY: Final = 24 * HOUR
JUMPS: Final = {"+1 s": SECOND, "+1 day": DAY, "-2 days": -2 * DAY, "+10 years": 3653 * DAY, "-1 minute": -MINUTE}
WINDOW: Final = 5 * MINUTE
"""An agent may speak once within it."""
OPEN: Final = (
    *("/api/messages", "/api/agents", "/api/log/head", "/api/at?position=1", "/api/activity", "/health", "/ready"),
    *("/skills.md", "/llms.txt", "/heartbeat.md", "/openapi.json", "/"),
)
KEYED: Final = (("POST", "/api/heartbeat"), ("GET", "/api/me"), ("POST", "/api/disconnect"), ("POST", "/api/messages"))


@pytest.fixture
async def room(open_room: OpenRoom, tmp_path: Path) -> Room:
    return await open_room(log=f"sqlite:///{tmp_path}/chatr.db")


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has just spoken."""
    ada = await room.register()
    await room.say(ada, "before")
    return ada


@pytest.fixture(params=list(JUMPS.values()), ids=list(JUMPS))
def jump(request: pytest.FixtureRequest, room: Room, ada: Agent) -> int:
    """The clock has been set by so much since."""
    by: int = request.param
    room.clock.set(room.clock.now() + by)
    return by


async def say(room: Room, agent: Agent, content: str) -> Answer:
    return await room.post("/api/messages", {"content": content}, agent=agent)


async def test_nobody_is_locked_out(room: Room, ada: Agent, jump: int) -> None:
    """Whoever is refused for its rate may speak when it was told to, after two windows at most."""
    waited = 0
    while (answer := await say(room, ada, "after")).status == 429:
        waited += answer.json["retryAfter"] * SECOND
        room.clock.advance(answer.json["retryAfter"] * SECOND)

    assert answer.status == 200
    assert waited <= 2 * WINDOW


async def test_ids_increase(room: Room, ada: Agent, jump: int) -> None:
    """What is said later stands later, whatever the clock says; a watcher that resumes hears it next."""
    (before,) = (await room.get("/api/messages")).json["messages"]
    async with watching(room.running.url) as watch:
        await watch.next("history")
    room.clock.advance(WINDOW)
    after = await room.say(ada, "after")
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        heard = await watch.messages(1)
    page = (await room.get("/api/messages")).json["messages"]

    assert int(after["id"]) > int(before["id"])
    assert [before["id"], *heard] == [message["id"] for message in page]


async def test_nothing_breaks(room: Room, ada: Agent, jump: int) -> None:
    """Every endpoint answers as always."""
    answers = {path: (await room.get(path)).status for path in OPEN}
    answers |= {path: (await room.ask(method, path, agent=ada, json={})).status for method, path in KEYED}
    answers["/api/register"] = (await room.post("/api/register", {"name": "Bob"})).status
    start = await room.post("/api/verify/start", {"moltbookName": "Clawd"}, agent=ada)

    assert answers == dict.fromkeys([*OPEN, "/api/heartbeat", "/api/me", "/api/disconnect", "/api/register"], 200) | {
        "/api/messages": 400
    }
    assert start.status == 200


async def test_who_is_there_is_seen(room: Room, ada: Agent, jump: int) -> None:
    """An agent that shows itself is online, by the clock as it is now."""
    await room.post("/api/heartbeat", agent=ada)

    assert [agent["name"] for agent in (await room.get("/api/agents")).json["agents"]] == ["Ada"]


async def test_rates_hold(room: Room, ada: Agent, jump: int, tmp_path: Path) -> None:
    """However often it is tried, what is accepted is a window apart by the clock, and the auditor finds nothing."""
    for number in range(40):
        await say(room, ada, str(number))
        room.clock.advance(30 * SECOND)
    times = [message["timestamp"] for message in (await room.get("/api/messages")).json["messages"]]
    said = [datetime.fromisoformat(each) for each in times]

    assert len(said) > 2
    assert [pair for pair in pairwise(said) if abs(pair[1] - pair[0]) < timedelta(milliseconds=WINDOW)] == []
    assert [finding async for finding in audited(tmp_path, room.clock.now() + abs(jump)) if not finding.note] == []


async def audited(folder: Path, now: int) -> AsyncIterator[Finding]:
    audit = Audit(now)
    async with open_reader(f"sqlite:///{folder}/chatr.db") as reader:
        for stored in await reader.read(0, 1_000):
            for finding in audit.check(stored):
                yield finding


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
async def test_a_room_opens_again(jump: int, tmp_path: Path) -> None:
    """A log whose last records are of a time that is yet to come, or long past, is a log like any other."""
    settings, clock = Settings(log=f"sqlite:///{tmp_path}/chatr.db", port=0), SettableClock()
    async with running(settings, clock=clock) as room:
        ada = await speaker(room.node)
        await ada.say("before")
    clock.set(clock.now() + jump)
    async with running(settings, clock=clock) as room:
        await Speaker(room.node, ada.agent, clock.now() + 2 * WINDOW).say("after")
        page = [message.content for message in room.node.room.history.last(2)]

    assert page == ["before", "after"]


async def test_summer_time_is_no_time(room: Room, ada: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where clocks on the wall are set back in autumn, an hour is an hour all the same."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    room.clock.set(utc("2026-10-25T00:25:00Z"))
    said = [await room.say(ada, "still summer")]
    room.clock.advance(55 * MINUTE)
    said += [await room.say(ada, "winter")]
    monkeypatch.undo()
    time.tzset()

    assert [message["timestamp"] for message in said] == ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * SECOND)
