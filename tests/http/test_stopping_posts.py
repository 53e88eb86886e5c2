"""A server that stops answers every post, also where the store hangs."""

import asyncio
from contextlib import AsyncExitStack

from aiohttp import ClientSession

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.stores.memory import MemoryLog
from chatr.app import Timeouts, running_room
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OPEN_SETTINGS, Room


async def test_posts_that_wait_for_the_store_are_answered_at_the_end() -> None:
    """A post whose record may have been stored gets `outcome_unknown`; one that waited for it was not stored."""
    log, clock = FaultyLog(MemoryLog()), SettableClock()
    timeouts = Timeouts(HttpTimeouts(shutdown=0.05))
    async with AsyncExitStack() as stack:
        running = running_room(Settings(**OPEN_SETTINGS), event_log=log, clock=clock, timeouts=timeouts)
        opened = await running.__aenter__()
        room = Room(opened, clock, await stack.enter_async_context(ClientSession(opened.url)))
        agents = [await room.register(f"agent-{number}") for number in range(4)]
        hold = log.hold("append")
        posts = [
            asyncio.create_task(room.post("/api/messages", {"content": "Hello!"}, agent=agent))
            for agent in (*agents, agents[0])
        ]
        while hold.most_waiting < len(agents):  # noqa: ASYNC110 -- a hold counts, and has an event for the first only
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await running.__aexit__(None, None, None)
            answers = [await post for post in posts]

    assert [answer.status for answer in answers] == [503] * 5
    assert sorted(answer.json["code"] for answer in answers) == ["outcome_unknown"] * 4 + ["storage_unavailable"]
