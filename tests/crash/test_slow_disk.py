"""A server whose disk is slow stops in time, and answers every post."""

import asyncio
import time
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession

from tests.cluster.processes import until
from tests.conftest import Serve, new_key
from tests.crash.tracing import injected

AGENTS: Final = 12
STOPPED_WITHIN: Final = 10.0
MARGIN: Final = 5.0
"""Seconds until the server gives up, after which no flush begins."""
FLAGS: Final = ("--rate-registrations", "100/1")


async def post(http: ClientSession, key: str) -> tuple[int, str | None]:
    """Post, and return the status of the response and the code of an error."""
    async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
        return reply.status, (await reply.json()).get("code")


async def has_a_pending_post(http: ClientSession) -> bool:
    """Whether a post has been waiting for the store for so long that the server says that it is not ready."""
    async with http.get("/ready") as reply:
        return reply.status == 503


@pytest.mark.long
@pytest.mark.parametrize("flush", [4, 12])
async def test_a_stop_answers_every_post_within_ten_seconds(serve: Serve, tmp_path: Path, flush: int) -> None:
    """However many seconds a flush takes, each waiting post gets 200 or `outcome_unknown` in time. The process ends in
    time, too, or as soon as the system lets it, when the flush in progress has returned; what was acknowledged is there
    at the next start.
    """
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS)
    async with ClientSession(server.url) as http:
        keys = [await new_key(http, f"Agent-{number}") for number in range(AGENTS)]
        with injected(server.process.pid, f"fdatasync,fsync:delay_enter={flush}000000"):
            posts = [asyncio.create_task(post(http, key)) for key in keys]
            await until(lambda: has_a_pending_post(http))
            began = time.monotonic()
            server.process.terminate()
            answers = await asyncio.gather(*posts)
            answered_after = time.monotonic() - began
            code = await asyncio.to_thread(server.process.wait, 2 * STOPPED_WITHIN)
            duration = time.monotonic() - began
    again = serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS)
    async with ClientSession(again.url) as http, http.get("/api/messages?limit=100") as reply:
        stored = len((await reply.json())["messages"])

    assert set(answers) <= {(200, None), (503, "outcome_unknown")}
    assert code == 0
    assert answered_after < STOPPED_WITHIN
    assert duration < max(STOPPED_WITHIN, flush + MARGIN)
    assert answers.count((200, None)) <= stored
