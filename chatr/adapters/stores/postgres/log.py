"""An event log in PostgreSQL, for any number of nodes.

Appends are ordered by an advisory lock, which is held to the end of each transaction: a position is max(position) + 1,
read behind that lock, in a statement of its own under READ COMMITTED. The primary key guarantees it. Not used: a table
lock (VACUUM would wait for it), a sequence (it leaves holes), and xmin (transactions in other databases of the server
would stop the tail).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.resources.abc import Traversable

import psycopg

from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend, fail_all
from chatr.adapters.stores.postgres.commit import Outcome, insert_group
from chatr.adapters.stores.postgres.reader import PostgresReader, postgres_reader
from chatr.adapters.stores.postgres.server import prepare
from chatr.adapters.stores.postgres.session import (
    DEFAULT_TIMEOUTS,
    Connection,
    PostgresTimeouts,
    Session,
    connect,
    disconnect_if_cancelled,
)
from chatr.ports import Conflict, Draft, LogChanged, LogUnavailable, OutcomeUnknown, Stored

__all__ = ["PostgresLog", "postgres_log", "postgres_reader"]


@asynccontextmanager
async def postgres_log(
    url: str, timeouts: PostgresTimeouts = DEFAULT_TIMEOUTS, *, migrations: Traversable | None = None
) -> AsyncIterator["PostgresLog"]:
    """Open the log in the database at `url`, which is created and migrated if needed. Raises CannotOpenLog.

    `migrations` is a folder to take instead of chatr's own.
    """
    await prepare(url, timeouts, migrations)
    log = PostgresLog(url, timeouts)
    try:
        yield log
    finally:
        await log.close()


class PostgresLog(PostgresReader):
    """Fulfils `chatr.ports.EventLog`. One task appends for all callers; another one listens for notifications."""

    def __init__(self, url: str, timeouts: PostgresTimeouts) -> None:
        super().__init__(url, timeouts)
        self._url = url
        self._writer = Session(url, timeouts)
        self._commit_sent = False
        self._group = GroupCommit(self._commit)
        self._listener = asyncio.create_task(self._listen(), name="postgres notifications")

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`.

        The log must also still hold the last record that a tail has yielded, or it is not the log that was followed.
        Returns after the commit, whose durability is that of the server's `synchronous_commit`. Raises Conflict,
        LogUnavailable or OutcomeUnknown, and ValueError for a null character.
        """
        # Rejected before it joins a group: PostgreSQL cannot store a null character, and would fail the whole group.
        if "\0" in draft.stream + draft.data:
            raise ValueError("PostgreSQL stores no null characters")
        return await self._group.append(draft, expected, after=self._followed)

    async def _commit(self, waiting: Sequence[PendingAppend]) -> None:
        """Try until every draft is stored, conflicts, or is too old to be tried again."""
        # After a lost response the next try looks for the records of the last one while it holds the lock. Without the
        # lock it could miss them: the server may still be about to commit.
        error: LogUnavailable | OutcomeUnknown = LogUnavailable("too many records wait to be stored")
        while group := self._fail_expired(waiting, error):
            self._commit_sent = False
            try:
                resolve(await self._writer.run(partial(self._insert_and_commit, group)))
            except LogUnavailable as unavailable:
                # If the outcome of any try is unknown, so is that of the append.
                unknown = self._commit_sent or isinstance(error, OutcomeUnknown)
                waiting, error = group, OutcomeUnknown(str(unavailable)) if unknown else unavailable
                await asyncio.sleep(self._timeouts.retry_pause)
            except LogChanged as change:
                fail_all(group, LogUnavailable(str(change)))
                # The reader's connection may still lead to the old server. It sees the change after it has reconnected.
                await self._reader.reconnect()
            self._wake_tails()

    async def _insert_and_commit(self, group: Sequence[PendingAppend], db: Connection) -> list[Outcome]:
        outcomes = await insert_group(db, group)
        self._commit_sent = True
        await db.commit()
        return outcomes

    def _fail_expired(
        self, waiting: Sequence[PendingAppend], error: LogUnavailable | OutcomeUnknown
    ) -> list[PendingAppend]:
        """Fail the appends that are too old for another try with `error`; return those that have no result yet."""
        oldest = asyncio.get_running_loop().time() - self._timeouts.retry_append
        fail_all([pending for pending in waiting if pending.created_at < oldest], error)
        return [pending for pending in waiting if not pending.stored.done()]

    async def _listen(self) -> None:
        """Wake the tails whenever a node has appended, for as long as the log is open."""
        while True:
            with suppress(psycopg.Error, OSError):
                async with await connect(self._url, self._timeouts) as db:
                    async with asyncio.timeout(self._timeouts.operation):
                        await disconnect_if_cancelled(db, db.execute("listen chatr_log"))
                    # Notifications that were sent before this session listened are lost.
                    self._wake_tails()
                    async for _ in db.notifies():
                        self._wake_tails()
            await asyncio.sleep(self._timeouts.retry_pause)

    async def close(self) -> None:
        """Commit what waits, and close all connections: from now on everything raises LogUnavailable."""
        self._listener.cancel()
        await self._group.close()
        await asyncio.wait([self._listener])
        await self._writer.close()
        await super().close()


def resolve(outcomes: Sequence[Outcome]) -> None:
    """Return to each caller its stored record, or raise its Conflict."""
    for outcome in outcomes:
        if isinstance(outcome.result, Conflict):
            outcome.pending.fail(outcome.result)
        else:
            outcome.pending.succeed(outcome.result)
