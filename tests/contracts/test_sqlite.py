"""What a log in one SQLite file promises beyond the contract of every log: on its disk, and beside other readers."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from chatr.adapters.sqlite import SqliteLog, sqlite_log
from chatr.ports import Stored, Unavailable
from chatr.testing.contract.steps import draft, everything, fill, followed, upcoming

KIB: Final = '"' + "x" * 1022 + '"'


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The open connections: some pragmas hold for one connection and can be seen nowhere else."""
    opened: list[sqlite3.Connection] = []

    class Listed(sqlite3.Connection):
        def __init__(self, *places: Any, **options: Any) -> None:
            super().__init__(*places, **options | {"check_same_thread": False})
            opened.append(self)

        def close(self) -> None:
            opened.remove(self)
            super().close()

    monkeypatch.setattr(sqlite3, "connect", Listed)
    return opened


@pytest.fixture
async def log(connections: list[sqlite3.Connection], path: Path) -> AsyncIterator[SqliteLog]:
    async with sqlite_log(path) as log:
        yield log


def asked(path: Path, question: str) -> object:
    """The first value that a reader from outside is answered."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(question).fetchone()[0]


def written_ahead(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


async def test_readers_and_the_writer_do_not_lock_each_other_out(log: SqliteLog, path: Path) -> None:
    """In WAL mode a reader sees the log as it was when it began to read."""
    assert asked(path, "pragma journal_mode") == "wal"


async def test_every_commit_is_flushed_to_the_disk(log: SqliteLog, connections: list[sqlite3.Connection]) -> None:
    """An acknowledged record outlives a power cut: synchronous is FULL (2), whatever this build's default is."""
    assert {connection.execute("pragma synchronous").fetchone() for connection in connections} == {(2,)}


async def test_columns_take_only_their_own_type(log: SqliteLog, path: Path) -> None:
    """A STRICT table keeps text as text and numbers as numbers, whoever writes them."""
    assert asked(path, "select strict from pragma_table_list where name = 'log'") == 1


async def test_the_file_is_sound_after_heavy_use(log: SqliteLog, path: Path) -> None:
    """Writing, following and paging at once leave an intact file."""
    tails = [asyncio.create_task(followed(log, 3_000)) for _ in range(3)]
    await asyncio.gather(*(fill(log, 1_000) for _ in range(3)))
    await asyncio.gather(*tails)

    assert asked(path, "pragma integrity_check") == "ok"


async def test_a_follower_does_not_make_the_write_ahead_file_grow(log: SqliteLog, path: Path) -> None:
    """A tail that is not emptied holds no snapshot, so what was written ahead is brought home and used again."""
    await fill(log, 1)
    slow = log.tail(None)
    await upcoming(slow, 1)
    for _ in range(80):
        await asyncio.gather(*(log.append(draft(data=KIB), expected=0) for _ in range(200)))

    assert written_ahead(path) < 8 * 1024 * 1024


async def test_a_reader_from_outside_holds_up_nobody(log: SqliteLog, path: Path) -> None:
    """Somebody who looks at the log with another tool, and forgets to end, does not stop the room."""
    await fill(log, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as visitor:
        visitor.execute("begin")
        visitor.execute("select * from log").fetchall()
        await fill(log, 10)

        assert visitor.execute("select count(*) from log").fetchone() == (1,)
    assert await log.head() == 11


async def test_a_record_that_another_tool_wrote_is_followed_too(log: SqliteLog, path: Path) -> None:
    """Nobody else should write, but if somebody does, the followers do not fall silent."""
    following = asyncio.create_task(followed(log, 3))
    await fill(log, 1)
    with closing(sqlite3.connect(path)) as intruder, intruder:
        intruder.execute("""insert into log select 2, 'elsewhere', 0, id, type, at, seen, data, "check" from log""")
    await fill(log, 1)

    assert await everything(log) == await following


@contextmanager
def full(connections: list[sqlite3.Connection]) -> Iterator[None]:
    """The file has no room for another page: SQLite says that the disk is full."""
    for connection in connections:
        connection.execute("pragma max_page_count = 1")
    yield
    for connection in connections:
        connection.execute("pragma max_page_count = 1000000")


@contextmanager
def failing(_: list[sqlite3.Connection]) -> Iterator[None]:
    """The kernel lets no file of this process grow beyond 100 KiB: SQLite says that there is an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


Trouble = Callable[[list[sqlite3.Connection]], AbstractContextManager[None]]


async def pressed(log: SqliteLog) -> list[Stored | BaseException]:
    """The answers to more than the troubled disk can take."""
    appends = [log.append(draft(data=KIB), expected=0) for _ in range(400)]
    return await asyncio.gather(*appends, return_exceptions=True)


@pytest.mark.parametrize("trouble", [full, failing])
async def test_a_record_that_the_disk_does_not_take_is_not_stored(
    log: SqliteLog, connections: list[sqlite3.Connection], trouble: Trouble
) -> None:
    """Whose draft did not reach the disk is told so, and nothing of it is seen later."""
    with trouble(connections):
        answers = await pressed(log)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    stored = [answer for answer in answers if isinstance(answer, Stored)]

    assert refused
    assert (400, stored) == (len(refused) + len(stored), await everything(log))


@pytest.mark.parametrize("trouble", [full, failing])
async def test_the_room_can_be_read_while_the_disk_takes_nothing(
    log: SqliteLog, connections: list[sqlite3.Connection], trouble: Trouble
) -> None:
    """A full disk stops the writers only."""
    written = await fill(log, 3)
    with trouble(connections):
        await pressed(log)

        assert written == (await everything(log))[:3] == (await followed(log, 3))[:3] == await log.pick([1, 2, 3])


@pytest.mark.parametrize("trouble", [full, failing])
async def test_appends_go_on_when_the_disk_takes_more(
    log: SqliteLog, connections: list[sqlite3.Connection], trouble: Trouble
) -> None:
    """Once there is room again the log works as before, without a restart and without a hole."""
    with trouble(connections):
        await pressed(log)
    head = await log.head()

    assert [each.position for each in await fill(log, 3)] == [head + 1, head + 2, head + 3]


@contextmanager
def away(connections: list[sqlite3.Connection]) -> Iterator[None]:
    """SQLite refuses every statement."""
    for connection in connections:
        connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    yield
    for connection in connections:
        connection.set_authorizer(None)


async def test_a_tail_waits_while_the_file_cannot_be_read(path: Path, connections: list[sqlite3.Connection]) -> None:
    """An outage ends no follower: it goes on where it was when the file can be read again."""
    async with sqlite_log(path) as log:
        written = await fill(log, 5)
    async with sqlite_log(path) as log:
        with away(connections):
            following = asyncio.create_task(followed(log, 2, after=written[2].cursor))
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await log.read(0, 1)

        assert written[3:] == await following


async def test_a_number_beyond_64_bits_harms_nobody_else(log: SqliteLog) -> None:
    """SQLite cannot store it; the drafts beside it and after it are stored all the same."""
    crowd = [evolve(draft(), at=2**64 if number == 5 else 0) for number in range(10)]
    answers = await asyncio.gather(*(log.append(each, expected=0) for each in crowd), return_exceptions=True)
    await fill(log, 1)

    assert [number == 5 for number in range(10)] == [isinstance(answer, Exception) for answer in answers]
