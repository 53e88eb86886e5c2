"""Reads a SQLite log without changing or creating files, while its server may start and stop.

If no server has the log open, even a read-only connection creates the -wal and -shm files, and needs them as long as
it is open. So the way to open the file depends on whether a server has it open. It is opened again when that changes,
or when the file is replaced.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog
from attrs import frozen

from chatr.adapters.stores.sqlite.descriptors import open_beside_sqlite
from chatr.adapters.stores.sqlite.faults import damaged
from chatr.adapters.stores.sqlite.files import beside, side_file_size, stat_or_none
from chatr.adapters.stores.sqlite.readable import (
    Readable,
    check_unchanged,
    copied,
    identity,
    read_only_address,
    try_to_read,
)
from chatr.adapters.stores.sqlite.reader import BATCH, POLL_INTERVAL, SqliteReader, sqlite_reader
from chatr.domain.events import Cursor
from chatr.ports import CannotOpenLog, LogChanged, LogDamaged, LogUnavailable, Stored
from chatr.regular_file import check_regular

T = TypeVar("T")

ATTEMPTS: Final = 3
"""How often a read is tried if each time a server opens the file, or the file is replaced."""

logger = structlog.get_logger()


class Access(Enum):
    """How a log can be read without a change to its files."""

    WITH_SERVER = auto()
    """Through the -wal and -shm files of a server that is running or was killed. New records become visible."""
    IMMUTABLE = auto()
    """With `immutable=1`, because no process writes to the file. SQLite takes no lock and opens no other file."""
    COPIED = auto()
    """From a copy, because there are records in a -wal file without its -shm file."""


REASONS: Final = {
    Access.COPIED: "it has a -wal file without a -shm file, which SQLite would create beside it",
    Access.WITH_SERVER: "its -shm file cannot be read by this user, or on this disk",
}
"""Why a log is read from a copy, for the log lines of operators."""


@frozen
class FileState:
    """How the files of a log can be read, and the identity of its main file, which changes when it is replaced.

    If the file is read as immutable, each write to it changes the identity, too.
    """

    access: Access
    identity: tuple[int, ...] | None

    @property
    def inode(self) -> int | None:
        """The inode of the log's file, None if there is none."""
        return self.identity[0] if self.identity else None

    @classmethod
    def of(cls, path: Path) -> "FileState":
        """Return the state of the log at `path`."""
        status = stat_or_none(path)
        if stat_or_none(beside(path, "-wal")) and stat_or_none(beside(path, "-shm")):
            return cls(Access.WITH_SERVER, status and (status.st_ino,))
        if side_file_size(path, "-wal"):
            return cls(Access.COPIED, status and (status.st_ino,))
        return cls(Access.IMMUTABLE, identity(path))


@contextmanager
def unchanged_database(path: Path) -> Iterator[Readable]:
    """Yield the URI at which SQLite can read the log at `path` now, without changing its files.

    Raises CannotOpenLog, sqlite3.Error or OSError.
    """
    check_regular(path)
    with open_beside_sqlite(path):
        before = identity(path)
        access = FileState.of(path).access
        if access is Access.IMMUTABLE:
            yield Readable(f"{read_only_address(path)}&immutable=1", partial(check_unchanged, path, before))
            return
        address = f"{read_only_address(path)}&readonly_shm=1"
        if access is Access.WITH_SERVER and can_be_read(address):
            yield Readable(address)
            return
        with copied(path, REASONS[access]) as copy:
            yield copy


def can_be_read(address: str) -> bool:
    """Return whether this user may read a database together with its -shm file. Raises other errors of SQLite."""
    try:
        try_to_read(address)
    except sqlite3.OperationalError:
        return False
    return True


@asynccontextmanager
async def reopening_reader(
    path: Path, *, poll_interval: float = POLL_INTERVAL, is_replaceable: bool = True
) -> AsyncIterator["ReopeningReader"]:
    """Open the log in the file at `path` for reading, whether a server writes to it or not. Raises CannotOpenLog.

    Unless it `is_replaceable`, nothing more can be read when another file has taken its place.
    """
    reader = ReopeningReader(path, poll_interval, is_replaceable=is_replaceable)
    await reader.open()
    try:
        yield reader
    finally:
        await reader.close()


