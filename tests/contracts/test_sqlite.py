"""A SQLite log is durable, coexists with other readers of its file, and survives a disk that fails."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from chatr.adapters.stores.group_commit import UnstorableDraft
from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.ports import Draft, LogUnavailable, Stored
from chatr.testing.contract.steps import append_many, new_draft, next_records, read_all, read_tail

KIB: Final = '"' + "x" * 1022 + '"'
"""JSON of 1,024 bytes."""


@pytest.fixture
def connections() -> list[sqlite3.Connection]:
    """The open connections of the log. Some pragmas are set for one connection, and can only be read on it."""
    return []


@pytest.fixture
def factory(connections: list[sqlite3.Connection]) -> type[sqlite3.Connection]:
    """A class whose instances add themselves to `connections`."""

    class ListedConnection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options | {"check_same_thread": False})
            connections.append(self)

        def close(self) -> None:
            connections.remove(self)
            super().close()

    return ListedConnection


@pytest.fixture
async def log(factory: type[sqlite3.Connection], path: Path) -> AsyncIterator[SqliteLog]:
    """An open log without records."""
    async with sqlite_log(path, factory=factory) as log:
        yield log


def first_value(path: Path, query: str) -> object:
    """Return the first value of a query that another process could run."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchone()[0]


def write_ahead_size(path: Path) -> int:
    """Return the bytes of the write-ahead file."""
    return Path(f"{path}-wal").stat().st_size


async def test_the_journal_is_a_write_ahead_log(log: SqliteLog, path: Path) -> None:
    """In WAL mode readers and the writer do not wait for each other."""
    assert first_value(path, "pragma journal_mode") == "wal"


async def test_every_commit_is_flushed_to_the_disk(log: SqliteLog, connections: list[sqlite3.Connection]) -> None:
    """Synchronous is FULL (2), whatever the default of this build of SQLite is, so that a power cut loses no commit."""
    assert {connection.execute("pragma synchronous").fetchone() for connection in connections} == {(2,)}


async def test_columns_store_only_their_own_type(log: SqliteLog, path: Path) -> None:
    """The table is STRICT: SQLite would otherwise store a text in a column of numbers."""
    assert first_value(path, "select strict from pragma_table_list where name = 'log'") == 1


async def test_the_file_is_intact_after_concurrent_use(log: SqliteLog, path: Path) -> None:
    """Concurrent appends, tails and reads leave a file in which SQLite finds no error."""
    tails = [asyncio.create_task(read_tail(log, 3_000)) for _ in range(3)]
    await asyncio.gather(*(append_many(log, 1_000) for _ in range(3)))
    await asyncio.gather(*tails)

    assert first_value(path, "pragma integrity_check") == "ok"


async def test_a_slow_tail_does_not_make_the_write_ahead_file_grow(log: SqliteLog, path: Path) -> None:
    """A tail from which nobody reads holds no snapshot, so the write-ahead file is checkpointed and used again."""
    await append_many(log, 1)
    slow = log.tail(None)
    await next_records(slow, 1)
    for _ in range(80):
        await asyncio.gather(*(log.append(new_draft(data=KIB), expected=0) for _ in range(200)))

    assert write_ahead_size(path) < 8 * 1024 * 1024


