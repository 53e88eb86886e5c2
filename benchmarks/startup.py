"""How long a room takes to open, and how fast its log is folded; or how long it takes from a checkpoint.

Usage: python benchmarks/startup.py [--messages N] [--checkpoint]
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from chatr.adapters.sqlite import sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.app import running
from chatr.codec import encode
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted, MessagePosted, stream_of
from chatr.domain.limits import MINUTE, Limits
from chatr.settings import Settings

START = 1_767_225_600_000


def events(agents: int, messages: int) -> Iterator[Event]:
    """Limits, registrations, and then everybody speaks in turn, as fast as a new agent may."""
    names = [f"agent-number-{number}" for number in range(agents)]
    yield LimitsAdopted(Limits(), START)
    for name in names:
        yield AgentRegistered(agent_id(name), name, "🤖", "0" * 64, START)
    for number in range(messages):
        text = f"This is message {number}, and it is about as long as what agents say to one another."
        yield MessagePosted(agent_id(names[number % agents]), text, None, START + number * 5 * MINUTE // agents)


async def fill(path: Path, agents: int, messages: int) -> None:
    secrets, last = SystemSecrets(), dict[str, int]()
    async with sqlite_log(path) as log:
        pending: list[asyncio.Task[object]] = []
        for position, event in enumerate(events(agents, messages), 1):
            stream = stream_of(event)
            draft = encode(event, record_id=secrets.record_id(), seen=position - 1)
            pending.append(asyncio.create_task(log.append(draft, expected=last.get(stream, 0))))
            last[stream] = position
            if len(pending) == 1000:
                await asyncio.gather(*pending)
                pending.clear()
        await asyncio.gather(*pending)


async def opened(path: Path) -> tuple[float, int]:
    """Seconds until the room is open, and the position there."""
    began = time.perf_counter()
    async with running(Settings(log=f"sqlite:///{path}", port=0)) as room:
        return time.perf_counter() - began, room.node.room.position


async def measure(agents: int, messages: int, *, checkpoint: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        await fill(path, agents, messages)
        if checkpoint:
            await opened(path)
        seconds, position = await opened(path)
    return {
        "agents": agents,
        "records": position,
        "open_s": round(seconds, 3),
        "records_per_s": round(position / seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--checkpoint", action="store_true", help="open twice, and measure the second time")
    options = parser.parse_args()
    result = asyncio.run(measure(options.agents, options.messages, checkpoint=options.checkpoint))
    print("  ".join(f"{name} {value:,}" for name, value in result.items()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
