"""Connections to the file of a SQLite log: opened, made durable, and brought up to date."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, TypeVar

import aiosqlite

from chatr.adapters.stores.migrations import pending_migrations
from chatr.adapters.stores.sqlite.erasing import empty_write_ahead_file, set_up
from chatr.adapters.stores.sqlite.faults import NotLog
from chatr.adapters.stores.sqlite.readable import BUSY_TIMEOUT, read_only_address
from chatr.ports import CannotOpenLog
from chatr.regular_file import check_regular

T = TypeVar("T")
Factory = type[sqlite3.Connection]
"""The class of the connections, another one for tests."""

LARGEST_IDLE_WAL: Final = 4 * 1024 * 1024
"""Bytes to which SQLite cuts the -wal file when it begins it anew: as much as it writes between two checkpoints."""


@asynccontextmanager
async def opened(connection: aiosqlite.Connection) -> AsyncIterator[aiosqlite.Connection]:
    """Open a connection, and close it at the end of the block, also where the opening is cancelled."""
    # aiosqlite leaves the thread of a connection whose opening was cancelled alone: it would end after the event loop.
    opening = asyncio.ensure_future(connection)
    try:
        await asyncio.shield(opening)
        yield connection
    finally:
        await opening
        await connection.close()


def writer(path: Path, factory: Factory = sqlite3.Connection) -> AbstractAsyncContextManager[aiosqlite.Connection]:
    """Return the connection that writes, which opens when it is entered."""
    # A deferred transaction that reads before it writes fails with SQLITE_BUSY, without waiting for a lock.
    return opened(aiosqlite.connect(path, isolation_level="IMMEDIATE", factory=factory, timeout=BUSY_TIMEOUT))


def reader(path: Path, factory: Factory = sqlite3.Connection) -> AbstractAsyncContextManager[aiosqlite.Connection]:
    """Return a connection that can only read, which opens when it is entered.

    Raises sqlite3.Error or OSError.
    """
    check_regular(path)
    return reader_at(read_only_address(path), factory)


def reader_at(address: str, factory: Factory = sqlite3.Connection) -> AbstractAsyncContextManager[aiosqlite.Connection]:
    """Return a connection to the database at a URI, which opens when it is entered. Raises sqlite3.Error."""
    check_is_database(address)
    return opened(aiosqlite.connect(address, uri=True, factory=factory, timeout=BUSY_TIMEOUT))


def check_is_database(address: str) -> None:
    """Raise sqlite3.Error if the file is no database, or that of another program, or cannot be opened."""
    # Before aiosqlite does: the thread that it starts for a connection would outlive the error.
    with closing(sqlite3.connect(address, uri=address.startswith("file:"), timeout=BUSY_TIMEOUT)) as db:
        check_no_other_database(db)


def create_if_missing(path: Path) -> None:
    """Create the log's file, for its owner only, or check that it is a database. Raises OSError or sqlite3.Error."""
    # SQLite gives its -wal and -shm files the mode of the main file.
    path.touch(mode=0o600)
    check_is_database(str(path))


def check_no_other_database(db: sqlite3.Connection) -> None:
    """Raise NotLog if there are tables, but not those of a log. Raises sqlite3.Error."""
    ((version,),) = db.execute("pragma user_version")
    kinds = dict(db.execute("select name, type from sqlite_master").fetchall())
    # Migrations raise the version with the first table.
    if kinds and (version < 1 or kinds.get("log") != "table"):
        raise NotLog("it is a database of another program")


async def run_in_thread(db: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` in the connection's own thread, and return its result."""
    # Several statements in one call: each switch to the thread and back costs as much as to store a record. aiosqlite
    # does this in its own methods but has no public name for it; pyproject.toml holds its version.
    execute: Callable[..., Awaitable[T]] = db._execute  # noqa: SLF001 -- see above
    return await execute(lambda: work(db._conn))  # noqa: SLF001 -- see above


async def prepare(db: aiosqlite.Connection, migrations: Traversable | None = None) -> None:
    """Make commits on the writing connection durable, and run the scripts that are missing, one transaction each.

    Raises CannotOpenLog or sqlite3.Error.
    """
    ((mode,),) = await db.execute_fetchall("pragma journal_mode = wal")
    if mode != "wal":
        raise CannotOpenLog(
            f"The log's file system cannot do write-ahead logging ({mode}): keep the log on a local disk."
        )
    # The default is NORMAL in some builds of SQLite, and then a power failure may lose the last commits.
    await db.execute("pragma synchronous = full")
    # Before the first record is written.
    await run_in_thread(db, set_up_files)
    # Flushes what a killed process wrote last: a checkpoint may soon name these records, and must not be ahead of the
    # log after a power failure. If that process had erased records, their texts may still be in the -wal file.
    await run_in_thread(db, empty_write_ahead_file)
    for number, script in await missing_scripts(db, migrations):
        await db.execute("begin immediate")
        try:
            for statement in split_statements(script):
                await db.execute(statement)
            # The version is rolled back with the statements if one of them fails.
            await db.execute(f"pragma user_version = {number}")
        except sqlite3.Error:
            await db.rollback()
            raise
        await db.commit()


def set_up_files(db: sqlite3.Connection) -> None:
    """Have SQLite overwrite what it deletes, and shorten its -wal file. Raises sqlite3.Error."""
    set_up(db)
    # Else the -wal file stays as large as it became while somebody read for long, as a backup does.
    db.execute(f"pragma journal_size_limit = {LARGEST_IDLE_WAL}").fetchall()


async def missing_scripts(db: aiosqlite.Connection, migrations: Traversable | None = None) -> list[tuple[int, str]]:
    """Return number and text of the scripts that this file still needs. Raises SchemaTooNew or sqlite3.Error."""
    ((version,),) = await db.execute_fetchall("pragma user_version")
    return list(pending_migrations("sqlite", version, migrations))


def split_statements(script: str) -> Iterator[str]:
    """Yield the statements of a script, in which no two statements share a line."""
    # sqlite3's executescript() would commit the transaction before it begins.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
