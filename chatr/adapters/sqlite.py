"""A log in one SQLite file: WAL, flushed at every commit, everything that waits in one commit.

One process writes, held to it by a lock file: before 3.51.3 two writers may corrupt a WAL database, and Debian 12 has
3.40. Other processes may read.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import aiosqlite
import orjson
from attrs import asdict

from chatr.adapters import sqlite_file as file
from chatr.adapters.group_commit import Appending, GroupCommit, fail
from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, LogChanged, Stored, Unavailable, Unknown

BATCH: Final = 1_000
POLL: Final = 0.25
"""Seconds between two looks at a file that another process writes, or that cannot be read."""
RECENT: Final = 2_000
"""Records that a tail gets from memory instead of the file."""

SELECT: Final = 'select id, stream, type, at, seen, data, position, previous, "check" from log '
# `exists` and unique (previous, stream) together say: `expected` is the last position of that stream.
INSERT: Final = """
    insert into log (stream, previous, id, type, at, seen, data, "check")
    select :stream, :expected, :id, :type, :at, :seen, :data, :check
    where :expected = 0 or exists (select 1 from log where position = :expected and stream = :stream)
    on conflict do nothing
"""
FOLLOWERS: Final = """
    select asked.key, log.position, log."check" from json_each(?) as asked
    join log on log.stream = asked.value ->> 0 and log.previous = asked.value ->> 1
"""


@asynccontextmanager
async def sqlite_log(path: Path | str) -> AsyncIterator["SqliteLog"]:
    """The log in the file at `path`, made and brought up to date where needed. Raises Unusable."""
    path = Path(path)
    async with AsyncExitStack() as stack:
        with file.usable(path):
            stack.enter_context(file.locked(path))
            writer = await stack.enter_async_context(file.writer(path))
            await file.prepare(writer)
            reader = await stack.enter_async_context(file.reader(path))
            log = SqliteLog(writer, reader, await last_position(reader), file.OpenFiles(path))
        stack.push_async_callback(log.close)
        yield log


@asynccontextmanager
async def sqlite_reader(path: Path | str) -> AsyncIterator["SqliteReader"]:
    """The log in the file at `path`, to be read only, beside a process that writes. Raises Unusable."""
    path = Path(path)
    async with AsyncExitStack() as stack:
        with file.usable(path):
            connection = await stack.enter_async_context(file.reader(path))
            await file.missing_scripts(connection)
            await last_position(connection)
        yield SqliteReader(connection)


async def last_position(reader: aiosqlite.Connection) -> int:
    ((position,),) = await reader.execute_fetchall("select coalesce(max(position), 0) from log")
    return int(position)


@contextmanager
def available() -> Iterator[None]:
    """What SQLite cannot do now; aiosqlite says ValueError once its connection is closed."""
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise Unavailable(str(error)) from error


class SqliteReader:
    """Reads a log that another connection writes, and looks for more now and then."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    async def read(self, after: int, limit: int) -> list[Stored]:
        return await self._select("where position > ? order by position limit ?", (after, limit))

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        places = ",".join("?" * len(positions))
        found = {each.position: each for each in await self._select(f"where position in ({places})", positions)}
        if not found.keys() >= set(positions):
            raise Unavailable("the log does not hold these records any longer")
        return [found[position] for position in positions]

    async def _select(self, rest: str, parameters: Sequence[int]) -> list[Stored]:
        with available():
            return [Stored(*row) for row in await self.connection.execute_fetchall(SELECT + rest, parameters)]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        position = after.position if after else 0
        if after and [each.cursor for each in await self._patiently(position - 1, 1)] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while True:
            more = self._more()
            if batch := await self._patiently(position, BATCH):
                position = batch[-1].position
                yield batch
            else:
                await more()

    async def _patiently(self, after: int, limit: int) -> list[Stored]:
        while True:
            with suppress(Unavailable):
                return await self.read(after, limit)
            await asyncio.sleep(POLL)

    def _more(self) -> Callable[[], Awaitable[object]]:
        """What to wait for, once there may be more to read than at this moment."""
        return partial(asyncio.sleep, POLL)

    async def head(self) -> int:
        with available():
            return await last_position(self.connection)


