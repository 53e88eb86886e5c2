"""The stores that the contract is run over. A new one is a line here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from chatr.adapters.memory import MemoryLog
from chatr.adapters.postgres import postgres_log
from chatr.adapters.sqlite import SqliteLog, SqliteReader, sqlite_log, sqlite_reader
from chatr.ports import EventLog
from chatr.testing.contract.steps import OpenLog
from tests.postgres import Postgres


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chatr.db"


def memory() -> OpenLog:
    """A log in memory is its only instance, and stays open."""
    log = MemoryLog()
    return lambda: nullcontext(log)


class Observed:
    """A log that is written by one process and read by another."""

    def __init__(self, log: SqliteLog, reader: SqliteReader) -> None:
        self.append = log.append
        self.read = reader.read
        self.pick = reader.pick
        self.tail = reader.tail
        self.head = reader.head


@asynccontextmanager
async def observed(path: Path) -> AsyncIterator[EventLog]:
    async with sqlite_log(path) as log, sqlite_reader(path) as reader:
        yield Observed(log, reader)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_log(request: pytest.FixtureRequest, path: Path) -> OpenLog:
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        return partial(postgres_log, server.log())
    stores: dict[str, OpenLog] = {
        "memory": memory(),
        "sqlite": partial(sqlite_log, path),
        "observed": partial(observed, path),
    }
    return stores[request.param]


@pytest.fixture
async def log(open_log: OpenLog) -> AsyncIterator[EventLog]:
    async with open_log() as log:
        yield log
