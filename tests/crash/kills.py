"""Kills a room on SQLite at random moments, again and again, while agents post and watchers reconnect."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import STDOUT
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from signal import SIGKILL, Signals
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout
from attrs import define, field, frozen

from tests.cluster.clients import STAY, TIMEOUT, Clients, make_clients
from tests.cluster.processes import NodeProcess, node_processes, until
from tests.cluster.verdict import Verdict, check_room

AGENTS: Final = 4
WATCHERS: Final = 3
RATE: Final = (100_000, 1)
"""Messages that an agent may post in so many seconds: more than it can."""
NO_LIMIT: Final = "{}/{}".format(*RATE)
FLAGS: Final = (
    *("--rate-unverified", NO_LIMIT, "--rate-requests", NO_LIMIT, "--rate-registrations", NO_LIMIT),
    *("--history", "1000", "--stats-every", "1"),
)
KILLED_DURING_START: Final = 0.2
"""The share of kills that happen while the room is starting."""
LONGEST_START: Final = 1.0
"""Seconds after which such a kill happens at the latest."""
LONGEST_RUN: Final = 0.4
"""Seconds for which the room runs at most once it is ready."""


@frozen
class Plan:
    """How often and by which signal the room is ended. At which moments depends on the seed alone."""

    seed: int
    rounds: int
    by: Signals = SIGKILL
    during_start: float = KILLED_DURING_START
    posters: int = 1
    """Messages that each agent posts at the same time."""
    messages: int = 0
    """Messages that are acknowledged before each signal."""
    slow_watchers: int = 0
    """Watchers that are behind most of the time."""
    stay: int = STAY
    """Frames after which each watcher leaves at the latest."""


@frozen
class Outcome:
    """What was found after all kills."""

    verdict: Verdict
    integrity: str
    audit: str
    recovery_seconds: list[float]
    """From each kill until the room was ready."""
    stop_seconds: list[float]
    """From each signal until the process had ended, and another one was started."""
    exit_codes: list[int]

    def faults(self) -> dict[str, list[str]]:
        """Return what is wrong, by kind; empty if nothing is."""
        faults = self.verdict.faults()
        if self.integrity != "ok":
            faults["integrity"] = [self.integrity]
        if self.audit:
            faults["audit"] = [self.audit]
        return faults


@define
class Killer:
    """Ends a node as a plan says, and measures how long it takes to recover."""

    node: NodeProcess
    clients: Clients
    http: ClientSession
    plan: Plan
    progress: Callable[[], object]
    """Called after each round."""
    recovery_seconds: list[float] = field(factory=list)
    stop_seconds: list[float] = field(factory=list)

    async def run(self) -> None:
        """End the room `plan.rounds` times, while it runs or while it starts, and leave it running."""
        random = Random(f"kills {self.plan.seed}")
        for _ in range(self.plan.rounds):
            await self.clients.wait_for_messages(self.plan.messages)
            await asyncio.sleep(random.uniform(0, LONGEST_RUN))
            began = await self._kill()
            while random.random() < self.plan.during_start:
                await asyncio.sleep(random.uniform(0, LONGEST_START))
                began = await self._kill()
            await until(self.ready)
            self.recovery_seconds.append(asyncio.get_running_loop().time() - began)
            self.progress()

    async def _kill(self) -> float:
        """End the process, wait until it was started again, and return the time of the signal."""
        began, before = asyncio.get_running_loop().time(), self.node.starts

        async def started_again() -> bool:
            return self.node.starts > before

        self.node.end(self.plan.by)
        await until(started_again)
        self.stop_seconds.append(asyncio.get_running_loop().time() - began)
        return began

    async def ready(self) -> bool:
        """Return whether the room says that it is ready."""
        with suppress(ClientError, TimeoutError):
            async with self.http.get(f"{self.node.url}/ready") as response:
                return response.status == 200
        return False


def ignore_progress() -> None:
    """Do nothing."""


async def run_plan(plan: Plan, folder: Path, progress: Callable[[], object] = ignore_progress) -> Outcome:
    """Run a room with agents and watchers in `folder`, end it as `plan` says, and verify what it stored and sent."""
    path = folder / "chatr.db"
    url = f"sqlite:///{path}"
    try:
        async with (
            node_processes(1, folder, "--log", url, *FLAGS) as nodes,
            ClientSession(timeout=ClientTimeout(total=TIMEOUT)) as http,
        ):
            clients = make_clients(
                nodes, plan.seed, agents=AGENTS, watchers=WATCHERS, slow=plan.slow_watchers, stay=plan.stay
            )
            killer = Killer(nodes[0], clients, http, plan, progress)
            await until(killer.ready)
            async with clients.active(http, plan.posters):
                await killer.run()
            verdict, exit_codes = await check_room(clients, nodes, http, url, RATE), list(nodes[0].exit_codes)
    except BaseException as error:
        error.add_note(f"{plan}; the room's output and its log are in {folder}")
        raise
    return Outcome(verdict, integrity(path), await audit(url), killer.recovery_seconds, killer.stop_seconds, exit_codes)


def integrity(path: Path) -> str:
    """Return SQLite's verdict about the file: "ok", or the errors that it found."""
    with closing(sqlite3.connect(path)) as db:
        return "; ".join(line for (line,) in db.execute("pragma integrity_check"))


async def audit(url: str) -> str:
    """Return the output of `chatr audit` if it found something, else ""."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatr", "audit", "--log", url), stdout=asyncio.subprocess.PIPE, stderr=STDOUT
    )
    output, _ = await process.communicate()
    return output.decode() if process.returncode else ""