class SqliteLog(SqliteReader):
    """`writer` belongs to one task, which commits all that waits at once; readers have a connection of their own."""

    def __init__(
        self, writer: aiosqlite.Connection, reader: aiosqlite.Connection, head: int, files: file.OpenFiles
    ) -> None:
        super().__init__(reader)
        self._files = files
        self._writer = writer
        self._head = head
        self._recent: deque[Stored] = deque(maxlen=RECENT)
        self._appended = asyncio.Event()
        self._closed = False
        self._group = GroupCommit(self._commit)

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        return await self._group.append(draft, expected)

    async def _commit(self, group: Sequence[Appending]) -> None:
        try:
            self._files.check()
            followers = await self._insert(group)
        except Unavailable as error:
            fail(group, error)
            await self._bring_home()
        except sqlite3.Error as error:
            fail(group, Unknown(str(error)) if doubtful(error) else Unavailable(str(error)))
            with suppress(sqlite3.Error):
                await self._writer.rollback()
        else:
            self._settle(group, followers)

    async def _insert(self, group: Sequence[Appending]) -> dict[int, tuple[int, bytes]]:
        """Position and check of what then follows `expected` in each one's stream, by its number in the group."""
        drafts = [parameters(each) for each in group]
        asked = orjson.dumps([(each.draft.stream, each.expected) for each in group]).decode()
        return await file.at_once(self._writer, lambda writer: commit(writer, drafts, asked))

    def _settle(self, group: Sequence[Appending], followers: dict[int, tuple[int, bytes]]) -> None:
        """Wake the tail before the callers: then each finds its record folded, and need not wait again."""
        self._appended.set()
        self._appended = asyncio.Event()
        for number, each in enumerate(group):
            position, check = followers.get(number, (None, None))
            if position is None or check != each.check:
                each.fail(Conflict(position))
                self._reach(position or 0)
            elif (stored := each.landed(position)).position > self._head:
                self._remember(stored)

    def _reach(self, position: int) -> None:
        """What a commit left there though it seemed to fail is read from the file."""
        if position > self._head:
            self._recent.clear()
            self._head = position

    def _remember(self, landed: Stored) -> None:
        if landed.position != self._head + 1:
            self._recent.clear()
        self._head = landed.position
        self._recent.append(landed)

    async def read(self, after: int, limit: int) -> list[Stored]:
        first = self._recent[0].position if self._recent else self._head + 1
        if self._closed or after + 1 < first:
            return await super().read(after, limit)
        return [self._recent[index - first] for index in range(after + 1, min(after + limit, self._head) + 1)]

    def _more(self) -> Callable[[], Awaitable[object]]:
        return self._appended.wait

    async def head(self) -> int:
        self._files.check()
        least, position = self._head, await super().head()
        if position < least:
            raise Unavailable(f"the file ends at {position} and had reached {least}: start chatr again")
        return position

    async def close(self) -> None:
        self._closed = True
        await self._group.close()
        await self._bring_home()

    async def _bring_home(self) -> None:
        """Give what was written ahead to the file that is open: SQLite would give it to any that takes its place."""
        if self._files.moved():
            with suppress(sqlite3.Error):
                await self._writer.execute_fetchall("pragma wal_checkpoint(truncate)")


def commit(writer: sqlite3.Connection, drafts: Sequence[dict[str, object]], asked: str) -> dict[int, tuple[int, bytes]]:
    writer.executemany(INSERT, drafts)
    followers = writer.execute(FOLLOWERS, (asked,)).fetchall()
    writer.commit()
    return {number: (position, check) for number, position, check in followers}


def parameters(each: Appending) -> dict[str, object]:
    return {**asdict(each.draft), "expected": each.expected, "check": each.check}


def doubtful(error: sqlite3.Error) -> bool:
    """A commit whose flush failed may yet be found in the file after a crash."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC"
