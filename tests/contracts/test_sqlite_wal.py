"""The -wal file of a SQLite log does not stay as large as it became while somebody read for long."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve

from chatr.adapters.stores.sqlite import idle_wal
from chatr.adapters.stores.sqlite.connection import LARGEST_IDLE_WAL
from chatr.adapters.stores.sqlite.files import side_file_size
from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.adapters.stores.sqlite.readable import read_only_address
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.past.replay import batches
from chatr.testing.contract.steps import append_many, new_draft

LONG_TEXT = "x" * 100_000
ENOUGH = 2 * LARGEST_IDLE_WAL // len(LONG_TEXT)
"""Records of that length that make the -wal file twice as long as it may stay."""


async def append_long(log: SqliteLog, name: str) -> None:
    """Append a record to each of `ENOUGH` streams."""
    drafts = [evolve(new_draft(f"{name}-{number}"), data=LONG_TEXT) for number in range(ENOUGH)]
    await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts))


async def test_it_is_cut_off_after_a_long_reader(path: Path) -> None:
    """It grows while somebody reads; after that, a few appends make it short again."""
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        with closing(sqlite3.connect(read_only_address(path), uri=True)) as reader:
            reader.execute("begin")
            reader.execute("select count(*) from log").fetchall()
            await append_long(log, "while somebody reads")
            assert side_file_size(path, "-wal") > LARGEST_IDLE_WAL
        for number in range(2):
            await log.append(new_draft(f"after-{number}"), expected=0)

        assert side_file_size(path, "-wal") <= LARGEST_IDLE_WAL


@pytest.mark.long
async def test_it_is_emptied_while_nobody_appends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room in which nobody posts after the reader has ended needs no post for it."""
    monkeypatch.setattr(idle_wal, "INTERVAL", 0.01)
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        with closing(sqlite3.connect(read_only_address(path), uri=True)) as reader:
            reader.execute("begin")
            reader.execute("select count(*) from log").fetchall()
            await append_long(log, "while somebody reads")
        while side_file_size(path, "-wal"):  # noqa: ASYNC110 -- SQLite has no event for it
            await asyncio.sleep(0.01)

        assert await log.head() == ENOUGH + 1


@pytest.mark.long
async def test_commands_that_read_do_not_let_it_grow(path: Path) -> None:
    """A command that reads a whole log reads it in slices, between which it holds no transaction."""
    async with sqlite_log(path) as log:
        await append_long(log, "before")
        async with sqlite_reader(path) as reader:
            reading = batches(reader, until=ENOUGH, size=10)
            await anext(reading)
            await append_long(log, "meanwhile")
            for number in range(2):
                await log.append(new_draft(f"after-{number}"), expected=0)

            assert side_file_size(path, "-wal") <= LARGEST_IDLE_WAL
