"""A room of three nodes in a storm: nodes are killed and frozen, PostgreSQL is restarted, and agents go on talking."""

import asyncio
import signal
from pathlib import Path
from random import Random
from typing import Final

from aiohttp import ClientSession, ClientTimeout
from attrs import define, field, frozen

from tests.cluster.processes import NodeProcess, node_processes, until
from tests.cluster.verdict import Verdict, judged
from tests.cluster.visitors import PATIENCE, Visitors, visitors
from tests.postgres import Postgres

NODES: Final = 3
AGENTS: Final = 12
VOICES: Final = 2
WATCHERS: Final = 6
RATE: Final = (10, 2)
"""An agent may say so many things in so many seconds."""
FLAGS: Final = (
    *("--rate-unverified", "{}/{}".format(*RATE), "--rate-requests", "1000000/1", "--rate-registrations", "100/1"),
    *("--max-streams-per-ip", "1000", "--history", "1000", "--stats-every", "1"),
)
NEWS: Final = 10
"""Messages that are acknowledged between two acts: the room goes on, whatever is done to it."""
LONGEST_FREEZE: Final = 2.5


@frozen
class Plan:
    """What is done, and in which order, depends on the seed alone."""

    seed: int
    disturbances: int
    restarts: int

    def acts(self) -> list[str]:
        random = Random(self.seed)
        acts = [random.choice(("kill", "freeze")) for _ in range(self.disturbances)] + ["restart"] * self.restarts
        random.shuffle(acts)
        return acts


@define
class Storm:
    """The room, and everybody in it."""

    plan: Plan
    server: Postgres
    nodes: list[NodeProcess]
    http: ClientSession
    visitors: Visitors
    _random: Random = field(init=False)
    _freezing: set[asyncio.Task[None]] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self._random = Random(f"acts {self.plan.seed}")

    async def rage(self) -> None:
        """From the first message to the last, and until all is calm again."""
        await until(self._all_up)
        async with self.visitors.about(self.http, VOICES):
            for act in self.plan.acts():
                await self.visitors.news(NEWS)
                await self._do(act)
            await asyncio.gather(*self._freezing)
            await until(self._all_up)

    async def _all_up(self) -> bool:
        return all(node.url for node in self.nodes)

    async def _do(self, act: str) -> None:
        node = self._random.choice(self.nodes)
        match act:
            case "kill":
                node.kill()
            case "freeze":
                freezing = asyncio.create_task(node.freeze(self._random.uniform(0.1, LONGEST_FREEZE)))
                self._freezing.add(freezing)
            case "restart":
                await self.server.restart(signal.SIGQUIT)


async def storm(plan: Plan, folder: Path) -> Verdict:
    """What is left of a room after the storm, on a server that flushes to the disk."""
    server = Postgres()
    try:
        url = server.log()
        async with (
            node_processes(NODES, folder, "--log", url, *FLAGS) as nodes,
            ClientSession(timeout=ClientTimeout(total=PATIENCE)) as http,
        ):
            there = visitors(nodes, plan.seed, agents=AGENTS, watchers=WATCHERS)
            await Storm(plan, server, nodes, http, there).rage()
            return await judged(there, nodes, http, url, RATE)
    except BaseException as error:
        error.add_note(f"{plan}; what the nodes said is in {folder}")
        raise
    finally:
        server.close()
