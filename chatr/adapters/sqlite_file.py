"""The file of a SQLite log: made private, locked for its one writer, brought up to date."""

import fcntl
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import aiosqlite

from chatr.ports import Unavailable, Unusable
from chatr.schema import scripts


class LogInUse(Unusable):
    """Another process writes to this log."""


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Say in one sentence why the file cannot be opened."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise Unusable(f"The log at {path} cannot be opened: {error}.") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the one writer's place; what is made here is for its owner only."""
    lock_path = Path(f"{path.resolve()}.lock")
    for file in (path, lock_path):
        file.touch(mode=0o600)
    if not os.access(path, os.W_OK):  # SQLite would open it for reading, and say so at the first post
        raise Unusable(f"The log at {path} cannot be opened: this process may not write to it.")
    probe(str(path))
    with lock_path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LogInUse(f"Another process writes to {path}: stop it, or use another file.") from error
        yield


class OpenFiles:
    """What was opened, to be told from what lies there later: SQLite would go on writing to a file that is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._paths = (path, *(Path(f"{path.resolve()}{end}") for end in ("-wal", "-shm", ".lock")))
        self._opened = [each.stat() for each in self._paths]
        self._size = self._opened[0].st_size

    def moved(self) -> Path | None:
        """One of them that is no longer where it was opened."""
        for path, opened in zip(self._paths, self._opened, strict=True):
            found = status(path)
            if found is None or not os.path.samestat(opened, found):
                return path
        return None

    def check(self) -> None:
        """Raises Unavailable."""
        if moved := self.moved():
            raise Unavailable(f"{moved} was removed or replaced: put it back, or start chatr again")
        found = status(self._path)
        size = found.st_size if found else 0
        if size < self._size:
            raise Unavailable(
                f"{self._path} was cut off: stop chatr, and put a backup in the place of it and of its -wal"
            )
        self._size = size


def status(path: Path) -> os.stat_result | None:
    """None where nothing lies, or where it cannot be seen."""
    try:
        return path.stat()
    except OSError:
        return None


T = TypeVar("T")


async def at_once(db: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Do several things in one turn of the connection's thread: each way there and back costs as much as a record.

    aiosqlite does so for each of its own methods, but has no public name for it; pyproject.toml holds its version.
    """
    turn: Callable[..., Awaitable[T]] = db._execute  # noqa: SLF001 -- see above
    return await turn(lambda: work(db._conn))  # noqa: SLF001 -- see above


def writer(path: Path) -> aiosqlite.Connection:
    return aiosqlite.connect(path, isolation_level="IMMEDIATE")


def reader(path: Path) -> aiosqlite.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    probe(address)
    return aiosqlite.connect(address, uri=True)


def probe(address: str) -> None:
    """Find out what is no database before aiosqlite does: the thread it starts for that would outlive the error."""
    with closing(sqlite3.connect(address, uri=address.startswith("file:"))) as db:
        db.execute("pragma schema_version")


async def prepare(db: aiosqlite.Connection) -> None:
    """Make the writer's connection durable, and run the scripts that are missing, each in its own transaction."""
    ((mode,),) = await db.execute_fetchall("pragma journal_mode = wal")
    if mode != "wal":
        raise Unusable(f"The log's file system cannot do write-ahead logging ({mode}): keep the log on a local disk.")
    await db.execute("pragma synchronous = full")
    for number, script in await missing_scripts(db):
        await db.execute("begin immediate")
        try:
            for statement in statements(script):
                await db.execute(statement)
            await db.execute(f"pragma user_version = {number}")
        except sqlite3.Error:
            await db.rollback()
            raise
        await db.commit()


async def missing_scripts(db: aiosqlite.Connection) -> list[tuple[int, str]]:
    """What is to be run on this file. Raises SchemaTooNew."""
    ((version,),) = await db.execute_fetchall("pragma user_version")
    return list(scripts("sqlite", version))


def statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
