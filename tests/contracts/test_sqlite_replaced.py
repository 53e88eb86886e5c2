"""The files of a SQLite log are moved, replaced or cut off while it is open: nothing is appended in the dark."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.sqlite import SqliteLog, sqlite_log
from chatr.ports import Stored, Unavailable
from chatr.testing.contract.steps import draft, everything, fill, followed

Harm = Callable[[Path], object]


def removed(end: str) -> Harm:
    return lambda path: Path(f"{path}{end}").unlink()


def moved(path: Path, other: Path) -> None:
    path.rename(other)


def replaced_by_a_copy(path: Path) -> bytes:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)
    return path.read_bytes()


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


HARM = {
    "removed": removed(""),
    "replaced": replaced_by_a_copy,
    "cut off": cut_off,
    "emptied": emptied,
    "write-ahead file removed": removed("-wal"),
    "shared memory removed": removed("-shm"),
    "lock removed": removed(".lock"),
}


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    async with sqlite_log(path) as log:
        await fill(log, 3)
    async with sqlite_log(path) as log:
        yield log


@pytest.fixture(params=list(HARM.values()), ids=list(HARM))
def harm(request: pytest.FixtureRequest) -> Harm:
    harm: Harm = request.param
    return harm


async def refusal(log: SqliteLog) -> str:
    with pytest.raises(Unavailable) as refused:
        await fill(log, 1)
    return str(refused.value)


async def test_nothing_is_appended_in_the_dark(log: SqliteLog, path: Path, harm: Harm) -> None:
    """A log whose file is no longer what lies there stores nothing, and says which file is meant."""
    harm(path)

    assert str(path) in await refusal(log)


async def test_a_log_that_lost_its_file_is_not_ready(log: SqliteLog, path: Path, harm: Harm) -> None:
    """Whoever asks whether appends can be decided is told that they cannot."""
    harm(path)
    with pytest.raises(Unavailable):
        await log.head()


@pytest.mark.parametrize("harm", [HARM["removed"], HARM["replaced"], HARM["lock removed"]])
async def test_what_was_stored_can_still_be_read(log: SqliteLog, path: Path, harm: Harm) -> None:
    """The open file is read for as long as the process has it."""
    before = await everything(log)
    harm(path)

    assert before == await everything(log) == await followed(log, 3)


@pytest.fixture
async def overwritten(path: Path) -> AsyncIterator[SqliteLog]:
    """A log of four records, over whose open file an older copy was written, as large and with three."""
    older = path.with_name("older.db")
    async with sqlite_log(path) as log:
        await fill(log, 3)
        with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(older)) as copy:
            db.backup(copy)
            await fill(log, 1)
            db.execute("pragma wal_checkpoint(truncate)").fetchall()
        shutil.copyfile(older, path)
        yield log


async def test_what_the_file_no_longer_holds_is_away(overwritten: SqliteLog) -> None:
    """Whoever asks for a record that an older copy lacks is told so."""
    with pytest.raises(Unavailable):
        await overwritten.pick([4])


async def test_a_log_that_lost_records_is_not_ready(overwritten: SqliteLog) -> None:
    """Where the file ends before what was stored, nothing more can be decided, whatever its size."""
    with pytest.raises(Unavailable):
        await overwritten.head()


async def test_a_file_that_is_put_back_is_appended_to(log: SqliteLog, path: Path) -> None:
    """Who moved the file by mistake moves it back, and the room goes on."""
    elsewhere = path.with_name("elsewhere.db")
    moved(path, elsewhere)
    await refusal(log)
    moved(elsewhere, path)

    assert [each.position for each in await fill(log, 1)] == [4]


def test_the_other_file_stays_as_it_is(path: Path) -> None:
    """What was put in the log's place is neither written to nor spoilt when the log is closed."""

    async def noticed() -> bytes:
        async with sqlite_log(path) as log:
            await fill(log, 3)
            copy = replaced_by_a_copy(path)
            await refusal(log)
        return copy

    assert asyncio.run(noticed()) == path.read_bytes()


async def written_at_length(log: SqliteLog) -> None:
    """So much that some of it was brought home, and some is still only written ahead."""
    for _ in range(60):
        await asyncio.gather(*(log.append(draft(data='"' + "x" * 1022 + '"'), expected=0) for _ in range(100)))


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
async def test_a_backup_that_takes_its_place_is_not_spoilt(path: Path, noticed: bool) -> None:
    """What was written ahead of one file is not added to another one when that is opened, and the one is whole."""
    backup, elsewhere = path.with_name("backup.db"), path.with_name("elsewhere.db")
    async with sqlite_log(path) as log:
        early = await fill(log, 3)
        with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(backup)) as copy:
            db.backup(copy)
        await written_at_length(log)
        late = await everything(log)
        moved(path, elsewhere)
        moved(backup, path)
        if noticed:
            await refusal(log)
    async with sqlite_log(path) as log:
        restored = await everything(log)
    async with sqlite_log(elsewhere) as log:
        kept = await everything(log)

    assert (restored, kept) == (early, late)


async def test_a_log_whose_write_ahead_file_was_removed_keeps_all(path: Path) -> None:
    """What was written ahead is brought home when the log is closed in order."""
    written: list[Stored] = []
    async with sqlite_log(path) as log:
        written += await fill(log, 3)
        removed("-wal")(path)
        await refusal(log)
    async with sqlite_log(path) as log:
        assert written == await everything(log)
