"""While the database cannot be reached a node serves reads from memory, rejects writes, and recovers by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import requests

from chatr.adapters.stores.postgres.log import postgres_log
from chatr.adapters.stores.postgres.session import PostgresTimeouts
from chatr.domain.limits import SECOND
from chatr.ports import EventLog
from tests.cluster.processes import until
from tests.conftest import NO_RATE_LIMIT, Agent, OpenRoom, Response, Room, Serve
from tests.postgres import Postgres
from tests.postgres_proxy import Proxy
from tests.stream_client import watching

SHORT_TIMEOUTS = PostgresTimeouts(operation=0.5, retry_append=0.3, lock=0.3)
OUTAGES = pytest.mark.parametrize("cut_off", [Proxy.close, Proxy.hold], ids=["refused", "no response"])
"""Connections to the database are refused, or it does not respond."""
CutOff = Callable[[Proxy], None]


@pytest.fixture
async def log(database_proxy: Proxy, url: str) -> AsyncIterator[EventLog]:
    """A log with short time-outs, so that the tests take less time."""
    async with postgres_log(database_proxy.url_through(url), SHORT_TIMEOUTS) as log:
        yield log


@pytest.fixture
async def room(log: EventLog, open_room: OpenRoom) -> Room:
    """A room on `log`. The log is set up first, because the room must be closed before it."""
    return await open_room(event_log=log, rate_unverified=NO_RATE_LIMIT)


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has posted a message."""
    ada = await room.register()
    await room.post_message(ada, "Hello!")
    return ada


async def post(room: Room, ada: Agent, content: str = "Are you there?") -> Response:
    """Post as `ada` and return the response, which may be an error."""
    return await room.post("/api/messages", {"content": content}, agent=ada)


async def contents(room: Room) -> list[str]:
    """The contents of all messages."""
    return [message["content"] for message in (await room.get("/api/messages")).json["messages"]]


@OUTAGES
async def test_reads_are_served_from_memory(room: Room, ada: Agent, database_proxy: Proxy, cut_off: CutOff) -> None:
    """Without its database a node serves everything that is read."""
    cut_off(database_proxy)
    paths = ["/api/messages", "/api/agents", "/api/log/head", "/skills.md", "/", "/health"]
    statuses = [(await room.get(path)).status for path in paths]

    assert statuses == [200] * len(paths)


@OUTAGES
async def test_watchers_stay_connected_and_can_connect(
    room: Room, ada: Agent, database_proxy: Proxy, url: str, cut_off: CutOff
) -> None:
    """Streams stay open, new ones are accepted, and all receive what is posted when the database is back."""
    async with watching(room.running.url) as before:
        await before.next("stats")
        server = database_proxy.server
        cut_off(database_proxy)
        async with watching(room.running.url) as after:
            history = (await after.next("history")).data
            database_proxy.server = server
            database_proxy.release()
            later = (await room.post_message(ada, "later"))["id"]

            assert [message["content"] for message in history] == ["Hello!"]
            assert [await before.messages(1), await after.messages(1)] == [[later]] * 2


@OUTAGES
async def test_writes_are_rejected(room: Room, ada: Agent, database_proxy: Proxy, cut_off: CutOff) -> None:
    """The response says when to try again. Nothing was stored unless the post was already sent."""
    code = "storage_unavailable" if cut_off is Proxy.close else "outcome_unknown"
    cut_off(database_proxy)
    responses = await asyncio.gather(post(room, ada), room.post("/api/register", {"name": "Bob"}))

    assert [(response.status, response.json["code"]) for response in responses] == [
        (503, code),
        (503, "storage_unavailable"),
    ]
    assert [response.headers["Retry-After"] for response in responses] == ["5"] * 2
    assert await contents(room) == ["Hello!"]


@OUTAGES
async def test_a_node_that_cannot_append_is_not_ready(room: Room, database_proxy: Proxy, cut_off: CutOff) -> None:
    """`/ready` responds with a 503 within two seconds."""
    loop = asyncio.get_running_loop()
    cut_off(database_proxy)
    began = loop.time()
    response = await room.get("/ready")

    assert (response.status, response.json["code"]) == (503, "not_ready")
    assert loop.time() - began < 2


@OUTAGES
async def test_a_node_recovers_by_itself(room: Room, ada: Agent, database_proxy: Proxy, cut_off: CutOff) -> None:
    """When the database is back, posts are accepted and the node is ready, without a restart."""
    server = database_proxy.server
    cut_off(database_proxy)
    await post(room, ada)
    database_proxy.server = server
    database_proxy.release()
    again = await post(room, ada, "Hello again!")
    room.clock.advance(10 * SECOND)

    # What was sent before the outage showed arrives some time after the network is back, on a connection of its own.
    sent = ["Are you there?"] if cut_off is Proxy.hold else []

    async def has_arrived() -> bool:
        return {*sent, "Hello again!"} <= set(await contents(room))

    await until(has_arrived)

    assert (again.status, set(await contents(room))) == (200, {"Hello!", *sent, "Hello again!"})
    assert (await room.get("/ready")).status == 200
    assert not any(task.done() for task in room.running.background_tasks)


@pytest.mark.long
def test_a_process_survives_a_stop_of_postgresql(serve: Serve, own_postgres: Postgres) -> None:
    """While PostgreSQL is stopped, reads are served and posts are rejected within five seconds; later posts work."""
    url = own_postgres.log()
    server = serve("--log", url, "--rate-unverified", "1000/1")
    key = requests.post(f"{server.url}/api/register", json={"name": "Ada"}, timeout=5).json()["agent"]["apiKey"]

    def post(content: str) -> requests.Response:
        headers = {"X-API-Key": key}
        return requests.post(f"{server.url}/api/messages", json={"content": content}, headers=headers, timeout=9)

    first = post("first")
    own_postgres.stop()
    rejected, ready, read = post("second"), requests.get(f"{server.url}/ready", timeout=9), server.get("/api/messages")
    own_postgres.start()
    last = post("last")

    assert [response.status_code for response in (first, rejected, ready, last)] == [200, 503, 503, 200]
    assert rejected.elapsed.total_seconds() < 5
    assert "first" in read
    assert server.process.poll() is None
