"""Write the log of a large room: a million messages of 240 agents over two years. The same arguments give the same log.

It has days and nights, weekends, quiet weeks, a silence of nine days and an hour with a fiftieth of all messages;
threads, mentions, messages in many languages, removed, restored and erased ones, agents that were suspended or left,
and a clock that stepped back. `chatr audit` finds nothing wrong in it.

Usage: python -m tests.browser.large_room FILE [--messages N] [--end TIME]
"""

import argparse
import asyncio
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any, Final

import structlog

from benchmarks.search import wait_until_complete
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.restoring import row_of
from chatr.app import running_room
from chatr.cli.garbage_collection import set_thresholds
from chatr.codec import encode
from chatr.domain.events import Event
from chatr.domain.limits import SECOND, Limit
from chatr.domain.room import Room
from chatr.ports import Stored
from chatr.settings import Settings
from chatr.testing.secrets import record_id
from tests.browser.large_room_events import LargeRoom

WIDE_LIMIT: Final = Limit(100_000, SECOND)
OPEN_SETTINGS: Final[dict[str, Any]] = {
    "port": 0,
    "rate_requests": WIDE_LIMIT,
    "max_streams_per_ip": 5000,
    # The page takes its totals from these frames.
    "stats_every": 1,
}
"""Settings without limits per address."""
BATCH: Final = 20_000
INSERT: Final = (
    'insert into log (position, stream, previous, id, type, at, seen, data, "check") values (?,?,?,?,?,?,?,?,?)'
)


class LogWriter:
    """Makes stored records of events, each following the last one, and inserts them in batches.

    They are inserted past the store, which would flush each of its groups to the disk.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._stream_of = Room().stream_end
        self._stream_ends: dict[str, int] = {}
        self._pending: list[Stored] = []
        self.position = 0

    def append(self, event: Event) -> Stored:
        """Return the record that the event becomes."""
        stream, before = self._stream_of(event).stream, self.position
        previous = self._stream_ends.get(stream, 0)
        self.position += 1
        draft = encode(event, stream=stream, record_id=record_id(self.position), decided_at_position=before)
        stored = draft.at_position(self.position, previous, draft.record_hash_after(previous))
        self._stream_ends[stream] = self.position
        self._pending.append(stored)
        if len(self._pending) == BATCH:
            self.insert()
        return stored

    def insert(self) -> None:
        """Insert what was appended since the last time."""
        self._db.executemany(INSERT, map(row_of, self._pending))
        self._db.commit()
        self._pending.clear()


def write_large_log(path: Path, messages: int, end: int) -> None:
    """Create the log. `end` is a time in milliseconds since 1970: nothing in it is later."""
    asyncio.run(create_log(path))
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma synchronous = off")
        db.execute("pragma cache_size = -500000")
        log = LogWriter(db)
        erased = LargeRoom(log.append, messages, end).write()
        log.insert()
        db.executemany("update log set data = '' where position = ?", [(position,) for position in erased])
        db.commit()


async def create_log(path: Path) -> None:
    """Create a log without records. Raises CannotOpenLog."""
    async with sqlite_log(path):
        pass


async def serve(path: Path, address: Path) -> None:
    """Serve the room. When it can be searched, print its URL and write it into the file `address`; end when no process
    locks that file.
    """
    # As `chatr serve` does: otherwise full collections of the room take a third of the time.
    set_thresholds()
    async with running_room(Settings(**OPEN_SETTINGS, log=f"sqlite:///{path}")) as room:
        assert room.node.search is not None
        await wait_until_complete(room.node.search)
        with address.open("w") as file:
            file.write(room.url)
            file.flush()
            print(room.url, flush=True)
            await asyncio.to_thread(flock, file, LOCK_EX)
            # While it is locked: whoever locks it next starts a server.
            file.truncate(0)


def main() -> None:
    """Write the log and say how long that took, or serve the room."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.large_room", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--end", type=datetime.fromisoformat, default=datetime.now(UTC), help="default: now")
    parser.add_argument("--serve", type=Path, metavar="ADDRESS", help="serve the room, see serve()")
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    began = time.perf_counter()
    if not options.file.exists():
        write_large_log(options.file, options.messages, int(options.end.timestamp() * 1000))
        print(f"{options.file}: {options.messages:,} messages in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    if options.serve:
        asyncio.run(serve(options.file, options.serve))


if __name__ == "__main__":
    main()
