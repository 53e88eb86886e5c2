"""Measures how long a server takes to start, by folding its log or from a checkpoint.

Usage: python benchmarks/startup.py [--messages N] [--checkpoint]
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.app import running_room
from chatr.codec import encode
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted, MessagePosted
from chatr.domain.limits import MINUTE, Limits
from chatr.domain.room import Room
from chatr.settings import Settings

START = 1_767_225_600_000
"""2026-01-01 in milliseconds since 1970."""
BATCH = 20_000
INSERT = (
    'insert into log (position, stream, previous, id, type, at, seen, data, "check") values (?, ?, ?, ?, ?, ?, ?, ?, ?)'
)


def events(agents: int, messages: int) -> Iterator[Event]:
    """Yield the limits, a registration of each agent, and messages of all agents in turn, as fast as they may post."""
    names = [f"agent-number-{number}" for number in range(agents)]
    yield LimitsAdopted(Limits(), START)
    for name in names:
        yield AgentRegistered(agent_id(name), name, "🤖", "0" * 64, START)
    for number in range(messages):
        text = f"This is message {number}, and it is about as long as what agents say to one another."
        yield MessagePosted(agent_id(names[number % agents]), text, None, START + number * 5 * MINUTE // agents)


async def fill(path: Path, agents: int, messages: int) -> None:
    """Create a SQLite log of so many agents and messages."""
    await write_log(path, events(agents, messages))


async def write_log(path: Path, events: Iterable[Event]) -> None:
    """Create a SQLite log of these events. They are inserted directly: appending ten million of them takes an hour."""
    async with sqlite_log(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma synchronous = off")
        # Streams are indexed in no order, so the index should stay in memory.
        db.execute("pragma cache_size = -2000000")
        rows = rows_of(events)
        while batch := list(islice(rows, BATCH)):
            db.executemany(INSERT, batch)
            db.commit()


def rows_of(events: Iterable[Event]) -> Iterator[tuple[object, ...]]:
    """Yield the columns of the records that these events become, in the order of INSERT."""
    room, new_id, last_in_stream = Room(), SystemSecrets().record_id, dict[str, int]()
    for position, event in enumerate(events, 1):
        stream = room.stream_end(event).stream
        draft = encode(event, stream=stream, record_id=new_id(), decided_at_position=position - 1)
        previous, last_in_stream[stream] = last_in_stream.get(stream, 0), position
        record_hash = draft.record_hash_after(previous)
        yield position, stream, previous, draft.id, draft.type, draft.at, position - 1, draft.data, record_hash


async def start(path: Path) -> tuple[float, int]:
    """Return the seconds until the server listens, and the position that it has folded."""
    began = time.perf_counter()
    async with running_room(Settings(log=f"sqlite:///{path}", port=0)) as room:
        return time.perf_counter() - began, room.node.room.position


async def measure(agents: int, messages: int, *, checkpoint: bool) -> dict[str, float]:
    """Measure one start on a new log of so many agents and messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        await fill(path, agents, messages)
        if checkpoint:
            # A server writes its checkpoint when it stops.
            await start(path)
        seconds, position = await start(path)
    return {
        "agents": agents,
        "records": position,
        "open_s": round(seconds, 3),
        "records_per_s": round(position / seconds),
    }


def main() -> None:
    """Measure and print the figures, then the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--checkpoint", action="store_true", help="start twice, and measure the second start")
    options = parser.parse_args()
    result = asyncio.run(measure(options.agents, options.messages, checkpoint=options.checkpoint))
    print("  ".join(f"{name} {value:,}" for name, value in result.items()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
