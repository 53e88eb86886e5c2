"""Measures what a message and a server cost as the room grows.

Usage: python -m benchmarks.growth [--most N] [--plot FILE.svg]

A post is decided, stored in SQLite and folded, seven at a time. It should cost the same however many agents and
messages the room has. Its deliveries go through sockets to watchers in other processes. Beyond the cost of the post
itself they should grow in proportion to the watchers. All figures are microseconds of the server's own CPU.
The plot is docs/images/growth.svg. Then follows the table of `benchmarks.rooms`, up to ten million messages: it takes
twenty minutes. The process ends with 1 if one of its costs grows too much.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks.load import run_load
from benchmarks.rooms import measure_rooms
from benchmarks.servers import chatr
from benchmarks.startup import START, fill
from chatr import logging_setup
from chatr.app import running_room
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.limits import MINUTE
from chatr.node.node import Node
from chatr.settings import Settings

AGENTS = (100, 1_000, 10_000, 100_000)
MESSAGES = (1_000, 10_000, 100_000, 1_000_000)
WATCHERS = (10, 100, 1_000, 10_000)
PUBLISHERS = 8
"""One posts before the measurement, the others during it."""
POSTS = 250
YEAR = 366 * 24 * 60 * MINUTE
RATE = 10.0
"""Messages per second to many watchers: few enough that each is delivered before the next one is posted."""

Row = Mapping[str, object]


async def post_messages(node: Node, name: str) -> None:
    """Post POSTS messages, five minutes apart by the agent's own clock, so that the rate limit rejects none."""
    for number in range(POSTS):
        await node.commands.handle(
            Post(agent_id(name), f"This is message {number} of {name}.", START + YEAR + number * 5 * MINUTE)
        )


async def cost_of_posts(path: Path) -> float:
    """Return the microseconds of CPU for a post in the room of a log."""
    async with running_room(Settings(log=f"sqlite:///{path}", port=0)) as room:
        names = [f"speaker-{number}" for number in range(PUBLISHERS)]
        for name in names:
            await room.node.commands.handle(Register(name, None, name.encode().hex().ljust(64, "0"), START + YEAR))
        # Warm-up.
        await post_messages(room.node, names[0])
        began = time.process_time()
        await asyncio.gather(*(post_messages(room.node, name) for name in names[1:]))
        return (time.process_time() - began) / (POSTS * (PUBLISHERS - 1)) * 1e6


def measure_posts(agents: int, messages: int) -> float:
    """Return the microseconds of CPU for a post in a new room of so many agents and messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        asyncio.run(fill(path, agents, messages))
        return asyncio.run(cost_of_posts(path))


def measure_deliveries(watchers: int, seconds: float) -> float:
    """Return the microseconds of CPU for one message and all its deliveries."""
    with chatr() as server:
        result = run_load(server, watchers, seconds, rate=RATE)
        return result.cpu / result.messages * 1e6


def measure_all(most: int, seconds: float) -> Iterator[Row]:
    """Print a table, row by row as it is measured, and yield its rows. Rooms larger than `most` are left out."""
    print(f"{'agents':>9}{'messages':>11}{'watchers':>10}{'us per message':>16}{'us per delivery':>17}")
    more_agents = [(agents, MESSAGES[0]) for agents in AGENTS]
    more_messages = [(AGENTS[0], messages) for messages in MESSAGES[1:]]
    for agents, messages in more_agents + more_messages:
        if max(agents, messages) <= most:
            yield print_row(agents, messages, 0, measure_posts(agents, messages))
    for watchers in WATCHERS:
        if watchers <= most:
            yield print_row(0, 0, watchers, measure_deliveries(watchers, seconds))


def print_row(agents: int, messages: int, watchers: int, cost: float) -> Row:
    """Print a row of the table and return it; 0 stands for a number that does not matter."""
    per_delivery = f"{cost / watchers:,.1f}" if watchers else ""
    print(
        f"{agents or '':>9}{messages or '':>11}{watchers or '':>10}{cost:>16,.0f}{per_delivery:>17}",
        flush=True,
    )
    return {"agents": agents, "messages": messages, "watchers": watchers, "us_per_message": round(cost, 1)}


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw the costs, in grey on a transparent ground that suits paper and dark screens."""
    grey = "#7f7f7f"
    plt.rcParams.update({"text.color": grey, "axes.labelcolor": grey, "xtick.color": grey, "ytick.color": grey})
    plt.rcParams.update({"axes.edgecolor": grey, "svg.fonttype": "none"})
    figure, axes = plt.subplots(1, 3, figsize=(10, 3))
    series = {
        "agents": [row for row in rows if row["messages"] == MESSAGES[0]],
        "messages": [row for row in rows if row["agents"] == AGENTS[0]],
        "watchers": [row for row in rows if row["watchers"]],
    }
    for axis, (name, points) in zip(axes, series.items(), strict=True):
        axis.loglog([row[name] for row in points], [row["us_per_message"] for row in points], "o-", color="#d9480f")
        axis.set_xlabel(name)
        axis.spines[["top", "right"]].set_visible(False)
    # The same scale for both, so that a flat line is seen to be flat.
    lowest = min(float(str(row["us_per_message"])) for row in rows)
    for axis in axes[:2]:
        axis.set_ylim(lowest / 3, lowest * 30)
    axes[0].set_ylabel("µs of CPU for a message")
    figure.tight_layout()
    figure.savefig(path, transparent=True)


def main() -> None:
    """Measure and print a table, then its rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000, help="leave out larger rooms")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number of watchers")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    options = parser.parse_args()
    logging_setup.configure()
    rows = list(measure_all(options.most, options.seconds))
    if options.plot:
        plot(rows, options.plot)
    with tempfile.TemporaryDirectory() as folder:
        rooms, good = measure_rooms(options.most, options.seconds / 5, Path(folder))
    print(json.dumps({"messages": rows, "rooms": rooms}))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
