"""What a message costs as the room grows: python -m benchmarks.growth [--most N] [--plot docs/images/growth.svg].

A post is decided, stored in SQLite and folded, seven at a time: it should cost the same however many agents there are
and however much was said. Its deliveries go through sockets to watchers in other processes: beyond what the post itself
costs they should grow with the watchers. All figures are microseconds of the room's own CPU.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks.load import run
from benchmarks.servers import chatr
from benchmarks.startup import START, fill
from chatr import logs
from chatr.app import running
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.limits import MINUTE
from chatr.node import Node
from chatr.settings import Settings

AGENTS = (100, 1_000, 10_000, 100_000)
MESSAGES = (1_000, 10_000, 100_000, 1_000_000)
WATCHERS = (10, 100, 1_000, 10_000)
SPEAKERS = 8
POSTS = 250
YEAR = 366 * 24 * 60 * MINUTE
RATE = 10.0
"""Messages a second while watchers are many: few enough that none waits for another."""

Row = Mapping[str, object]


async def speak(node: Node, name: str) -> None:
    for number in range(POSTS):
        await node.handle(
            Post(agent_id(name), f"This is message {number} of {name}.", START + YEAR + number * 5 * MINUTE)
        )


async def post_cost(path: Path) -> float:
    async with running(Settings(log=f"sqlite:///{path}", port=0)) as room:
        names = [f"speaker-{number}" for number in range(SPEAKERS)]
        for name in names:
            await room.node.handle(Register(name, None, name.encode().hex().ljust(64, "0"), START + YEAR))
        await asyncio.gather(*(speak(room.node, name) for name in names[:1]))
        began = time.process_time()
        await asyncio.gather(*(speak(room.node, name) for name in names[1:]))
        return (time.process_time() - began) / (POSTS * (SPEAKERS - 1)) * 1e6


def posts(agents: int, messages: int) -> float:
    """Microseconds for a post in a room of so many agents and messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        asyncio.run(fill(path, agents, messages))
        return asyncio.run(post_cost(path))


def deliveries(watchers: int, seconds: float) -> float:
    """Microseconds for one message and all its deliveries."""
    with chatr() as server:
        result = run(server, watchers, seconds, rate=RATE)
        return result.cpu / result.messages * 1e6


def measured(most: int, seconds: float) -> Iterator[Row]:
    print(f"{'agents':>9}{'messages':>11}{'watchers':>10}{'us per message':>16}{'us per delivery':>17}")
    for agents, messages in [(each, MESSAGES[0]) for each in AGENTS] + [(AGENTS[0], each) for each in MESSAGES[1:]]:
        if max(agents, messages) <= most:
            yield row(agents, messages, 0, posts(agents, messages))
    for watchers in WATCHERS:
        if watchers <= most:
            yield row(0, 0, watchers, deliveries(watchers, seconds))


def row(agents: int, messages: int, watchers: int, cost: float) -> Row:
    each = cost / watchers if watchers else None
    print(
        f"{agents or '':>9}{messages or '':>11}{watchers or '':>10}{cost:>16,.0f}{f'{each:,.1f}' if each else '':>17}",
        flush=True,
    )
    return {"agents": agents, "messages": messages, "watchers": watchers, "us_per_message": round(cost, 1)}


def plot(rows: Sequence[Row], path: Path) -> None:
    """Grey on nothing: to be read on paper and on a dark screen."""
    grey = "#7f7f7f"
    plt.rcParams.update({"text.color": grey, "axes.labelcolor": grey, "xtick.color": grey, "ytick.color": grey})
    plt.rcParams.update({"axes.edgecolor": grey, "svg.fonttype": "none"})
    figure, axes = plt.subplots(1, 3, figsize=(10, 3))
    shown = {
        "agents": [each for each in rows if each["messages"] == MESSAGES[0]],
        "messages": [each for each in rows if each["agents"] == AGENTS[0]],
        "watchers": [each for each in rows if each["watchers"]],
    }
    for axis, (name, some) in zip(axes, shown.items(), strict=True):
        axis.loglog([each[name] for each in some], [each["us_per_message"] for each in some], "o-", color="#d9480f")
        axis.set_xlabel(name)
        axis.spines[["top", "right"]].set_visible(False)
    low = min(float(str(each["us_per_message"])) for each in rows)
    for axis in axes[:2]:
        axis.set_ylim(low / 3, low * 30)
    axes[0].set_ylabel("µs of CPU for a message")
    figure.tight_layout()
    figure.savefig(path, transparent=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000, help="leave out larger rooms")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number of watchers")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    options = parser.parse_args()
    logs.configure()
    rows = list(measured(options.most, options.seconds))
    if options.plot:
        plot(rows, options.plot)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
