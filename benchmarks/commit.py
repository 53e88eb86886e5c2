"""Measures how many records per second a SQLite log stores durably, by the number of concurrent appends.

It is compared with Python's sqlite3 module alone, on the same disk and with the same table, one record per transaction.

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

from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.adapters.system import SystemSecrets
from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.ports import Draft, Stored
from chatr.testing.records import draft_of

PRODUCERS = (1, 8, 64, 256)
BARE_SQLITE = "sqlite3 alone, one per transaction"
TEXT = "This is about as long as what agents say to one another, and is said for the {}th time."
INSERT = """
    insert into log (stream, previous, id, type, at, seen, data, "check")
    values (:stream, :previous, :id, :type, :at, :decided_at_position, :data, :check)
"""


def drafts(name: str) -> Iterator[Draft]:
    """Yield the drafts of an agent's messages, without end."""
    agent, secrets = agent_id(name), SystemSecrets()
    for number in count():
        posted = MessagePosted(agent, TEXT.format(number), None, START + number)
        yield draft_of(posted, record_id=secrets.record_id(), decided_at_position=0)


async def append_until(log: SqliteLog, name: str, end: float) -> list[float]:
    """Append one record after the other until `end` (time.perf_counter()); return the seconds that each took."""
    latencies: list[float] = []
    last: Stored | None = None
    for draft in drafts(name):
        began = time.perf_counter()
        if began >= end:
            break
        last = await log.append(draft, expected=last.position if last else 0)
        latencies.append(time.perf_counter() - began)
    return latencies


async def append_concurrently(path: Path, names: Sequence[str], seconds: float) -> list[float]:
    """Append for every name at the same time; return the seconds that each record took."""
    async with sqlite_log(path) as log:
        end = time.perf_counter() + seconds
        results = await asyncio.gather(*(append_until(log, name, end) for name in names))
    return [latency for latencies in results for latency in latencies]


def insert_one_by_one(path: Path, name: str, seconds: float) -> list[float]:
    """Insert one record per transaction with sqlite3 alone; return the seconds that each took."""
    latencies, previous = list[float](), 0
    with closing(sqlite3.connect(path)) as db:
        # As durable as the log: each commit is flushed to the disk.
        db.execute("pragma synchronous = full")
        end = time.perf_counter() + seconds
        for draft in drafts(name):
            began = time.perf_counter()
            if began >= end:
                break
            row = asdict(draft) | {"previous": previous, "check": draft.record_hash_after(previous)}
            previous = db.execute(INSERT, row).lastrowid or 0
            db.commit()
            latencies.append(time.perf_counter() - began)
    return latencies


def measure_round(path: Path, number: int, seconds: float) -> dict[str, list[float]]:
    """Return the seconds that each record took, for each kind of store."""
    measured = {BARE_SQLITE: insert_one_by_one(path, f"alone-{number}", seconds)}
    for producers in PRODUCERS:
        names = [f"agent-{number}-{producers}-{producer}" for producer in range(producers)]
        measured[f"{producers} waiting"] = asyncio.run(append_concurrently(path, names, seconds))
    return measured


def main() -> None:
    """Measure and print a table, then the records per second as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each way in each round")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        # Creates the table.
        asyncio.run(append_concurrently(path, (), 0))
        rounds = [measure_round(path, number, options.seconds) for number in range(options.rounds)]
    latencies = {way: [latency for measured in rounds for latency in measured[way]] for way in rounds[0]}
    rates = {way: len(seconds) / options.seconds / options.rounds for way, seconds in latencies.items()}
    print(f"{'':36}{'records/s':>10}{'p50 ms':>8}")
    for way, rate in rates.items():
        print(f"{way:36}{rate:>10,.0f}{median(latencies[way]) * 1000:>8.2f}{rate / rates[BARE_SQLITE]:>8.1f}x")
    print(json.dumps({way: round(rate) for way, rate in rates.items()}))


if __name__ == "__main__":
    main()
