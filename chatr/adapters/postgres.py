"""A log in PostgreSQL, for any number of nodes.

What orders it: an advisory lock held to the end of each transaction, and max(position) + 1 read *behind* that lock, in
a statement of its own under READ COMMITTED; the primary key makes sure. No table lock (VACUUM would wait for it), no
sequence (holes), no xmin (other databases' transactions would stall the tail).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, LiteralString

import psycopg
import structlog

from chatr.adapters.group_commit import Appending, GroupCommit, fail
from chatr.adapters.postgres_commit import Outcome, place
from chatr.adapters.postgres_server import examine, prepare
from chatr.adapters.postgres_session import PATIENCE, Connection, Patience, Session, connect, uncancelled
from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, LogChanged, Stored, Unavailable, Unknown

BATCH: Final = 1_000
SELECT: Final = 'select id, stream, type, at, seen, data, position, previous, "check" from log '

log = structlog.get_logger()


@asynccontextmanager
async def postgres_log(url: str, patience: Patience = PATIENCE) -> AsyncIterator["PostgresLog"]:
    """The log in the database at `url`, made and brought up to date where needed. Raises Unusable."""
    await prepare(url, patience)
    opened = PostgresLog(url, patience)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def postgres_reader(url: str, patience: Patience = PATIENCE) -> AsyncIterator["PostgresReader"]:
    """The log in the database at `url`, to be read only; a hot standby will do. Raises Unusable."""
    await examine(url, patience)
    reader = PostgresReader(url, patience)
    try:
        yield reader
    finally:
        await reader.close()


class PostgresReader:
    """Reads a log that others write, and looks for more now and then."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._patience = patience
        self._reader = Session(url, patience)
        self._news = asyncio.Event()
        self._followed: Cursor | None = None

    async def read(self, after: int, limit: int) -> list[Stored]:
        return await self._select("where position > %s order by position limit %s", (after, limit))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        picked = await self._select("where position = any(%s)", (list(positions),))
        found = {each.position: each for each in picked}
        if not found.keys() >= set(positions):
            raise Unavailable("the log does not hold these records any longer")
        return [found[position] for position in positions]

    async def _select(self, rest: LiteralString, parameters: Sequence[object]) -> list[Stored]:
        return [Stored(*row) for row in await self._reader.rows(SELECT + rest, parameters)]

    async def head(self) -> int:
        ((position,),) = await self._reader.rows("select coalesce(max(position), 0) from log")
        return int(position)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        cursor = after
        while True:
            self._followed, news = cursor, self._news
            if batch := await self._patiently_beyond(cursor):
                cursor = batch[-1].cursor
                yield batch
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._patience.poll):
                        await news.wait()

    async def _patiently_beyond(self, cursor: Cursor | None) -> list[Stored]:
        away = False
        while True:
            try:
                found = await self._beyond(cursor)
            except Unavailable as error:
                if not away:
                    log.warning("log_away", reason=str(error))
                away = True
                await asyncio.sleep(self._patience.pause)
            else:
                if away:
                    log.info("log_back")
                return found

    async def _beyond(self, cursor: Cursor | None) -> list[Stored]:
        """The record at the cursor is read along: another server, or an older copy, may be the one that answers."""
        if cursor is None:
            return await self.read(0, BATCH)
        found = await self.read(cursor.position - 1, BATCH + 1)
        if [each.cursor for each in found[:1]] != [cursor]:
            raise LogChanged(f"The log does not hold {cursor}.")
        return found[1:]

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def close(self) -> None:
        await self._reader.close()


class PostgresLog(PostgresReader):
    """One task of each node appends for all its callers; another listens for what other nodes append."""

    def __init__(self, url: str, patience: Patience) -> None:
        super().__init__(url, patience)
        self._url = url
        self._writer = Session(url, patience)
        self._committing = False
        self._group = GroupCommit(self._commit)
        self._listening = asyncio.create_task(self._listen(), name="postgres notifications")

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        if "\0" in draft.stream + draft.data:
            raise ValueError("PostgreSQL keeps no null characters")
        return await self._group.append(draft, expected, after=self._followed)

    async def _commit(self, waiting: Sequence[Appending]) -> None:
        """Try until all is stored or conflicts; who has waited too long is told so. A lost answer is settled by the
        next try: it finds behind the lock what the last one left there.
        """
        error: Unavailable | Unknown = Unavailable("too many records wait to be stored")
        while group := self._in_time(waiting, error):
            self._committing = False
            try:
                tell(await self._writer.ask(partial(self._store, group)))
            except Unavailable as reason:
                doubtful = self._committing or isinstance(error, Unknown)
                waiting, error = group, Unknown(str(reason)) if doubtful else reason
                await asyncio.sleep(self._patience.pause)
            except LogChanged as change:
                fail(group, Unavailable(str(change)))
                await self._reader.renew()
            self._wake()

    async def _store(self, group: Sequence[Appending], db: Connection) -> list[Outcome]:
        outcomes = await place(db, group)
        self._committing = True
        await db.commit()
        return outcomes

    def _in_time(self, waiting: Sequence[Appending], error: Unavailable | Unknown) -> list[Appending]:
        """Those of them without an answer who may wait for another try; the others are given `error`."""
        oldest = asyncio.get_running_loop().time() - self._patience.draft
        fail([each for each in waiting if each.asked_at < oldest], error)
        return [each for each in waiting if not each.stored.done()]

    async def _listen(self) -> None:
        """Hear of what other nodes append. What is said in a moment of absence is lost, so the tail looks after it."""
        while True:
            with suppress(psycopg.Error, OSError):
                async with await connect(self._url, self._patience) as db:
                    async with asyncio.timeout(self._patience.answer):
                        await uncancelled(db, db.execute("listen chatr_log"))
                    self._wake()
                    async for _ in db.notifies():
                        self._wake()
            await asyncio.sleep(self._patience.pause)

    async def close(self) -> None:
        self._listening.cancel()
        await self._group.close()
        await asyncio.wait([self._listening])
        await self._writer.close()
        await super().close()


def tell(outcomes: Sequence[Outcome]) -> None:
    for each, position, _ in outcomes:
        if isinstance(position, Conflict):
            each.fail(position)
        else:
            each.landed(position)
