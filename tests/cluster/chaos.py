"""Disturb a room of three nodes: kill and freeze nodes and restart PostgreSQL while agents post."""

import asyncio
import signal
from pathlib import Path
from random import Random
from typing import Final

from aiohttp import ClientSession, ClientTimeout
from attrs import define, field, frozen

from tests.cluster.clients import TIMEOUT, Clients, make_clients
from tests.cluster.processes import NodeProcess, node_processes, until
from tests.cluster.verdict import Verdict, check_room
from tests.postgres import Postgres

NODES: Final = 3
AGENTS: Final = 12
POSTERS: Final = 2
WATCHERS: Final = 6
RATE: Final = (10, 2)
"""Messages that an agent may post in so many seconds."""
FLAGS: Final = (
    *("--rate-unverified", "{}/{}".format(*RATE), "--rate-requests", "1000000/1", "--rate-registrations", "100/1"),
    *("--max-streams-per-ip", "1000", "--history", "1000", "--stats-every", "1"),
)
MESSAGES_BETWEEN: Final = 10
"""Messages that must be acknowledged between two disturbances: the room works whatever is done to it."""
LONGEST_FREEZE: Final = 2.5
"""Seconds."""


@frozen
class Plan:
    """Which disturbances happen, and in which order, depends on the seed alone."""

    seed: int
    disturbances: int
    restarts: int

    def steps(self) -> list[str]:
        """The disturbances, in order."""
        random = Random(self.seed)
        steps = [random.choice(("kill", "freeze")) for _ in range(self.disturbances)] + ["restart"] * self.restarts
        random.shuffle(steps)
        return steps


@define
class DisturbedRoom:
    """A room, its database, its clients, and the plan to disturb it."""

    plan: Plan
    server: Postgres
    nodes: list[NodeProcess]
    http: ClientSession
    clients: Clients
    _random: Random = field(init=False)
    _freezes: set[asyncio.Task[None]] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self._random = Random(f"acts {self.plan.seed}")

    async def run(self) -> None:
        """Disturb the room while clients use it, and wait until all nodes are up again."""
        await until(self._all_up)
        async with self.clients.active(self.http, POSTERS):
            for step in self.plan.steps():
                await self.clients.wait_for_messages(MESSAGES_BETWEEN)
                await self._disturb(step)
            await asyncio.gather(*self._freezes)
            await until(self._all_up)

    async def _all_up(self) -> bool:
        return all(node.is_up for node in self.nodes)

    async def _disturb(self, step: str) -> None:
        node = self._random.choice(self.nodes)
        match step:
            case "kill":
                node.kill()
            case "freeze":
                freeze = asyncio.create_task(node.freeze(self._random.uniform(0.1, LONGEST_FREEZE)))
                self._freezes.add(freeze)
            case "restart":
                await self.server.restart(signal.SIGQUIT)


async def run_plan(plan: Plan, folder: Path) -> Verdict:
    """Run a plan on a database that flushes to the disk, and check what is left of the room."""
    server = Postgres()
    try:
        url = server.log()
        async with (
            node_processes(NODES, folder, "--log", url, *FLAGS) as nodes,
            ClientSession(timeout=ClientTimeout(total=TIMEOUT)) as http,
        ):
            clients = make_clients(nodes, plan.seed, agents=AGENTS, watchers=WATCHERS)
            await DisturbedRoom(plan, server, nodes, http, clients).run()
            return await check_room(clients, nodes, http, url, RATE)
    except BaseException as error:
        error.add_note(f"{plan}; the log files of the nodes are in {folder}")
        raise
    finally:
        server.close()
