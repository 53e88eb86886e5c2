"""A SQLite log can be read while another process writes it, and when none does."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.stores.migrations import SchemaTooNew
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import POLL_INTERVAL, sqlite_reader
from chatr.ports import CannotOpenLog
from chatr.testing.contract.steps import append_many, no_tasks_or_threads_left, read_all, read_tail


async def test_a_log_can_be_read_while_no_process_writes(path: Path) -> None:
    """A log that its writer has closed can be read."""
    async with sqlite_log(path) as log:
        written = await append_many(log, 3)
    async with sqlite_reader(path) as reader:
        assert written == await read_all(reader)


async def test_a_reader_polls_for_what_another_process_appends(path: Path) -> None:
    """A tail of a reader yields what a writer appends, after at most a second with the default interval."""
    async with sqlite_log(path) as log, sqlite_reader(path) as reader:
        tailing = asyncio.create_task(read_tail(reader, 3))
        written = await append_many(log, 2)
        written += await append_many(log, 1)

        assert written == await tailing
    assert POLL_INTERVAL < 1


async def test_a_reader_excludes_no_writer(path: Path) -> None:
    """A log can be opened for writing while it is open for reading."""
    async with sqlite_log(path):
        pass
    async with sqlite_reader(path) as reader, sqlite_log(path) as log:
        await append_many(log, 1)

        assert await reader.head() == 1


async def test_a_reader_creates_no_file(path: Path) -> None:
    """A mistyped name is an error, and does not become an empty log."""
    with pytest.raises(CannotOpenLog, match=rf"^The log at {path} .*\.$"):
        async with sqlite_reader(path):
            pass

    assert not list(path.parent.iterdir())


async def test_a_reader_rejects_a_log_of_a_newer_chatr(path: Path) -> None:
    """A log that a newer version has migrated is not read."""
    async with sqlite_log(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(SchemaTooNew):
        async with sqlite_reader(path):
            pass


async def test_a_reader_leaves_no_tasks_or_threads(path: Path) -> None:
    """No task and no thread outlives the reader, so that the process can end."""
    async with sqlite_log(path) as log:
        await append_many(log, 3)
    with no_tasks_or_threads_left():
        async with sqlite_reader(path) as reader:
            await read_tail(reader, 3)
