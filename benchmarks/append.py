"""Measures durable posts per second: python -m benchmarks.append [--seconds N] [--nodes N] [--postgres URL].

A post is measured from the decision of its node until the response could be sent. Every node is a process of its own.
PostgreSQL is the server of the tests, which flushes to this disk, unless a database is given; a log is left in it.
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

from chatr import logging_setup
from chatr.adapters.stores.urls import open_log
from chatr.adapters.system import SystemClock, SystemSecrets
from chatr.app import background
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.node.follower import Follower
from chatr.node.node import Node
from chatr.room_start import catch_up
from tests.postgres import Postgres

AGENTS = (1, 8, 64)
TEXT = "This is about as long as what agents say to one another: {}."


async def post_until(node: Node, name: str, end: float) -> int:
    """Post one message after the other until `end` (time.monotonic()), and return how many."""
    count, at = 0, SystemClock().now()
    while time.monotonic() < end:
        # By its own clock the agent posts every five minutes, so the rate limit rejects nothing.
        at += 5 * MINUTE
        count += 1
        await node.commands.handle(Post(agent_id(name), TEXT.format(count), at))
    return count


async def run_node(url: str, agents: int, seconds: float) -> None:
    """Run one node: print "ready", wait for a line on standard input, and print how many posts were made."""
    logging_setup.configure()
    clock = SystemClock()
    async with open_log(url) as log:
        node = Node.create(log, Follower(log, Room()), clock, SystemSecrets())
        async with background(node.follower.run()) as following:
            await catch_up(node, log, following)
            names = [f"agent-{uuid4().hex[:20]}" for _ in range(agents)]
            for name in names:
                await node.commands.handle(Register(name, None, uuid4().hex * 2, clock.now()))
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            end = time.monotonic() + seconds
            counts = await asyncio.gather(*(post_until(node, name, end) for name in names))
    print(sum(counts))


async def measure(url: str, nodes: int, agents: int, seconds: float) -> int:
    """Return the posts per second of all agents together, which are shared out among the nodes."""
    shares = [agents // nodes + (number < agents % nodes) for number in range(nodes)]
    command = [sys.executable, "-m", "benchmarks.append", "--work", url, "--seconds", str(seconds), "--agents"]
    processes = [
        await asyncio.create_subprocess_exec(
            *command, str(share), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for share in shares
    ]
    # All nodes begin at the same time, once the last one has started.
    for process in processes:
        assert process.stdout is not None
        await process.stdout.readline()
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    return round(sum(int(output) for output, _ in outputs) / seconds)


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """Yield the given URL, or that of a PostgreSQL server which is stopped at the end."""
    if url:
        yield url
        return
    server = Postgres()
    try:
        yield server.log()
    finally:
        server.close()


def measure_all(postgres: str | None, most_nodes: int, seconds: float) -> Iterator[dict[str, object]]:
    """Print a table, row by row as it is measured, and yield its rows."""

    def row(log: str, url: str, nodes: int, agents: int) -> dict[str, object]:
        posts = asyncio.run(measure(url, nodes, agents, seconds))
        print(f"{log:12}{nodes:>6}{agents:>8}{posts:>10,}", flush=True)
        return {"log": log, "nodes": nodes, "agents": agents, "posts_per_s": posts}

    print(f"{'log':12}{'nodes':>6}{'agents':>8}{'posts/s':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for agents in AGENTS:
            yield row("sqlite", f"sqlite:///{Path(folder) / 'chatr.db'}", 1, agents)
    with database(postgres) as url:
        for nodes in range(1, most_nodes + 1):
            for agents in AGENTS:
                if agents >= nodes:
                    yield row("postgresql", url, nodes, agents)


def main() -> None:
    """Measure; or run one node, as this program does in its own subprocesses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--nodes", type=int, default=3, metavar="N", help="measure 1 to N nodes on PostgreSQL")
    parser.add_argument("--postgres", metavar="URL")
    parser.add_argument("--work", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--agents", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        asyncio.run(run_node(options.work, options.agents, options.seconds))
    else:
        print(json.dumps(list(measure_all(options.postgres, options.nodes, options.seconds))))


if __name__ == "__main__":
    main()
