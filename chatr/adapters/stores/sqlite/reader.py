"""Reads a log in one SQLite file, also while another process writes to it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import aiosqlite
import structlog

from chatr.adapters.stores.sqlite import connection
from chatr.adapters.stores.sqlite.faults import damaged, errors_as_cannot_open, errors_as_unavailable
from chatr.adapters.stores.sqlite.files import beside, stat_or_none
from chatr.adapters.stores.sqlite.form import SELECT, check_not_cut_off, check_readable, is_in_wal_mode
from chatr.adapters.stores.sqlite.lock import has_writer, why_not_alone
from chatr.adapters.stores.sqlite.readable import Readable, readable_database
from chatr.domain.events import Cursor
from chatr.ports import CannotOpenLog, LogChanged, LogDamaged, LogUnavailable, RecordMissing, Stored

BATCH: Final = 1_000
"""The most records in one batch of a tail."""
POLL_INTERVAL: Final = 0.25
"""Seconds between two polls of a file that another process writes, or that cannot be read at the moment."""

PATIENCE: Final = 2.0
"""Seconds until a server that is starting or stopping has its -wal file. It holds the lock before and after."""

logger = structlog.get_logger()


@asynccontextmanager
async def sqlite_reader(
    path: Path | str,
    *,
    poll_interval: float = POLL_INTERVAL,
    readable: Callable[[Path], AbstractContextManager[Readable]] = readable_database,
) -> AsyncIterator["SqliteReader"]:
    """Open the log in the file at `path` for reading only, beside a process that may write to it.

    `readable` says where SQLite can read it. Raises CannotOpenLog.
    """
    path = Path(path)
    async with AsyncExitStack() as stack:
        with errors_as_cannot_open(path):
            check_not_cut_off(path)
            await check_not_written_elsewhere(path)
            database = stack.enter_context(readable(path))
            db = await stack.enter_async_context(connection.reader_at(database.address))
            # Raises if a newer chatr has migrated the log.
            await connection.missing_scripts(db)
            await connection.run_in_thread(db, check_readable)
            await last_position(db)
            database.when_open()
        yield SqliteReader(db, path, poll_interval, database.check)


async def check_not_written_elsewhere(path: Path) -> None:
    """Raise CannotOpenLog if another process writes to the file, but its newest records are not beside `path`."""
    waited = 0.0
    while stat_or_none(beside(path, "-wal")) is None and has_writer(path):
        if waited >= PATIENCE:
            raise CannotOpenLog(
                f"The log at {path} cannot be read: a server writes to it under another name, beside which are its "
                "newest records. Give that name, and in a container mount the folder."
            )
        await asyncio.sleep(POLL_INTERVAL)
        waited += POLL_INTERVAL
    if stat_or_none(beside(path, "-wal")) is None and is_in_wal_mode(path) and (reason := why_not_alone(path)):
        # Complete if it was closed in order. If its writer was killed, there is a -wal file beside the other name.
        logger.warning("records_may_be_missing", log=str(path), reason=reason)


async def last_position(reader: aiosqlite.Connection) -> int:
    """Return the last position in the log, 0 if it is empty. Raises sqlite3.Error."""
    ((position,),) = await reader.execute_fetchall("select coalesce(max(position), 0) from log")
    return int(position)


def lenient_text(stored: bytes) -> str:
    """Decode a text of the file. Bytes that are no UTF-8 become lone surrogates, which no valid text has."""
    return stored.decode("utf-8", "surrogateescape")


class SqliteReader:
    """Reads a log that another connection writes, and polls for new records. Implements `chatr.ports.LogReader`."""

    def __init__(
        self,
        db: aiosqlite.Connection,
        path: Path,
        poll_interval: float = POLL_INTERVAL,
        check_after_read: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = db
        self._check_after_read = check_after_read
        self._path = path
        self._poll_interval = poll_interval

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`. Raises LogUnavailable."""
        return await self._select("where position > ? order by position limit ?", (after, limit))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order. Raises RecordMissing or LogUnavailable."""
        placeholders = ",".join("?" * len(positions))
        rows = await self._select(f"where position in ({placeholders})", positions)
        by_position = {stored.position: stored for stored in rows}
        # Records are missing only if the open file was overwritten with an older copy.
        if not by_position.keys() >= set(positions):
            raise RecordMissing("the log does not hold these records any longer")
        return [by_position[position] for position in positions]

    async def _select(self, condition: str, parameters: Sequence[int]) -> list[Stored]:
        with errors_as_unavailable(self._path):
            try:
                rows = await self._connection.execute_fetchall(SELECT + condition, parameters)
            except sqlite3.OperationalError as error:
                if "decode to UTF-8" not in str(error):
                    raise
                # The error does not say in which record. From now on such a text is returned, and its reader says it.
                self._connection.text_factory = lenient_text
                rows = await self._connection.execute_fetchall(SELECT + condition, parameters)
            self._check_after_read()
            return [Stored(*row) for row in rows]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield every record after `after`, in batches, without end. Waits while the file is unreadable.

        Raises LogChanged or LogDamaged.
        """
        position = after.position if after else 0
        if after and [stored.cursor for stored in await self._read_when_available(position - 1, 1)] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while True:
            # Taken before reading, so that a record that is appended between the read and the wait is not missed.
            wait_for_more = self._next_change()
            if batch := await self._read_when_available(position, BATCH):
                self._check_complete(batch, position)
                position = batch[-1].position
                yield batch
            else:
                await wait_for_more()

    def _check_complete(self, batch: Sequence[Stored], after: int) -> None:
        """Raise LogDamaged if one of the records after position `after` is missing."""
        if batch[-1].position != after + len(batch):
            missing = next(expected for expected, stored in enumerate(batch, after + 1) if stored.position != expected)
            raise damaged(self._path, f"record {missing} is missing")

    async def _read_when_available(self, after: int, limit: int) -> list[Stored]:
        """Read as `read` does, again and again until the file is readable. Raises LogDamaged."""
        while True:
            try:
                return await self.read(after, limit)
            except LogDamaged:
                raise
            except LogUnavailable:
                await asyncio.sleep(self._poll_interval)

    def _next_change(self) -> Callable[[], Awaitable[object]]:
        """Return what to await until there may be more records than at the moment of this call."""
        return partial(asyncio.sleep, self._poll_interval)

    async def head(self) -> int:
        """Return the last position, 0 if the log is empty. Raises LogUnavailable."""
        with errors_as_unavailable(self._path):
            position = await last_position(self._connection)
            self._check_after_read()
            return position
