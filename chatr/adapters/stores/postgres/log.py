"""An event log in PostgreSQL, for any number of nodes.

Appends are ordered by an advisory lock, which is held to the end of each transaction: a position is max(position) + 1,
read behind that lock, in a statement of its own under READ COMMITTED. The primary key guarantees it. Not used: a table
lock (VACUUM would wait for it), a sequence (it leaves holes), and xmin (transactions in other databases of the server
would stop the tail).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.resources.abc import Traversable

import psycopg
from psycopg.errors import CheckViolation, ProgramLimitExceeded, RaiseException

from chatr.adapters.stores import erasing, restoring
from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend, UnstorableDraft, fail_all
from chatr.adapters.stores.postgres.clock import MEASURING_INTERVAL, PostgresClock
from chatr.adapters.stores.postgres.commit import Committed, commit_group, independent, nothing_was_stored
from chatr.adapters.stores.postgres.erasing import erase_texts, rewrite_table
from chatr.adapters.stores.postgres.reader import OwnCommit, PostgresReader, postgres_reader
from chatr.adapters.stores.postgres.restoring import insert_verbatim
from chatr.adapters.stores.postgres.server import check_schema_is_current, prepare, transaction
from chatr.adapters.stores.postgres.session import (
    DEFAULT_TIMEOUTS,
    Connection,
    PostgresTimeouts,
    Session,
    connect,
    disconnect_if_cancelled,
)
from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, LogChanged, LogUnavailable, OutcomeUnknown, Stored

UNSTORABLE = (psycopg.DataError, ProgramLimitExceeded, CheckViolation, RaiseException, UnicodeError)
"""Errors that are about the content of a draft: a value out of range, a text that cannot be encoded or is too long for
an index, or what a constraint or trigger of the operator rejects.
"""

__all__ = ["PostgresLog", "check_schema_is_current", "postgres_log", "postgres_reader"]


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
        # Before the first decision, which takes its time from there.
        async with transaction(url, timeouts) as db:
            await log.clock.measure(db)
        yield log
    finally:
        await log.close()


class PostgresLog(PostgresReader):
    """Implements `chatr.ports.EventLog`. One task appends for all callers; another one listens for notifications.

    `clock` is that of the server, for all nodes.
    """

    def __init__(self, url: str, timeouts: PostgresTimeouts) -> None:
        super().__init__(url, timeouts)
        self.clock = PostgresClock()
        self._url = url
        self._writer = Session(url, timeouts)
        self._commit_sent = False
        self._own_session = 0
        """The server's process that made the last commit of this node."""
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
        while group := independent(waiting):
            await self._commit_independent(group)
            waiting = waiting[len(group) :]

    async def _commit_independent(self, waiting: Sequence[PendingAppend]) -> None:
        """Commit drafts of which none expects another one. Raises UnstorableDraft."""
        # After a lost response the next try looks for the records of the last one while it holds the lock. Without the
        # lock it could miss them: the server may still be about to commit.
        error: LogUnavailable | OutcomeUnknown = LogUnavailable("too many records wait to be stored")
        while group := self._fail_expired(waiting, error):
            self._commit_sent = False
            try:
                committed = await self._writer.run(partial(self._send_group, group))
                # In the same loop iteration: the tails find the records when they wake, without another round trip.
                self._own_commit = OwnCommit(committed.head, resolve(group, committed))
            except LogUnavailable as unavailable:
                self._commit_sent = self._commit_sent and not nothing_was_stored(unavailable.__cause__)
                if isinstance(unavailable.__cause__, UNSTORABLE) and not isinstance(error, OutcomeUnknown):
                    raise UnstorableDraft(str(unavailable)) from unavailable
                # If the outcome of any try is unknown, so is that of the append.
                unknown = self._commit_sent or isinstance(error, OutcomeUnknown)
                waiting, error = group, OutcomeUnknown(str(unavailable)) if unknown else unavailable
                await asyncio.sleep(self._timeouts.retry_pause)
            except LogChanged as change:
                fail_all(group, LogUnavailable(str(change)))
                # The reader's connection may still lead to the old server. It sees the change after it has reconnected.
                await self._reader.reconnect()
            self._wake_tails()

    async def _send_group(self, group: Sequence[PendingAppend], db: Connection) -> Committed:
        self._commit_sent, sent_at = True, self.clock.elapsed()
        committed = await commit_group(db, group)
        self._own_session = db.info.backend_pid
        self.clock.correct(sent_at, committed.server_time, self.clock.elapsed())
        return committed

    def _fail_expired(
        self, waiting: Sequence[PendingAppend], error: LogUnavailable | OutcomeUnknown
    ) -> list[PendingAppend]:
        """Fail the appends that are too old for another try with `error`; return those that have no result yet."""
        oldest = asyncio.get_running_loop().time() - self._timeouts.retry_append
        fail_all([pending for pending in waiting if pending.created_at < oldest], error)
        return [pending for pending in waiting if not pending.stored.done()]

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:  # noqa: ARG002 -- no waits
        """Empty `data` of the records at `positions`: from then on no query returns it. Raises LogUnavailable.

        Its bytes stay in the table's files until `rewrite`, or until PostgreSQL uses their space again.
        """
        followed = self._followed
        for group in erasing.groups_of(positions):
            await self._group.run(partial(self._erase_texts, group, followed))

    async def _erase_texts(self, positions: list[int], followed: Cursor | None) -> None:
        await self._writer.run(partial(erase_texts, positions, followed))
        # A tail that has not taken these records reads them instead; one that waits lets go of what it has taken.
        self._own_commit = None
        self._wake_tails()

    async def restore(self, records: Sequence[Stored]) -> None:
        """Append `records` as they are, except those that are there. Raises Conflict or LogUnavailable."""
        for group in restoring.groups_of(records):
            await self._group.run(partial(self._writer.run, partial(insert_verbatim, group)))
            self._wake_tails()

    async def rewrite(self) -> None:
        """Write the table anew, so that its files hold no byte of an erased text. Nobody can use the log meanwhile.

        Needs as much free space as the table. Raises LogUnavailable.
        """
        await rewrite_table(self._url, self._timeouts)

    async def _listen(self) -> None:
        """Wake the tails whenever a node has appended, for as long as the log is open."""
        while True:
            with suppress(psycopg.Error, OSError):
                async with await connect(self._url, self._timeouts) as db:
                    # After each reconnection: the server may be another one, with another clock.
                    await self._measure_clock(db)
                    async with asyncio.timeout(self._timeouts.operation):
                        await disconnect_if_cancelled(db, db.execute("listen chatr_log"))
                    # Notifications that were sent before this session listened are lost.
                    self._wake_tails()
                    await self._wake_tails_when_notified(db)
            await asyncio.sleep(self._timeouts.retry_pause)

    async def _wake_tails_when_notified(self, db: Connection) -> None:
        """Wake the tails, and measure the clock every ten seconds, until the connection breaks."""
        loop = asyncio.get_running_loop()
        while True:
            measure_at = loop.time() + MEASURING_INTERVAL
            while (remaining := measure_at - loop.time()) > 0:
                async for notification in db.notifies(timeout=remaining, stop_after=1):
                    # A commit of this node wakes the tails itself.
                    if notification.pid != self._own_session:
                        self._wake_tails()
            await self._measure_clock(db)
            # Notifications that arrived meanwhile may have been discarded.
            self._wake_tails()

    async def _measure_clock(self, db: Connection) -> None:
        async with asyncio.timeout(MEASURING_INTERVAL):
            await disconnect_if_cancelled(db, self.clock.measure(db))

    async def close(self) -> None:
        """Commit what waits, and close all connections: from now on everything raises LogUnavailable."""
        self._listener.cancel()
        await self._group.close()
        await asyncio.wait([self._listener])
        await self._writer.close()
        await super().close()


def resolve(group: Sequence[PendingAppend], committed: Committed) -> list[Stored]:
    """Return to each caller its stored record, or raise its Conflict. Returns the records that are new in the log."""
    head, new = committed.head.position if committed.head else 0, dict[int, Stored]()
    for pending, (position, record_hash) in zip(group, committed.successors, strict=True):
        # The hash tells whether the record that follows `expected` is this draft, stored now or by an earlier try.
        if position is not None and record_hash == pending.record_hash:
            stored = pending.succeed(position)
            if position > head:
                new[position] = stored
        else:
            pending.fail(Conflict(position))
    # The same draft may be in the group twice.
    return list(new.values())
