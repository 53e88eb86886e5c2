"""Rooms in threads. The browser is driven without an event loop, and a thread starts sooner than a process."""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

import requests
from attrs import frozen

from chatr.app import RunningRoom, running_room
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted
from chatr.domain.keys import hash_key
from chatr.domain.limits import Limits
from chatr.node.node import Node
from chatr.ports import Clock
from chatr.settings import Settings
from chatr.testing.records import records_of
from tests.browser.agent_client import AgentClient, key_of
from tests.cli.conftest import LogFile
from tests.conftest import NO_RATE_LIMIT, OPEN_SETTINGS
from tests.node_agents import register_agent

UNLIMITED_SETTINGS: dict[str, Any] = OPEN_SETTINGS | {
    "rate_verified": NO_RATE_LIMIT,
    "rate_unverified": NO_RATE_LIMIT,
    # The page takes its totals from these frames.
    "stats_every": 1,
}

LONGEST_START: Final = 60
"""Seconds, on a busy machine."""


@frozen
class HostedRoom:
    """A running room; its node runs in `loop`, which is another thread's. `file` is its log, None for one in memory."""

    url: str
    node: Node
    loop: asyncio.AbstractEventLoop
    file: LogFile | None = None

    def register(self, name: str = "Ada", avatar: str | None = None) -> AgentClient:
        """Register an agent."""
        return AgentClient.register(self.url, name, avatar)

    def post_many(self, contents: Iterable[str]) -> None:
        """Post all these messages as fast as the node takes them, without HTTP."""
        asyncio.run_coroutine_threadsafe(self._post_many(contents), self.loop).result(60)

    def use_up_requests(self) -> None:
        """Send requests until the room rejects those of this address, which is the browser's too."""
        while requests.get(f"{self.url}/api/agents", timeout=10).ok:
            pass

    async def _post_many(self, contents: Iterable[str]) -> None:
        agent = await register_agent(self.node, "Flood")
        await agent.post(*contents)


def registered(name: str, at: int, avatar: str | None = None) -> AgentRegistered:
    """The registration of an agent whose key is `key_of(name)`."""
    return AgentRegistered(agent_id(name), name, avatar, hash_key(key_of(name)), at)


def unlimited(at: int) -> LimitsAdopted:
    """The first record of a room that limits no agent's messages."""
    return LimitsAdopted(Limits(NO_RATE_LIMIT, NO_RATE_LIMIT), at)


@contextmanager
def host_room(
    file: LogFile | None = None, clock: Clock | None = None, *, demo: bool = False, **settings: Any
) -> Iterator[HostedRoom]:
    """Run a room until the context ends. Without a file its log is in memory, without a clock it uses the system's."""
    opened: Future[RunningRoom] = Future()
    every_setting = Settings(**(UNLIMITED_SETTINGS | ({"log": file.url} if file else {}) | settings))
    closing, runner = asyncio.Event(), asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    def run() -> None:
        # The runner lets connections that are being closed end: a socket that is left open fails some later test.
        with runner:
            runner.run(run_room(every_setting, clock, demo, opened, closing))

    thread = Thread(target=run)
    thread.start()
    try:
        room = opened.result(LONGEST_START)
        yield HostedRoom(room.url, room.node, loop, file)
    finally:
        with suppress(RuntimeError):  # the room could not be opened, and the loop is closed
            loop.call_soon_threadsafe(closing.set)
        thread.join()  # the log is closed when the thread ends, so another process may open it


async def run_room(
    settings: Settings, clock: Clock | None, demo: bool, opened: Future[RunningRoom], closing: asyncio.Event
) -> None:
    """Open a room, resolve `opened` with it or with the error, and close it when `closing` is set."""
    try:
        async with running_room(settings, clock=clock, demo=demo) as room:
            opened.set_result(room)
            await closing.wait()
    except Exception as error:  # noqa: BLE001 -- the test's thread raises it
        opened.set_exception(error)


def write_log(path: Path, events: Iterable[Event]) -> LogFile:
    """Create a log with these events. Playwright's loop runs in this thread, so the file is written in another one."""
    file = LogFile(path)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(file.append, records_of(events)).result()
    return file
