"""An event log in one SQLite file: write-ahead logging, group commit, and a flush to the disk at every commit.

One process writes, and a lock keeps others from it: up to SQLite 3.51.2 two connections that write or checkpoint
at the same moment can corrupt a database in WAL mode, and Debian 12 has 3.40. Other processes may read.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import aiosqlite
from attrs import evolve

from chatr.adapters.stores import erasing, restoring
from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend, UnstorableDraft, fail_all
from chatr.adapters.stores.sqlite import connection
from chatr.adapters.stores.sqlite.commit import UNSTORABLE, Successors, may_be_stored, prepared_commit
from chatr.adapters.stores.sqlite.erasing import erase_texts, remove_copies
from chatr.adapters.stores.sqlite.faults import errors_as_cannot_open, errors_as_unavailable, unavailable, when_unlocked
from chatr.adapters.stores.sqlite.files import OpenFiles, beside
from chatr.adapters.stores.sqlite.form import check_appendable, check_not_cut_off
from chatr.adapters.stores.sqlite.head import HeadFile, check_nothing_lost
from chatr.adapters.stores.sqlite.head_recorder import HeadRecorder
from chatr.adapters.stores.sqlite.idle_wal import empty_when_long
from chatr.adapters.stores.sqlite.lock import locked, removed_if_unused
from chatr.adapters.stores.sqlite.reader import POLL_INTERVAL, SqliteReader, last_position
from chatr.adapters.stores.sqlite.restoring import MAX_GROUP, insert_verbatim
from chatr.adapters.stores.sqlite.running_readers import repeat_while_read
from chatr.background_tasks import background
from chatr.ports import Conflict, Draft, LogUnavailable, OutcomeUnknown, Stored

RECENT: Final = 2_000
"""The most records in memory. Tails read the newest records there and not from the file."""


@asynccontextmanager
async def sqlite_log(
    path: Path | str,
    *,
    poll_interval: float = POLL_INTERVAL,
    accept_loss: bool = False,
    migrations: Traversable | None = None,
    factory: connection.Factory = sqlite3.Connection,
) -> AsyncIterator["SqliteLog"]:
    """Open the log in the file at `path`, which is created and migrated if needed. Raises CannotOpenLog.

    While another program locks the file, it is waited for. `accept_loss` opens a log that lost records, `migrations` is
    a folder to take instead of chatr's own, and `factory` makes SQLite's connections.
    """
    path = Path(path)
    async with AsyncExitStack() as stack:
        with errors_as_cannot_open(path), removed_if_unused(path):
            lock = stack.enter_context(locked(path))
            await when_unlocked(path, partial(asyncio.to_thread, check_files, path, accept_loss=accept_loss))
            lock.lock_file()
            writer = await stack.enter_async_context(connection.writer(path, factory))
            await when_unlocked(path, partial(connection.prepare, writer, migrations))
            await when_unlocked(path, partial(connection.run_in_thread, writer, check_appendable))
            reader = await stack.enter_async_context(connection.reader(path, factory))
            log = SqliteLog(writer, reader, path, await last_position(reader), OpenFiles(path), poll_interval)
        recorder = HeadRecorder(HeadFile(beside(path, ".head")), writer, log.last_stored)
        await stack.enter_async_context(recorder.recording())
        await stack.enter_async_context(background(empty_when_long(writer, path)))
        # Closed before the head is recorded for the last time.
        stack.push_async_callback(log.close)
        yield log


def check_files(path: Path, *, accept_loss: bool) -> None:
    """Check the log at `path` before SQLite may write to it, and create it if it is missing.

    Raises LogLostRecords, OSError or sqlite3.Error.
    """
    if path.exists() and path.stat().st_size:
        check_not_cut_off(path)
    check_nothing_lost(path, accept_loss=accept_loss)
    connection.create_if_missing(path)


class SqliteLog(SqliteReader):
    """Implements `chatr.ports.EventLog`. One task commits on `writer`; everything is read on `reader`.

    `head` is the last position in the file. Tails are served from memory and woken by appends instead of by polling.
    """

    def __init__(
        self,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        path: Path,
        head: int,
        files: OpenFiles,
        poll_interval: float = POLL_INTERVAL,
    ) -> None:
        super().__init__(reader, path, poll_interval)
        self._files = files
        self._writer = writer
        self._head = head
        self._recent: deque[Stored] = deque(maxlen=RECENT)
        self._appended = asyncio.Event()
        self._closed = False
        self._group = GroupCommit(self._commit)

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`; it is on the disk before this returns.

        Raises Conflict, LogUnavailable or OutcomeUnknown.
        """
        return await self._group.append(draft, expected)

    async def _commit(self, group: Sequence[PendingAppend]) -> None:
        """Store a group, and give each of its callers a result. Raises UnstorableDraft."""
        try:
            self._files.check()
            successors = await connection.run_in_thread(self._writer, prepared_commit(group))
        except LogUnavailable as error:
            fail_all(group, error)
            await self._checkpoint_moved_file()
        except UNSTORABLE as error:
            # The rows before the one at fault are inserted already.
            await self._writer.rollback()
            raise UnstorableDraft(str(error)) from error
        except sqlite3.Error as error:
            fail_all(group, OutcomeUnknown(str(error)) if may_be_stored(error) else unavailable(self._path, error))
            # SQLite has already rolled back after some errors, such as a full disk, and then this fails.
            with suppress(sqlite3.Error):
                await self._writer.rollback()
        else:
            self._resolve(group, successors)

    def _resolve(self, group: Sequence[PendingAppend], successors: Successors) -> None:
        """Wake the tails, then return to each caller its stored record or a Conflict."""
        # The tails first: the node has then folded a record when its append returns, and need not wait for it.
        self._wake_tails()
        for index, pending in enumerate(group):
            position, record_hash = successors.get(index, (None, None))
            if position is None or record_hash != pending.record_hash:
                pending.fail(Conflict(position))
                self._advance_head(position or 0)
            elif (stored := pending.succeed(position)).position > self._head:
                self._add_recent(stored)

    def _wake_tails(self) -> None:
        self._appended.set()
        self._appended = asyncio.Event()

    def last_stored(self) -> Stored | None:
        """Return the last record in the file if this process stored it, and the file is still in its place."""
        # In a file that was just put in the place of this log, the record would be missed at the next start.
        return self._recent[-1] if self._recent and not self._files.missing_or_replaced_path() else None

    def _advance_head(self, position: int) -> None:
        """Move the head to a record that is in the file but not in memory, because its commit seemed to fail."""
        if position > self._head:
            self._recent.clear()
            self._head = position

    def _add_recent(self, stored: Stored) -> None:
        if stored.position != self._head + 1:
            self._recent.clear()
        self._head = stored.position
        self._recent.append(stored)

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:
        """Empty `data` of the records at `positions`; return when neither the file nor its -wal file holds a copy.

        Waits for other processes that are in the middle of reading the log. Raises LogUnavailable.
        """
        for group in erasing.groups_of(positions):
            await self._group.run(partial(self._erase_texts, group))
        await repeat_while_read(partial(self._group.run, self._remove_copies), beside(self._path, "-shm"), report)

    async def _erase_texts(self, positions: list[int]) -> None:
        with errors_as_unavailable(self._path):
            self._files.check()
            await connection.run_in_thread(self._writer, partial(erase_texts, positions=positions))
        # An append whose outcome is unknown may have stored the record, which is not in memory then.
        self._advance_head(positions[-1])
        first = self._head + 1 - len(self._recent)
        for position in positions:
            if position >= first:
                self._recent[position - first] = evolve(self._recent[position - first], data="")

    async def _remove_copies(self) -> bool:
        """Return whether the texts of all erased records are gone from the files, or are still read."""
        # Allowed until the -wal file is empty: a rewritten file shrinks when it is copied into the main file.
        self._files.allow_shrinking(allowed=True)
        try:
            with errors_as_unavailable(self._path):
                removed = await connection.run_in_thread(self._writer, remove_copies)
        except LogUnavailable as error:
            raise LogUnavailable(f"The records are erased, but copies may be left in the files: {error}.") from error
        self._files.allow_shrinking(allowed=not removed)
        return removed

    async def restore(self, records: Sequence[Stored]) -> None:
        """Append `records` as they are, except those that are there. Raises Conflict or LogUnavailable."""
        for group in restoring.groups_of(records, MAX_GROUP):
            await self._group.run(partial(self._restore, group))

    async def _restore(self, records: Sequence[Stored]) -> None:
        with errors_as_unavailable(self._path):
            self._files.check()
            await connection.run_in_thread(self._writer, partial(insert_verbatim, records=records))
        for record in records:
            if record.position > self._head:
                self._add_recent(record)
        self._wake_tails()

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`, from memory if it has them. Raises LogUnavailable."""
        first = self._recent[0].position if self._recent else self._head + 1
        if self._closed or after + 1 < first:
            return await super().read(after, limit)
        return [self._recent[index - first] for index in range(after + 1, min(after + limit, self._head) + 1)]

    def _next_change(self) -> Callable[[], Awaitable[object]]:
        """Return what to await until something is appended after this call."""
        return self._appended.wait

    async def head(self) -> int:
        """Return the last position in the file. Raises LogUnavailable, also if the file has lost records."""
        self._files.check()
        expected, position = self._head, await super().head()
        # An older copy that was written over the open file shows neither another file nor a smaller one.
        if position < expected:
            raise LogUnavailable(f"the file ends at {position} and had reached {expected}: start chatr again")
        return position

    async def close(self) -> None:
        """Commit what waits, and reject everything from now on with LogUnavailable."""
        self._closed = True
        await self._group.close()
        await self._checkpoint_moved_file()

    async def _checkpoint_moved_file(self) -> None:
        """If the log's file was moved, write its write-ahead file into it."""
        # SQLite takes any file with the suffix -wal for the write-ahead file. If a backup was put in the log's place,
        # the next start would read these pages as a part of it.
        if self._files.missing_or_replaced_path():
            with suppress(sqlite3.Error):
                await self._writer.execute_fetchall("pragma wal_checkpoint(truncate)")
