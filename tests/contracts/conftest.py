"""The stores for which the contract is tested. A new store is added to `open_log`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.postgres.log import postgres_log
from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.adapters.stores.sqlite.reopening import reopening_reader
from chatr.ports import EventLog, LogReader
from chatr.testing.contract.fixtures import log
from chatr.testing.contract.steps import OpenLog
from tests.postgres import Postgres

__all__ = ["log"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a SQLite log that does not exist yet."""
    return tmp_path / "chatr.db"


def memory() -> OpenLog:
    """Return a function that opens the same log in memory each time, and never closes it."""
    log = MemoryLog()
    return lambda: nullcontext(log)


class ReadFromOutside:
    """An event log that appends to `log` and reads from `reader`, as if they were in two processes."""

    def __init__(self, log: SqliteLog, reader: LogReader) -> None:
        self.append = log.append
        self.erase = log.erase
        self.restore = log.restore
        self.read = reader.read
        self.pick = reader.pick
        self.tail = reader.tail
        self.head = reader.head


@asynccontextmanager
async def read_from_outside(path: Path) -> AsyncIterator[EventLog]:
    """Open the SQLite log at `path` for appending and, separately, for reading."""
    # Polls nearly all the time, so that the tests need not wait, and leaves the CPU to the other tests in between.
    async with sqlite_log(path) as log, sqlite_reader(path, poll_interval=0.001) as reader:
        yield ReadFromOutside(log, reader)


@asynccontextmanager
async def read_unchanged(path: Path) -> AsyncIterator[EventLog]:
    """Open the SQLite log at `path` for appending and, separately, for reading without a trace."""
    async with sqlite_log(path) as log, reopening_reader(path, poll_interval=0.001) as reader:
        yield ReadFromOutside(log, reader)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_log(request: pytest.FixtureRequest, path: Path) -> OpenLog:
    """Opens the store of the test's parameter, which is new in each test."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        return partial(postgres_log, server.log())
    stores: dict[str, OpenLog] = {
        "memory": memory(),
        "sqlite": partial(sqlite_log, path),
        "read from outside": partial(read_from_outside, path),
        "read unchanged": partial(read_unchanged, path),
    }
    return stores[request.param]
