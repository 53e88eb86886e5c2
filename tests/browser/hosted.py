"""Rooms in threads of their own, because a browser is driven without a loop: they open faster than a process starts."""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import requests
from attrs import frozen

from chatr.app import Running, running
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted
from chatr.domain.keys import digest_of
from chatr.domain.limits import Limits
from chatr.node import Node
from chatr.settings import Settings
from chatr.testing.records import happened
from tests.browser.speaker import Speaker, key_of
from tests.cli.conftest import File
from tests.conftest import OPEN_SETTINGS, PLENTY
from tests.crowd import speaker

OPEN: dict[str, Any] = OPEN_SETTINGS | {"rate_verified": PLENTY, "rate_unverified": PLENTY}


@frozen
class Hosted:
    url: str
    node: Node
    loop: asyncio.AbstractEventLoop
    file: File | None = None

    def agent(self, name: str = "Ada", avatar: str | None = None) -> Speaker:
        """Let an agent in."""
        return Speaker.register(self.url, name, avatar)

    def flood(self, contents: Iterable[str]) -> None:
        """Say all this as fast as the node can listen."""
        asyncio.run_coroutine_threadsafe(self._flood(contents), self.loop).result(60)

    def tire(self) -> None:
        """Ask until the room takes no more questions from this address, which is the browser's too."""
        while requests.get(f"{self.url}/api/agents", timeout=10).ok:
            pass

    async def _flood(self, contents: Iterable[str]) -> None:
        speaking = await speaker(self.node, "Flood")
        await speaking.say(*contents)


def registered(name: str, at: int, avatar: str | None = None) -> AgentRegistered:
    """An agent whose key a test knows."""
    return AgentRegistered(agent_id(name), name, avatar, digest_of(key_of(name)), at)


def began(at: int) -> LimitsAdopted:
    """The first record of a room in which nobody is ever too fast."""
    return LimitsAdopted(Limits(PLENTY, PLENTY), at)


@contextmanager
def hosted(file: File | None = None, **given: Any) -> Iterator[Hosted]:
    opened: Future[Running] = Future()
    loop, closing = asyncio.new_event_loop(), asyncio.Event()
    settings = Settings(**(OPEN | ({"log": file.url} if file else {}) | given))
    thread = Thread(target=lambda: loop.run_until_complete(serve(settings, opened, closing)))
    thread.start()
    try:
        room = opened.result(20)
        yield Hosted(room.url, room.node, loop, file)
    finally:
        loop.call_soon_threadsafe(closing.set)
        thread.join()
        loop.close()


async def serve(settings: Settings, opened: Future[Running], closing: asyncio.Event) -> None:
    try:
        async with running(settings) as room:
            opened.set_result(room)
            await closing.wait()
    except Exception as error:  # noqa: BLE001 -- whoever waits for the room is told
        opened.set_exception(error)


def written(path: Path, events: Iterable[Event]) -> File:
    """A log in which this has happened. The browser's loop runs in this thread, so another one writes."""
    file = File(path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(file.write, happened(events)).result()
    return file
