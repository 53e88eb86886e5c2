"""Durable posts per second, from decision to answer: python -m benchmarks.append [--seconds N] [--postgres URL].

Every node is a process of its own. PostgreSQL is the one of the tests, which flushes to this disk, unless a database is
given; it is left with a log in it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from chatr import logs
from chatr.adapters.system import SystemClock, SystemSecrets
from chatr.app import background, caught_up, open_log
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.limits import MINUTE
from chatr.node import Node
from tests.postgres import Postgres

AGENTS = (1, 8, 64)
NODES = (1, 2, 3)
TEXT = "This is about as long as what agents say to one another: {}."


async def speak(node: Node, name: str, until: float) -> int:
    """How often an agent was heard that says the next thing as soon as it has been; never too soon by its own clock."""
    said, at = 0, SystemClock().now()
    while time.monotonic() < until:
        at += 5 * MINUTE
        said += 1
        await node.handle(Post(agent_id(name), TEXT.format(said), at))
    return said


async def work(url: str, agents: int, seconds: float) -> None:
    """One node: says when it is ready, and counts once it is told to go."""
    logs.configure()
    clock = SystemClock()
    async with open_log(url) as log:
        node = Node(log, clock, SystemSecrets(), lambda _: None)
        async with background(node.follow()) as following:
            await caught_up(node, log, following)
            names = [f"agent-{uuid4().hex[:20]}" for _ in range(agents)]
            for name in names:
                await node.handle(Register(name, None, uuid4().hex * 2, clock.now()))
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            until = time.monotonic() + seconds
            said = await asyncio.gather(*(speak(node, name, until) for name in names))
    print(sum(said))


async def measure(url: str, nodes: int, agents: int, seconds: float) -> int:
    """Posts per second of so many agents in all."""
    shares = [agents // nodes + (number < agents % nodes) for number in range(nodes)]
    command = [sys.executable, "-m", "benchmarks.append", "--work", url, "--seconds", str(seconds), "--agents"]
    processes = [
        await asyncio.create_subprocess_exec(
            *command, str(share), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for share in shares
    ]
    for process in processes:
        assert process.stdout is not None
        await process.stdout.readline()
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    return round(sum(int(told) for told, _ in answers) / seconds)


@contextmanager
def database(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    server = Postgres()
    try:
        yield server.log()
    finally:
        server.close()


def measured(postgres: str | None, seconds: float) -> Iterator[dict[str, object]]:
    def row(log: str, url: str, nodes: int, agents: int) -> dict[str, object]:
        posts = asyncio.run(measure(url, nodes, agents, seconds))
        print(f"{log:12}{nodes:>6}{agents:>8}{posts:>10,}", flush=True)
        return {"log": log, "nodes": nodes, "agents": agents, "posts_per_s": posts}

    print(f"{'log':12}{'nodes':>6}{'agents':>8}{'posts/s':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for agents in AGENTS:
            yield row("sqlite", f"sqlite:///{Path(folder) / 'chatr.db'}", 1, agents)
    with database(postgres) as url:
        for nodes in NODES:
            for agents in AGENTS:
                if agents >= nodes:
                    yield row("postgresql", url, nodes, agents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--postgres", metavar="URL")
    parser.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--agents", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        asyncio.run(work(options.work, options.agents, options.seconds))
    else:
        print(json.dumps(list(measured(options.postgres, options.seconds))))


if __name__ == "__main__":
    main()
