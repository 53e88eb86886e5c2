"""A SQLite log notices when its files are moved, replaced or truncated while it is open, and stores nothing then."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.ports import LogUnavailable, Stored
from chatr.testing.contract.steps import append_many, new_draft, read_all, read_tail

Damage = Callable[[Path], object]


def removed(suffix: str) -> Damage:
    """Return a function that removes the file with this suffix."""
    return lambda path: Path(f"{path}{suffix}").unlink()


def rename(path: Path, other: Path) -> None:
    """Rename a file."""
    path.rename(other)


def replaced_by_a_copy(path: Path) -> bytes:
    """Put a copy in the place of the file, and return its content."""
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)
    return path.read_bytes()


def truncated(path: Path) -> None:
    """Remove the last page of the file."""
    os.truncate(path, path.stat().st_size - 4096)


def emptied(path: Path) -> None:
    """Remove the content of the file."""
    path.write_bytes(b"")


DAMAGE = {
    "removed": removed(""),
    "replaced": replaced_by_a_copy,
    "truncated": truncated,
    "emptied": emptied,
    "write-ahead file removed": removed("-wal"),
    "shared memory removed": removed("-shm"),
    "lock removed": removed(".lock"),
}


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    """A log with three records, opened again, so that none of them is in memory."""
    async with sqlite_log(path) as log:
        await append_many(log, 3)
    async with sqlite_log(path) as log:
        yield log


@pytest.fixture(params=list(DAMAGE.values()), ids=list(DAMAGE))
def damage(request: pytest.FixtureRequest) -> Damage:
    """One of the things that may happen to the files of an open log."""
    damage: Damage = request.param
    return damage


async def rejected_append(log: SqliteLog) -> str:
    """Return the error of an append that is rejected."""
    with pytest.raises(LogUnavailable) as raised:
        await append_many(log, 1)
    return str(raised.value)


async def test_nothing_is_appended_to_a_file_that_is_not_in_place(log: SqliteLog, path: Path, damage: Damage) -> None:
    """An append to a log whose files were moved, replaced or truncated raises LogUnavailable, which names the file."""
    damage(path)

    assert str(path) in await rejected_append(log)


async def test_a_log_whose_file_is_not_in_place_has_no_head(log: SqliteLog, path: Path, damage: Damage) -> None:
    """Asking for the head, as `/ready` does, raises LogUnavailable."""
    damage(path)
    with pytest.raises(LogUnavailable):
        await log.head()


@pytest.mark.parametrize("damage", [DAMAGE["removed"], DAMAGE["replaced"], DAMAGE["lock removed"]])
async def test_stored_records_can_still_be_read(log: SqliteLog, path: Path, damage: Damage) -> None:
    """The open file can be read as long as the process has it open."""
    before = await read_all(log)
    damage(path)

    assert before == await read_all(log) == await read_tail(log, 3)


@pytest.fixture
async def overwritten(path: Path) -> AsyncIterator[SqliteLog]:
    """A log of four records whose open file was overwritten with an older copy, which has three and the same size."""
    older = path.with_name("older.db")
    async with sqlite_log(path) as log:
        await append_many(log, 3)
        with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(older)) as copy:
            db.backup(copy)
            await append_many(log, 1)
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
        shutil.copyfile(older, path)
        yield log


async def test_pick_of_a_lost_record_is_unavailable(overwritten: SqliteLog) -> None:
    """Reading a record that the older copy does not hold raises LogUnavailable."""
    with pytest.raises(LogUnavailable):
        await overwritten.pick([4])


async def test_a_log_that_lost_records_has_no_head(overwritten: SqliteLog) -> None:
    """If the last stored record is missing, `head` raises LogUnavailable, whatever the size of the file."""
    with pytest.raises(LogUnavailable):
        await overwritten.head()


async def test_a_file_that_is_put_back_is_appended_to(log: SqliteLog, path: Path) -> None:
    """When a file that was moved is put back, appends succeed again."""
    elsewhere = path.with_name("elsewhere.db")
    rename(path, elsewhere)
    await rejected_append(log)
    rename(elsewhere, path)

    assert [each.position for each in await append_many(log, 1)] == [4]


def test_the_file_in_its_place_is_not_changed(path: Path) -> None:
    """A file that was put in the log's place is not written, also when the log is closed."""

    async def replace_while_open() -> bytes:
        async with sqlite_log(path) as log:
            await append_many(log, 3)
            copy = replaced_by_a_copy(path)
            await rejected_append(log)
        return copy

    assert asyncio.run(replace_while_open()) == path.read_bytes()


async def append_much(log: SqliteLog) -> None:
    """Append so much that a part is in the file, and a part only in the write-ahead file."""
    for _ in range(60):
        await asyncio.gather(*(log.append(new_draft(data='"' + "x" * 1022 + '"'), expected=0) for _ in range(100)))


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
async def test_a_backup_put_in_its_place_is_not_damaged(path: Path, noticed: bool) -> None:
    """The write-ahead file of a moved log is not applied to the backup in its place, and the moved log is complete."""
    backup, elsewhere = path.with_name("backup.db"), path.with_name("elsewhere.db")
    async with sqlite_log(path) as log:
        early = await append_many(log, 3)
        with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(backup)) as copy:
            db.backup(copy)
        await append_much(log)
        late = await read_all(log)
        rename(path, elsewhere)
        rename(backup, path)
        if noticed:
            await rejected_append(log)
    # If appending took longer than a second, the head file knows that the backup is older than the log was.
    async with sqlite_log(path, accept_loss=True) as log:
        restored = await read_all(log)
    async with sqlite_log(elsewhere) as log:
        original = await read_all(log)

    assert (restored, original) == (early, late)


async def test_a_log_whose_write_ahead_file_was_removed_loses_no_record(path: Path) -> None:
    """The open write-ahead file is written into the log when it is closed, though its name was removed."""
    written: list[Stored] = []
    async with sqlite_log(path) as log:
        written += await append_many(log, 3)
        removed("-wal")(path)
        await rejected_append(log)
    async with sqlite_log(path) as log:
        assert written == await read_all(log)