@frozen
class OpenFile:
    """An open file: its reader, the exit stack that closes it, and the state in which it was opened."""

    reader: SqliteReader
    exit_stack: AsyncExitStack
    state: FileState


class ReopeningReader:
    """Reads a log whose server may start or stop, or whose file is replaced. Implements `chatr.ports.LogReader`."""

    def __init__(self, path: Path, poll_interval: float, *, is_replaceable: bool) -> None:
        self._path = path
        self._poll_interval = poll_interval
        self._is_replaceable = is_replaceable
        self._first_inode: int | None = None
        self._open_file: OpenFile | None = None
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Open the file with the access that its state allows. Raises CannotOpenLog."""
        # Determined before the file is opened, so that the next read notices a change during the opening.
        state = FileState.of(self._path)
        self._first_inode = self._first_inode or state.inode
        async with AsyncExitStack() as stack:
            context = sqlite_reader(self._path, poll_interval=self._poll_interval, readable=unchanged_database)
            reader = await stack.enter_async_context(context)
            self._open_file = OpenFile(reader, stack.pop_all(), state)

    async def close(self) -> None:
        """Close the file."""
        opened, self._open_file = self._open_file, None
        if opened is not None:
            await opened.exit_stack.aclose()

    async def _current(self) -> OpenFile:
        """Return the open file, opened again if it was closed or has changed. Raises LogUnavailable."""
        async with self._lock:
            state = FileState.of(self._path)
            if not self._is_replaceable and state.inode not in (None, self._first_inode):
                # A command that goes on would print the beginning of one log and the end of another.
                raise LogDamaged(f"Another file took the place of the log at {self._path}: run the command again.")
            if self._open_file is None or self._open_file.state != state:
                await self.close()
                try:
                    await self.open()
                except CannotOpenLog as error:
                    raise LogUnavailable(str(error)) from error
            assert self._open_file is not None
            return self._open_file

    async def _read(self, work: Callable[[SqliteReader], Awaitable[T]]) -> T:
        """Return what `work` reads from the file. If the file changed meanwhile, `work` is called again.

        Raises LogUnavailable.
        """
        for _ in range(ATTEMPTS):
            opened = await self._current()
            try:
                result = await work(opened.reader)
            except LogUnavailable:
                # If the file has changed, another task may have closed the connection: that is not an error.
                if opened is self._open_file and opened.state == FileState.of(self._path):
                    raise
            else:
                # An immutable file may have been written to between two parts of this read.
                if opened.state == FileState.of(self._path):
                    return result
        raise LogUnavailable(
            f"the log at {self._path} was opened by a server or replaced during each of {ATTEMPTS} attempts"
        )

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`. Raises LogUnavailable."""
        return await self._read(lambda reader: reader.read(after, limit))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order. Raises RecordMissing or LogUnavailable."""
        return await self._read(lambda reader: reader.pick(positions))

    async def head(self) -> int:
        """Return the last position, 0 if the log is empty. Raises LogUnavailable."""
        return await self._read(lambda reader: reader.head())

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield every record after `after`, in batches, without end. Waits while the file is unreadable.

        Raises LogChanged or LogDamaged.
        """
        cursor = after
        while True:
            if batch := await self._read_after(cursor):
                cursor = batch[-1].cursor
                yield batch
            else:
                await asyncio.sleep(self._poll_interval)

    async def _read_after(self, cursor: Cursor | None) -> list[Stored]:
        """Return the records after `cursor`, at most a batch. Raises LogChanged or LogDamaged."""
        position = cursor.position if cursor else 0
        try:
            # The record at the cursor is read again, to check that it is still there: the file may have been replaced.
            records = await self.read(max(position - 1, 0), BATCH + 1)
        except LogDamaged:
            raise
        except LogUnavailable:
            return []
        if cursor and [stored.cursor for stored in records[:1]] != [cursor]:
            raise LogChanged(f"The log does not hold {cursor}.")
        batch = records[1:] if cursor else records
        for expected, stored in enumerate(batch, position + 1):
            if stored.position != expected:
                raise damaged(self._path, f"record {expected} is missing")
        return batch
