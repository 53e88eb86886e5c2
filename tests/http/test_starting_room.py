"""The server listens before it has read its log: it answers probes, holds streams, and puts everybody else off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from chatr import __version__
from chatr.adapters.http.description.error_responses import errors_by_status
from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.routes import LIVE, ROUTES, STREAM
from chatr.adapters.listening_socket import CannotListen
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import Timeouts, running_room
from chatr.settings import Settings
from chatr.testing.faulty_log import FaultyLog, Hold
from chatr.testing.nodes import node_on
from tests.conftest import OPEN_SETTINGS
from tests.node_agents import register_agent
from tests.stream_client import watching

STREAMS: Final = 20
"""More than go on in one iteration of the event loop."""


@asynccontextmanager
async def starting_room(
    *, request_wait: float = 0.0, **settings: Any
) -> AsyncIterator[tuple[str, Hold, asyncio.Task[None]]]:
    """Start a room whose log of two records is not read before the hold is released; yield its URL and its task.

    Requests wait for `request_wait` seconds.
    """
    memory = MemoryLog()
    node = node_on(memory)
    following = asyncio.create_task(node.follower.run())
    await (await register_agent(node)).post("Hello!")
    following.cancel()
    log = FaultyLog(memory)
    hold = log.hold("tail")

    async def run() -> None:
        timeouts = Timeouts(http=HttpTimeouts(start=request_wait), progress_interval=0.01)
        async with running_room(Settings(**(OPEN_SETTINGS | settings)), event_log=log, timeouts=timeouts):
            await asyncio.Event().wait()

    with capture_logs() as logs:
        task = asyncio.create_task(run())
        await hold.reached.wait()
        url = next(entry["url"] for entry in logs if entry["event"] == "listening")
        try:
            yield url, hold, task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/health", 200, None),
        ("HEAD", "/health", 200, None),
        ("GET", "/ready", 503, "not_ready"),
        ("GET", "/", 503, "storage_unavailable"),
        ("GET", "/api/messages", 503, "storage_unavailable"),
        ("POST", "/api/messages", 503, "storage_unavailable"),
        ("POST", "/api/register", 503, "storage_unavailable"),
        ("GET", "/nope", 503, "storage_unavailable"),
    ],
)
async def test_only_probes_are_answered_while_the_log_is_read(
    method: str, path: str, status: int, code: str | None
) -> None:
    """Liveness is 200; everything else is a 503 that says when to try again, and that nothing was stored."""
    async with (
        starting_room() as (url, _, _),
        ClientSession(url) as http,
        http.request(method, path, json={"name": "Ada"} if method == "POST" else None) as reply,
    ):
        body = await reply.read()

        assert reply.status == status
        assert ("Retry-After" in reply.headers) == (status == 503)
    assert not code or json.loads(body)["code"] == code


async def test_the_starting_room_answers_as_documented() -> None:
    """Each endpoint responds with a status and a code that the OpenAPI document lists for it."""
    async with starting_room() as (url, _, _), ClientSession(url) as http:
        found = []
        for route in ROUTES:
            async with http.request(route.method, route.path) as reply:
                body = b"" if route is STREAM else await reply.read()
            codes = [error.code for error in errors_by_status(route).get(reply.status, [])]
            found.append((route.path, reply.status, reply.status == 200 or json.loads(body)["code"] in codes))

    assert found == [(route.path, 200 if route in (LIVE, STREAM) else 503, True) for route in ROUTES]


async def test_health_tells_the_version_while_the_log_is_read() -> None:
    """The response is that of an open room, so that an operator sees which version takes so long."""
    async with starting_room() as (url, _, _), ClientSession(url) as http, http.get("/health") as reply:
        body = await reply.json()

    assert body == {"success": True, "status": "ok", "version": __version__}


async def test_requests_wait_for_a_short_start() -> None:
    """A request that arrives shortly before the room is open is served by it."""
    async with starting_room(request_wait=60) as (url, hold, _), ClientSession(url) as http:
        early = asyncio.create_task(http.post("/api/register", json={"name": "Bob"}))
        async with http.get("/ready") as not_ready:
            pass
        hold.release()
        async with await early as reply:
            statuses = (not_ready.status, reply.status)

    assert statuses == (503, 200)


async def test_readiness_shows_the_progress() -> None:
    """It names the last record that was folded, and the last one that has to be."""
    async with starting_room() as (url, _, _), ClientSession(url) as http, http.get("/ready") as reply:
        body = await reply.json()

    assert (body["position"], body["head"]) == (0, 2)


async def test_a_stream_waits_until_the_log_is_read() -> None:
    """It is answered with 200 at once, and goes on with the history: EventSource never returns from an error."""
    async with starting_room() as (url, hold, _):
        watches = [watching(url) for _ in range(STREAMS)]
        opened = [await watch.__aenter__() for watch in watches]
        hold.release()
        kinds = [[(await watch.frame()).kind for _ in range(2)] for watch in opened]
        for watch in watches:
            await watch.__aexit__(None, None, None)

    assert {watch.status for watch in opened} == {200}
    assert kinds == [["history", "stats"]] * STREAMS


async def test_connections_of_the_start_are_served_later() -> None:
    """A connection that was opened while the log was read is served by the room once it is open."""
    async with starting_room() as (url, hold, _), ClientSession(url) as http:
        statuses = []
        async with http.get("/api/messages") as reply:
            statuses.append(reply.status)
        hold.release()
        async with watching(url) as watch:
            await watch.frames(2)
        async with http.get("/api/messages") as reply:
            statuses.append(reply.status)

    assert statuses == [503, 200]


async def test_streams_that_wait_are_limited() -> None:
    """They count as streams of their address."""
    async with starting_room(max_streams_per_ip=1) as (url, _, _), watching(url) as first, watching(url) as second:
        assert (first.status, second.status) == (200, 429)


async def test_a_start_is_stopped_at_once() -> None:
    """A stop ends the streams that wait, and waits for nothing else."""
    async with starting_room() as (url, _, task), watching(url) as watch:
        task.cancel()
        async with asyncio.timeout(2):
            await asyncio.wait([task])
            await watch.body()

    assert task.cancelled()


async def test_an_address_in_use_is_reported_before_the_log_is_opened() -> None:
    """Nothing is read or written by a process that cannot serve."""
    async with starting_room() as (url, _, _):
        log = FaultyLog(MemoryLog())
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(CannotListen):
            async with running_room(Settings(log="memory:", port=port), event_log=log):
                pass

    assert not log.calls
