"""While the database is away a node goes on with what it knows, promises nothing, and heals by itself."""

import asyncio
from collections.abc import Callable

import pytest
import requests

from chatr.adapters.postgres import postgres_log
from chatr.adapters.postgres_session import Patience
from chatr.domain.limits import SECOND
from tests.conftest import PLENTY, Agent, Answer, OpenRoom, Room, Serve
from tests.postgres import Postgres
from tests.proxy import Proxy
from tests.watching import watching

HURRIED = Patience(answer=0.5, draft=0.3, lock=0.3)
TROUBLES = pytest.mark.parametrize("trouble", [Proxy.close, Proxy.hold], ids=["refused", "silent"])
Trouble = Callable[[Proxy], None]


@pytest.fixture
async def room(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch, line: Proxy, url: str) -> Room:
    """A node that has less patience than others, so that the tests need not wait as long as agents may have to."""
    monkeypatch.setattr("chatr.app.open_log", lambda url: postgres_log(url, HURRIED))
    return await open_room(log=line.way_to(url), rate_unverified=PLENTY)


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has spoken."""
    ada = await room.register()
    await room.say(ada, "Hello!")
    return ada


async def say(room: Room, ada: Agent, content: str = "Are you there?") -> Answer:
    return await room.post("/api/messages", {"content": content}, agent=ada)


async def said(room: Room) -> list[str]:
    return [message["content"] for message in (await room.get("/api/messages")).json["messages"]]


@TROUBLES
async def test_what_was_said_can_be_read(room: Room, ada: Agent, line: Proxy, trouble: Trouble) -> None:
    """Without a store the room is still there to be read."""
    trouble(line)
    paths = ["/api/messages", "/api/agents", "/api/log/head", "/skills.md", "/", "/health"]
    statuses = [(await room.get(path)).status for path in paths]

    assert statuses == [200] * len(paths)


@TROUBLES
async def test_watchers_stay_and_come(room: Room, ada: Agent, line: Proxy, url: str, trouble: Trouble) -> None:
    """Nobody is sent away: whoever watches goes on watching, and hears what is said when the store is back."""
    async with watching(room.running.url) as before:
        await before.next("stats")
        server = line.server
        trouble(line)
        async with watching(room.running.url) as after:
            history = (await after.next("history")).data
            line.server = server
            line.release()
            later = (await room.say(ada, "later"))["id"]

            assert [message["content"] for message in history] == ["Hello!"]
            assert [await before.messages(1), await after.messages(1)] == [[later]] * 2


@TROUBLES
async def test_what_would_have_to_be_stored_is_refused(room: Room, ada: Agent, line: Proxy, trouble: Trouble) -> None:
    """Agents are told that nothing was stored and when to try again; and it is true."""
    trouble(line)
    answers = await asyncio.gather(say(room, ada), room.post("/api/register", {"name": "Bob"}))

    assert [(answer.status, answer.json["code"]) for answer in answers] == [(503, "storage_unavailable")] * 2
    assert [answer.headers["Retry-After"] for answer in answers] == ["5"] * 2
    assert await said(room) == ["Hello!"]


@TROUBLES
async def test_a_node_that_cannot_append_is_not_ready(room: Room, line: Proxy, trouble: Trouble) -> None:
    """Whoever routes requests is told within two seconds."""
    loop = asyncio.get_running_loop()
    trouble(line)
    began = loop.time()
    answer = await room.get("/ready")

    assert (answer.status, answer.json["code"]) == (503, "not_ready")
    assert loop.time() - began < 2


@TROUBLES
async def test_a_node_heals_by_itself(room: Room, ada: Agent, line: Proxy, trouble: Trouble) -> None:
    """When the store is back everything is as before, and the node was never closed."""
    server = line.server
    trouble(line)
    await say(room, ada)
    line.server = server
    line.release()
    again = await say(room, ada, "Hello again!")
    room.clock.advance(10 * SECOND)

    assert (again.status, await said(room)) == (200, ["Hello!", "Hello again!"])
    assert (await room.get("/ready")).status == 200
    assert not any(task.done() for task in room.running.lasting)


def test_a_node_outlives_its_server(serve: Serve, mortal: Postgres) -> None:
    """The process reads on and refuses within five seconds while PostgreSQL is stopped, and writes when it is back."""
    url = mortal.log()
    server = serve("--log", url, "--rate-unverified", "1000/1")
    key = requests.post(f"{server.url}/api/register", json={"name": "Ada"}, timeout=5).json()["agent"]["apiKey"]

    def say(content: str) -> requests.Response:
        headers = {"X-API-Key": key}
        return requests.post(f"{server.url}/api/messages", json={"content": content}, headers=headers, timeout=9)

    first = say("first")
    mortal.stop()
    refused, ready, read = say("second"), requests.get(f"{server.url}/ready", timeout=9), server.get("/api/messages")
    mortal.start()
    last = say("last")

    assert [answer.status_code for answer in (first, refused, ready, last)] == [200, 503, 503, 200]
    assert refused.elapsed.total_seconds() < 5
    assert "first" in read
    assert server.process.poll() is None
