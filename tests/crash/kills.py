"""A room on SQLite that is killed at random moments, again and again, while agents talk and watchers come back."""

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

from tests.cluster.processes import NodeProcess, node_processes, until
from tests.cluster.verdict import Verdict, judged
from tests.cluster.visitors import PATIENCE, visitors

AGENTS: Final = 4
WATCHERS: Final = 3
RATE: Final = (100_000, 1)
WIDE: Final = "{}/{}".format(*RATE)
FLAGS: Final = (
    *("--rate-unverified", WIDE, "--rate-requests", WIDE, "--rate-registrations", WIDE),
    *("--history", "1000", "--stats-every", "1"),
)
OPENING: Final = 0.2
"""How many of the kills come while the room is being opened."""
LONGEST_OPENING: Final = 1.0
LONGEST_LIFE: Final = 0.4
"""Seconds for which it is open at most, once it is."""


@frozen
class Plan:
    """How often, and at which moments, depends on the seed alone."""

    seed: int
    rounds: int
    by: Signals = SIGKILL
    opening: float = OPENING


@frozen
class Outcome:
    verdict: Verdict
    integrity: str
    audit: str
    back: list[float]
    """Seconds from a kill until the room said that it can append."""
    ending: list[float]
    """Seconds from a signal until the process had ended, and another one was started."""
    codes: list[int]
    """How it ended, each time."""

    def faults(self) -> dict[str, list[str]]:
        found = self.verdict.faults()
        if self.integrity != "ok":
            found["integrity"] = [self.integrity]
        if self.audit:
            found["audit"] = [self.audit]
        return found


@define
class Killer:
    node: NodeProcess
    http: ClientSession
    plan: Plan
    killed: Callable[[], object]
    back: list[float] = field(factory=list)
    ending: list[float] = field(factory=list)

    async def rage(self) -> None:
        """Let the room live for a while, or begin to, and end it; and leave it open."""
        random = Random(f"kills {self.plan.seed}")
        for _ in range(self.plan.rounds):
            await asyncio.sleep(random.uniform(0, LONGEST_LIFE))
            began = await self._kill()
            while random.random() < self.plan.opening:
                await asyncio.sleep(random.uniform(0, LONGEST_OPENING))
                began = await self._kill()
            await until(self.ready)
            self.back.append(asyncio.get_running_loop().time() - began)
            self.killed()

    async def _kill(self) -> float:
        """When that was; returns once somebody has started the room again."""
        began, before = asyncio.get_running_loop().time(), self.node.starts

        async def started_again() -> bool:
            return self.node.starts > before

        self.node.end(self.plan.by)
        await until(started_again)
        self.ending.append(asyncio.get_running_loop().time() - began)
        return began

    async def ready(self) -> bool:
        with suppress(ClientError, TimeoutError):
            async with self.http.get(f"{self.node.url}/ready") as reply:
                return reply.status == 200
        return False


def nobody() -> None:
    """Tell nobody about progress."""


async def killed(plan: Plan, folder: Path, progress: Callable[[], object] = nobody) -> Outcome:
    """What is left of a room that was killed so often."""
    path = folder / "chatr.db"
    url = f"sqlite:///{path}"
    try:
        async with (
            node_processes(1, folder, "--log", url, *FLAGS) as nodes,
            ClientSession(timeout=ClientTimeout(total=PATIENCE)) as http,
        ):
            killer = Killer(nodes[0], http, plan, progress)
            there = visitors(nodes, plan.seed, agents=AGENTS, watchers=WATCHERS)
            await until(killer.ready)
            async with there.about(http, voices=1):
                await killer.rage()
            verdict, codes = await judged(there, nodes, http, url, RATE), list(nodes[0].codes)
    except BaseException as error:
        error.add_note(f"{plan}; what the room said, and its log, are in {folder}")
        raise
    return Outcome(verdict, integrity(path), await audit(url), killer.back, killer.ending, codes)


def integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return "; ".join(line for (line,) in db.execute("pragma integrity_check"))


async def audit(url: str) -> str:
    """What `chatr audit` complains of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatr", "audit", "--log", url), stdout=asyncio.subprocess.PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    return said.decode() if process.returncode else ""
