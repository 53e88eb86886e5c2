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
FLUSH: Final = "fdatasync,fsync:delay_enter=4000000"
"""Each flush takes four seconds."""
STOPPED_WITHIN: Final = 10.0
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
async def test_a_stop_answers_every_post_within_ten_seconds(serve: Serve, tmp_path: Path) -> None:
    """Where a flush takes four seconds, each waiting post gets 200 or `outcome_unknown`, and the process ends in time;
    what was acknowledged is there at the next start.
    """
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS)
    async with ClientSession(server.url) as http:
        keys = [await new_key(http, f"Agent-{number}") for number in range(AGENTS)]
        with injected(server.process.pid, FLUSH):
            posts = [asyncio.create_task(post(http, key)) for key in keys]
            await until(lambda: has_a_pending_post(http))
            began = time.monotonic()
            server.process.terminate()
            answers = await asyncio.gather(*posts)
            code = await asyncio.to_thread(server.process.wait, 2 * STOPPED_WITHIN)
            duration = time.monotonic() - began
    again = serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS)
    async with ClientSession(again.url) as http, http.get("/api/messages?limit=100") as reply:
        stored = len((await reply.json())["messages"])

    assert set(answers) <= {(200, None), (503, "outcome_unknown")}
    assert code == 0
    assert duration < STOPPED_WITHIN
    assert answers.count((200, None)) <= stored