async def test_an_open_transaction_of_another_reader_delays_no_append(log: SqliteLog, path: Path) -> None:
    """A transaction that another tool leaves open sees the old log, and stops nobody."""
    await append_many(log, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as tool:
        tool.execute("begin")
        tool.execute("select * from log").fetchall()
        await append_many(log, 10)

        assert tool.execute("select count(*) from log").fetchone() == (1,)
    assert await log.head() == 11


async def test_a_tail_yields_a_record_that_another_tool_inserted(log: SqliteLog, path: Path) -> None:
    """No other program should write; if one does, tails go on with all records."""
    tailing = asyncio.create_task(read_tail(log, 3))
    await append_many(log, 1)
    with closing(sqlite3.connect(path)) as tool, tool:
        tool.execute("""insert into log select 2, 'elsewhere', 0, id, type, at, seen, data, "check" from log""")
    await append_many(log, 1)

    assert await read_all(log) == await tailing


UNSTORABLE: Final = {
    "more than SQLite's limit": new_draft(data=f'"{KIB}{KIB}{KIB}{KIB}"'),
    "an integer of 65 bits": evolve(new_draft(), at=-(2**64)),
}


@pytest.mark.parametrize("draft", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_only_the_draft_that_sqlite_rejects_fails(
    log: SqliteLog, connections: list[sqlite3.Connection], draft: Draft
) -> None:
    """Where SQLite cannot store the content of one draft, the others of its group are stored, and the next ones too."""
    for connection in connections:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4_000)
    drafts = [new_draft() for _ in range(5)] + [draft] + [new_draft() for _ in range(5)]
    results = await asyncio.gather(*(log.append(each, expected=0) for each in drafts), return_exceptions=True)
    (after,) = await append_many(log, 1)

    assert [type(result) for result in results] == [Stored] * 5 + [UnstorableDraft] + [Stored] * 5
    assert after.position == await log.head() == 11


@contextmanager
def full(connections: list[sqlite3.Connection]) -> Iterator[None]:
    """Allow no further page in the file: SQLite reports that the disk is full."""
    for connection in connections:
        connection.execute("pragma max_page_count = 1")
    yield
    for connection in connections:
        connection.execute("pragma max_page_count = 1000000")


@contextmanager
def failing(_: list[sqlite3.Connection]) -> Iterator[None]:
    """Let the kernel stop files of this process at 100 KiB: SQLite reports an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


Failure = Callable[[list[sqlite3.Connection]], AbstractContextManager[None]]


async def append_400_kib(log: SqliteLog) -> list[Stored | BaseException]:
    """Append more than the failing disk accepts, and return the results."""
    appends = [log.append(new_draft(data=KIB), expected=0) for _ in range(400)]
    return await asyncio.gather(*appends, return_exceptions=True)


@pytest.mark.parametrize("failure", [full, failing])
async def test_an_append_that_the_disk_rejects_is_unavailable_and_not_stored(
    log: SqliteLog, connections: list[sqlite3.Connection], failure: Failure
) -> None:
    """Appends that the disk rejects raise LogUnavailable, and only the others are in the log."""
    with failure(connections):
        results = await append_400_kib(log)
    rejected = [result for result in results if isinstance(result, LogUnavailable)]
    stored = [result for result in results if isinstance(result, Stored)]

    assert rejected
    assert (400, stored) == (len(rejected) + len(stored), await read_all(log))


@pytest.mark.parametrize("failure", [full, failing])
async def test_the_log_can_be_read_while_the_disk_is_full(
    log: SqliteLog, connections: list[sqlite3.Connection], failure: Failure
) -> None:
    """A full or failing disk stops appends only."""
    written = await append_many(log, 3)
    with failure(connections):
        await append_400_kib(log)

        assert written == (await read_all(log))[:3] == (await read_tail(log, 3))[:3] == await log.pick([1, 2, 3])


@pytest.mark.parametrize("failure", [full, failing])
async def test_appends_succeed_when_the_disk_has_space_again(
    log: SqliteLog, connections: list[sqlite3.Connection], failure: Failure
) -> None:
    """When the disk works again, the next append succeeds, without a restart and without a hole."""
    with failure(connections):
        await append_400_kib(log)
    head = await log.head()

    assert [each.position for each in await append_many(log, 3)] == [head + 1, head + 2, head + 3]


@contextmanager
def unreadable(connections: list[sqlite3.Connection]) -> Iterator[None]:
    """Let SQLite reject every statement."""
    for connection in connections:
        connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    yield
    for connection in connections:
        connection.set_authorizer(None)


async def test_a_tail_waits_while_the_file_cannot_be_read(
    path: Path, connections: list[sqlite3.Connection], factory: type[sqlite3.Connection]
) -> None:
    """An outage does not end a tail, which resumes when the file can be read again."""
    async with sqlite_log(path) as log:
        written = await append_many(log, 5)
    async with sqlite_log(path, factory=factory) as log:
        with unreadable(connections):
            tailing = asyncio.create_task(read_tail(log, 2, after=written[2].cursor))
            for _ in range(3):
                with pytest.raises(LogUnavailable):
                    await log.read(0, 1)

        assert written[3:] == await tailing


async def test_a_number_beyond_64_bits_does_not_affect_concurrent_appends(log: SqliteLog) -> None:
    """Only the append of a number that SQLite cannot store fails, and the next one succeeds."""
    drafts = [evolve(new_draft(), at=2**64 if number == 5 else 0) for number in range(10)]
    results = await asyncio.gather(*(log.append(draft, expected=0) for draft in drafts), return_exceptions=True)
    await append_many(log, 1)

    assert [number == 5 for number in range(10)] == [isinstance(result, Exception) for result in results]
