"""A copy of a log in one SQLite file: taken while the room is open, and put back later."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.sqlite import sqlite_log
from chatr.ports import LogChanged
from chatr.testing.contract.steps import everything, fill, followed


def copied(path: Path, copy: Path) -> None:
    """The backup that the manual of SQLite recommends."""
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as backup:
        db.backup(backup, pages=1)


def vacuumed(path: Path, copy: Path) -> None:
    """The backup that takes one statement and makes the smallest file."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("vacuum into ?", (str(copy),))


@pytest.mark.parametrize("back_up", [copied, vacuumed])
async def test_a_backup_taken_while_others_write_is_the_log_up_to_a_position(
    path: Path, back_up: Callable[[Path, Path], None]
) -> None:
    """A copy made of a live log opens, and holds a beginning of it: the same records with the same checks."""
    copy = path.with_name("copy.db")
    async with sqlite_log(path) as log:
        await fill(log, 10)
        writing = asyncio.create_task(fill(log, 3_000))
        await asyncio.to_thread(back_up, path, copy)
        await writing
        written = await everything(log)
    async with sqlite_log(copy) as restored:
        found = await everything(restored)

    assert len(found) >= 10
    assert written[: len(found)] == found


@pytest.mark.parametrize("others", [0, 5], ids=["shorter", "with other records since"])
async def test_a_restored_older_copy_is_another_log(path: Path, others: int) -> None:
    """Who has seen what was lost is told, and does not go on as if nothing had happened."""
    copy = path.with_name("copy.db")
    async with sqlite_log(path) as log:
        await fill(log, 5)
        copied(path, copy)
        lost = await fill(log, 3)
    copy.replace(path)
    async with sqlite_log(path) as log:
        await fill(log, others)
        with pytest.raises(LogChanged):
            await followed(log, 1, after=lost[0].cursor)
