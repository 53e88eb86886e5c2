"""Reads a log in PostgreSQL that other connections write."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, LiteralString

import structlog
from attrs import frozen

from chatr.adapters.stores.postgres.server import check_log_exists
from chatr.adapters.stores.postgres.session import DEFAULT_TIMEOUTS, PostgresTimeouts, Session
from chatr.domain.events import Cursor
from chatr.ports import LogChanged, LogUnavailable, RecordMissing, Stored

BATCH: Final = 1_000
"""The most records in one batch of a tail."""
# The columns in the order of the fields of Stored.
SELECT: Final = 'select id, stream, type, at, seen, data, position, previous, "check" from log '

logger = structlog.get_logger()


@asynccontextmanager
async def postgres_reader(url: str, timeouts: PostgresTimeouts = DEFAULT_TIMEOUTS) -> AsyncIterator["PostgresReader"]:
    """Open the log in the database at `url` for reading only, also on a hot standby. Raises CannotOpenLog."""
    await check_log_exists(url, timeouts)
    reader = PostgresReader(url, timeouts)
    try:
        yield reader
    finally:
        await reader.close()


@frozen
class OwnCommit:
    """The records that this node has just stored, which follow `after` in the log; None = they are its first ones."""

    after: Cursor | None
    records: list[Stored]


class PostgresReader:
    """Reads a log that other connections write, and polls for new records. Implements `chatr.ports.LogReader`."""

    def __init__(self, url: str, timeouts: PostgresTimeouts) -> None:
        self._timeouts = timeouts
        self._reader = Session(url, timeouts)
        self._appended = asyncio.Event()
        self._followed: Cursor | None = None
        """The last record that a tail has yielded."""
        self._own_commit: OwnCommit | None = None

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`. Raises LogUnavailable."""
        return await self._select("where position > %s order by position limit %s", (after, limit))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order. Raises RecordMissing or LogUnavailable."""
        rows = await self._select("where position = any(%s)", (list(positions),))
        by_position = {stored.position: stored for stored in rows}
        # Records are missing only if the database was replaced by an older copy.
        if not by_position.keys() >= set(positions):
            raise RecordMissing("the log does not hold these records any longer")
        return [by_position[position] for position in positions]

    async def _select(self, condition: LiteralString, parameters: Sequence[object]) -> list[Stored]:
        return [Stored(*row) for row in await self._reader.fetch_all(SELECT + condition, parameters)]

    async def head(self) -> int:
        """Return the last position, 0 if the log is empty. Raises LogUnavailable."""
        ((position,),) = await self._reader.fetch_all("select coalesce(max(position), 0) from log")
        return int(position)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield every record after `after`, in batches, without end. Waits while the server is away.

        Raises LogChanged.
        """
        cursor = after
        # What was committed before this tail is no news: the log may have been replaced since.
        self._take_own_commit(cursor)
        while True:
            # The event is taken before reading, so that a notification between the read and the wait is not missed.
            self._followed, appended = cursor, self._appended
            own = self._take_own_commit(cursor)
            if batch := own or await self._read_when_available(cursor):
                self._followed = cursor = batch[-1].cursor
                yield batch
            if own or not batch:
                # Notifications that are sent while the listener is disconnected are lost: polling finds their records.
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._timeouts.poll_interval):
                        await appended.wait()

    def _take_own_commit(self, cursor: Cursor | None) -> list[Stored]:
        """Return the records that this node has just stored, if these follow `cursor`; none, if they were taken."""
        # They are taken once, by the first tail that looks, so that none can be yielded when they are old.
        own, self._own_commit = self._own_commit, None
        return own.records if own is not None and own.after == cursor else []

    async def _read_when_available(self, cursor: Cursor | None) -> list[Stored]:
        """Return a batch that follows `cursor`, as soon as the server responds. Logs outages and their end."""
        away = False
        while True:
            try:
                batch = await self._read_after(cursor)
            except LogUnavailable as error:
                # One line for an outage, however long it lasts.
                if not away:
                    logger.warning("log_away", reason=str(error))
                away = True
                await asyncio.sleep(self._timeouts.retry_pause)
            else:
                if away:
                    logger.info("log_back")
                return batch

    async def _read_after(self, cursor: Cursor | None) -> list[Stored]:
        """Return the records after `cursor`, at most a batch. Raises LogChanged or LogUnavailable."""
        if cursor is None:
            return await self.read(0, BATCH)
        # The record at the cursor is read again each time. Any answer may come from another server, after a fail-over
        # to a standby that had lagged, or from a restored copy, in which the same positions hold other records.
        records = await self.read(cursor.position - 1, BATCH + 1)
        if [stored.cursor for stored in records[:1]] != [cursor]:
            raise LogChanged(f"The log does not hold {cursor}.")
        return records[1:]

    def _wake_tails(self) -> None:
        self._appended.set()
        self._appended = asyncio.Event()

    async def close(self) -> None:
        """Close the connection: from now on everything raises LogUnavailable."""
        await self._reader.close()
