"""A SQLite log can be copy_online with SQLite's own means while it is open, and the copy be put in its place later."""

import asyncio
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.ports import CannotOpenLog, LogChanged
from chatr.testing.contract.steps import append_many, read_all, read_tail


def copy_online(path: Path, copy: Path) -> None:
    """Copy the file with SQLite's backup API."""
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as target:
        db.backup(target, pages=1)


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


@contextmanager
def full_disk() -> Iterator[None]:
    """Let every write to a file fail during the block."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_stopped_log_is_read_on_a_full_disk(path: Path) -> None:
    """A reader needs no room for a -shm file."""
    async with sqlite_log(path) as log:
        await append_many(log, 3)
    with full_disk():
        async with sqlite_reader(path) as reader:
            assert await reader.head() == 3


async def test_a_disk_that_is_full_from_the_beginning(path: Path, tmp_path: Path) -> None:
    """The error says that the copy failed, and nothing of it is left."""
    target = tmp_path / "backups" / "copy.db"
    target.parent.mkdir()
    async with sqlite_log(path) as log:
        await append_many(log, 3)
        with full_disk(), pytest.raises(CannotOpenLog, match="cannot be copied"):
            await backup(path, target, lambda _: None)

    assert [each.name for each in target.parent.iterdir() if each != target] == []


async def test_a_disk_without_shared_memory(path: Path, tmp_path: Path) -> None:
    """A backup can be written where SQLite may have no -shm file, as on many network disks and FUSE."""
    target = tmp_path / "copy.db"
    beside(target, "-shm").symlink_to("/nowhere/at/all")
    async with sqlite_log(path) as log:
        await append_many(log, 3)

        assert await backup(path, target, lambda _: None) == 3
    async with sqlite_reader(target) as copy:
        assert await copy.head() == 3
