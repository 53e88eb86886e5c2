"""Copies a SQLite log to a new file while another process writes to it."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Final

import aiosqlite

from chatr.adapters.stores.sqlite import connection
from chatr.adapters.stores.sqlite.faults import errors_as_cannot_open
from chatr.adapters.stores.sqlite.reopening import unchanged_database
from chatr.past.replay import Progress
from chatr.ports import CannotOpenLog

PAGES_PER_STEP: Final = 1_000
"""Database pages that are copied between two reports of progress, and until a cancellation is noticed."""


async def backup(source: Path, target: Path, progress: Progress) -> int:
    """Copy the log in `source`, as it is now, to the file `target`; return the last position that it contains.

    `progress` is called with positions on the way. Raises CannotOpenLog or LogDamaged.
    """
    async with AsyncExitStack() as stack:
        stack.callback(remove_side_files, target)
        copy = stack.enter_context(closing(sqlite3.connect(target, check_same_thread=False)))
        with errors_as_cannot_open(source):
            readable = stack.enter_context(unchanged_database(source))
            reader = await stack.enter_async_context(connection.reader_at(readable.address))
            position = await begin_snapshot(reader)
            readable.when_open()
        try:
            await copy_pages(copy, reader, lambda share: progress(int(share * position)))
            # WAL mode is stored in the copied pages; in it the copy would be up to three files. Without this lock it
            # could not be left on a disk without shared memory, as many network disks and FUSE.
            copy.execute("pragma locking_mode = exclusive")
            copy.execute("pragma journal_mode = delete").fetchall()
        except sqlite3.Error as error:
            raise CannotOpenLog(f"The log at {source} cannot be copied: {error}.") from error
        readable.check()
    return position


def remove_side_files(target: Path) -> None:
    """Remove what SQLite leaves beside a database that it could not finish. Raises OSError."""
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)


async def begin_snapshot(reader: aiosqlite.Connection) -> int:
    """Begin a read transaction, which shows the log as it is now, and return its last position."""
    # Without a transaction SQLite starts the whole copy again after every commit of the writer.
    await reader.execute("begin")
    ((position,),) = await reader.execute_fetchall("select coalesce(max(position), 0) from log")
    return int(position)


async def copy_pages(copy: sqlite3.Connection, reader: aiosqlite.Connection, report: Callable[[float], object]) -> None:
    """Copy all pages into `copy`, and call `report` with the share that is done, from 0 to 1."""
    stopped = threading.Event()

    def after_step(_status: int, remaining: int, total: int) -> None:
        # Raised in SQLite's thread, which otherwise goes on copying after a cancellation, and is waited for.
        if stopped.is_set():
            raise sqlite3.OperationalError("interrupted")
        # A copy that fails at once, as on a full disk, has no pages.
        report(1 - remaining / max(total, 1))

    try:
        await reader.backup(copy, pages=PAGES_PER_STEP, progress=after_step, sleep=0)
    finally:
        stopped.set()
