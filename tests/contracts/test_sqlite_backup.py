"""A SQLite log can be copy_online with SQLite's own means while it is open, and the copy be put in its place later."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.ports import LogChanged
from chatr.testing.contract.steps import append_many, read_all, read_tail


def copy_online(path: Path, copy: Path) -> None:
    """Copy the file with SQLite's backup API."""
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as backup:
        db.backup(backup, pages=1)


def vacuum_into(path: Path, copy: Path) -> None:
    """Copy the file with `vacuum into`, which makes the smallest one."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("vacuum into ?", (str(copy),))


@pytest.mark.parametrize("back_up", [copy_online, vacuum_into])
async def test_a_backup_taken_during_appends_is_the_log_up_to_a_position(
    path: Path, back_up: Callable[[Path, Path], None]
) -> None:
    """A copy of a log that is appended to holds the same records up to some position."""
    copy = path.with_name("copy.db")
    async with sqlite_log(path) as log:
        await append_many(log, 10)
        writing = asyncio.create_task(append_many(log, 3_000))
        await asyncio.to_thread(back_up, path, copy)
        await writing
        written = await read_all(log)
    async with sqlite_log(copy) as restored:
        copied = await read_all(restored)

    assert len(copied) >= 10
    assert written[: len(copied)] == copied


@pytest.mark.parametrize("others", [0, 5], ids=["shorter", "with other records since"])
async def test_a_tail_notices_a_restored_older_copy(path: Path, others: int) -> None:
    """A tail that resumes after a record that the restored copy does not hold raises LogChanged."""
    copy = path.with_name("copy.db")
    async with sqlite_log(path) as log:
        await append_many(log, 5)
        copy_online(path, copy)
        lost = await append_many(log, 3)
    copy.replace(path)
    async with sqlite_log(path, accept_loss=True) as log:
        await append_many(log, others)
        with pytest.raises(LogChanged):
            await read_tail(log, 1, after=lost[0].cursor)
