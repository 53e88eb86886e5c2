"""How many records a second are durable in a SQLite log, by how many wait at the same time; beside the standard library
alone, on the same disk and with the same table, with one record in each transaction.

Usage: python benchmarks/commit.py [--seconds N] [--rounds N]
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import median

from attrs import asdict
from startup import START

from chatr.adapters.sqlite import SqliteLog, sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.codec import encode
from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.ports import Draft, Stored

PRODUCERS = (1, 8, 64, 256)
ALONE = "sqlite3 alone, one per transaction"
TEXT = "This is about as long as what agents say to one another, and is said for the {}th time."
INSERT = """
    insert into log (stream, previous, id, type, at, seen, data, "check")
    values (:stream, :previous, :id, :type, :at, :seen, :data, :check)
"""


def drafts(name: str) -> Iterator[Draft]:
    """What an agent says."""
    agent, secrets = agent_id(name), SystemSecrets()
    for number in count():
        said = MessagePosted(agent, TEXT.format(number), None, START + number)
        yield encode(said, record_id=secrets.record_id(), seen=0)


async def produce(log: SqliteLog, name: str, until: float) -> list[float]:
    """Append one thing after the other, and tell how many seconds each took."""
    took: list[float] = []
    last: Stored | None = None
    for draft in drafts(name):
        began = time.perf_counter()
        if began >= until:
            break
        last = await log.append(draft, expected=last.position if last else 0)
        took.append(time.perf_counter() - began)
    return took


async def together(path: Path, names: Sequence[str], seconds: float) -> list[float]:
    async with sqlite_log(path) as log:
        until = time.perf_counter() + seconds
        return [each for took in await asyncio.gather(*(produce(log, name, until) for name in names)) for each in took]


def alone(path: Path, name: str, seconds: float) -> list[float]:
    """One record in each transaction, by the shortest way there is."""
    took, previous = list[float](), 0
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma synchronous = full")
        until = time.perf_counter() + seconds
        for draft in drafts(name):
            began = time.perf_counter()
            if began >= until:
                break
            row = asdict(draft) | {"previous": previous, "check": draft.check_after(previous)}
            previous = db.execute(INSERT, row).lastrowid or 0
            db.commit()
            took.append(time.perf_counter() - began)
    return took


def measure(path: Path, round_: int, seconds: float) -> dict[str, list[float]]:
    """Of each way how long every record took."""
    found = {ALONE: alone(path, f"alone-{round_}", seconds)}
    for producers in PRODUCERS:
        names = [f"agent-{round_}-{producers}-{number}" for number in range(producers)]
        found[f"{producers} waiting"] = asyncio.run(together(path, names, seconds))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each way in each round")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        asyncio.run(together(path, (), 0))
        rounds = [measure(path, number, options.seconds) for number in range(options.rounds)]
    took = {way: [each for found in rounds for each in found[way]] for way in rounds[0]}
    print(f"{'':36}{'records/s':>10}{'p50 ms':>8}")
    for way, each in took.items():
        rate = len(each) / options.seconds / options.rounds
        print(f"{way:36}{rate:>10,.0f}{median(each) * 1000:>8.2f}{len(each) / len(took[ALONE]):>8.1f}x")
    print(json.dumps({way: round(len(each) / options.seconds / options.rounds) for way, each in took.items()}))


if __name__ == "__main__":
    main()
