"""What is erased from a SQLite log is gone from its files: no six bytes of a text are left in them."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.ports import LogUnavailable
from chatr.testing.contract.steps import TIMEOUT, append_many
from tests.contracts.erased_texts import append_text, older_log, random_text, texts_left


@pytest.mark.parametrize("length", [20, 900, 6_000, 30_000])
async def test_no_byte_of_an_erased_text_is_left_in_the_files(path: Path, length: int) -> None:
    """Neither the file nor those beside it hold a part of the text, wherever in them it was."""
    text = random_text(length)
    async with sqlite_log(path) as log:
        await append_many(log, 20)
        position = await append_text(log, text)
        await append_many(log, 20)
        before = texts_left([text], path.parent)
        await log.erase([position])

        assert before
        assert texts_left([text], path.parent) == []
        assert await log.head() == 41


async def test_the_first_records_are_erased(path: Path) -> None:
    """The first records move to another page when the table grows: they leave nothing on the first one."""
    texts = [random_text(100, seed) for seed in range(30)]
    async with sqlite_log(path) as log:
        for text in texts:
            await append_text(log, text)
        await log.erase(range(1, 31))

    assert texts_left(texts, path.parent) == []


def mark(path: Path) -> bytes:
    """Return the application id in the file's header."""
    return path.read_bytes()[68:72]


async def test_copies_in_an_older_file_are_removed_by_the_first_erasing(path: Path) -> None:
    """An older file holds copies of its first records that no update reaches: it is rewritten, once."""
    texts = [random_text(100, seed) for seed in range(60)]
    async with older_log(path) as log:
        for text in texts:
            await append_text(log, text)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("pragma secure_delete = on")
        db.execute("update log set data = ''")
    before, left = mark(path), texts_left(texts, path.parent)
    async with sqlite_log(path) as log:
        await log.erase(range(1, 61))

        assert left
        assert texts_left(texts, path.parent) == []
        assert (before, mark(path)) == (bytes(4), b"chat")


async def test_a_new_file_is_not_rewritten(path: Path) -> None:
    """A file that this version has begun is marked from the start: its first erasing takes no longer than others."""
    async with sqlite_log(path):
        pass

    assert mark(path) == b"chat"


def size(path: Path) -> int:
    """Return the size of a file in bytes."""
    return path.stat().st_size


async def test_a_file_that_became_smaller_is_appended_to(path: Path) -> None:
    """An older file is smaller after its first erasing; that is not mistaken for a file that was cut off."""
    async with older_log(path) as log:
        position = await append_text(log, random_text(300_000))
    async with sqlite_log(path) as log:
        before = size(path)
        await log.erase([position])
        await append_many(log, 3)

        assert size(path) < before / 2
        assert await log.head() == 4


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    """An open log without records."""
    async with sqlite_log(path) as log:
        yield log


async def test_erasing_waits_for_a_reader_and_says_so(log: SqliteLog, path: Path) -> None:
    """Whoever began to read before still reads the text: until its end, erasing waits and reports the reader's process.
    Nobody else reads the text, and appends go on.
    """
    text, reports = random_text(100), asyncio.Queue[str]()
    await append_text(log, text)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from log").fetchall()
        erasing = asyncio.create_task(log.erase([1], reports.put_nowait))
        async with asyncio.timeout(TIMEOUT):
            report = await reports.get()
        await append_many(log, 3)

        assert f"readable for 1 running reader(s), process {os.getpid()}." in report
        assert reader.execute("select data from log").fetchall() == [(text,)]
        assert (await log.read(0, 1))[0].is_erased
        reader.execute("commit")
    async with asyncio.timeout(TIMEOUT):
        await erasing

    assert texts_left([text], path.parent) == []


async def test_a_reader_that_ends_at_once_is_not_reported(log: SqliteLog, path: Path) -> None:
    """The node's own reads last for milliseconds: erasing waits for them, and operators hear nothing of it."""
    reports: list[str] = []
    await append_text(log, random_text(100))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from log").fetchall()
        erasing = asyncio.create_task(log.erase([1], reports.append))
        # The next record is appended after the first attempt to remove the copies, which the reader prevents.
        while not (await log.read(0, 1))[0].is_erased:
            await append_many(log, 1)
        await append_many(log, 1)
        is_waiting = not erasing.done()
        reader.execute("commit")
    await erasing

    assert is_waiting
    assert reports == []


async def test_a_reader_that_began_after_erasing_delays_only_the_write_ahead_file(log: SqliteLog, path: Path) -> None:
    """Also the -wal file is empty when erasing returns."""
    text = random_text(100)
    await append_text(log, text)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reports = asyncio.Queue[str]()
        reader.execute("begin")
        reader.execute("select count(*) from log").fetchall()
        erasing = asyncio.create_task(log.erase([1], reports.put_nowait))
        async with asyncio.timeout(TIMEOUT):
            await reports.get()
            reader.execute("commit")
            await erasing

    assert size(path.with_name("chatr.db-wal")) == 0


@pytest.fixture
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for a copy of the log's files."""
    return tmp_path_factory.mktemp("copy")


def copying_connection(path: Path, copy: Path) -> type[sqlite3.Connection]:
    """Return a class of connections that copy the log's files before each checkpoint.

    These files are what a process leaves that is killed then.
    """

    class CopyingConnection(sqlite3.Connection):
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            if statement.startswith("pragma wal_checkpoint"):
                shutil.copytree(path.parent, copy, dirs_exist_ok=True)
            return super().execute(statement, *arguments)

    return CopyingConnection


async def test_what_is_left_between_commit_and_checkpoint_is_removed_by_the_next_start(path: Path, copy: Path) -> None:
    """The -wal file of a killed process still holds the text; opening the log removes it before anything else."""
    text = random_text(100)
    async with sqlite_log(path, factory=copying_connection(path, copy)) as log:
        await append_text(log, text)
        await log.erase([1])
    left_by_kill = texts_left([text], copy)
    async with sqlite_log(copy / path.name) as log:
        assert left_by_kill
        assert texts_left([text], copy) == []
        assert (await log.read(0, 1))[0].is_erased


async def test_a_start_does_not_wait_for_readers(path: Path, copy: Path) -> None:
    """A log opens at once though a reader keeps the -wal file from being emptied."""
    async with sqlite_log(path) as log:
        await append_many(log, 3)
        shutil.copytree(path.parent, copy, dirs_exist_ok=True)
    with closing(sqlite3.connect(copy / path.name, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from log").fetchall()
        statements = await statements_of_start(copy / path.name)

    assert "pragma wal_checkpoint(truncate)" in statements
    assert statements[statements.index("pragma wal_checkpoint(truncate)") - 1] == "pragma busy_timeout = 0"


async def statements_of_start(path: Path) -> list[str]:
    """Open the log and return the statements that were executed."""
    statements: list[str] = []

    class RecordingConnection(sqlite3.Connection):
        def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
            statements.append(statement)
            return super().execute(statement, *arguments)

    async with sqlite_log(path, factory=RecordingConnection):
        return statements


async def test_a_backup_that_is_made_later_holds_nothing_of_it(log: SqliteLog, path: Path, tmp_path: Path) -> None:
    """Backups are copies of pages, also of those that are not in use."""
    texts = [random_text(length) for length in (100, 6_000, 30_000)]
    for text in texts:
        await append_text(log, text)
    await log.erase([1, 2, 3])
    (tmp_path / "backup").mkdir()
    await backup(path, tmp_path / "backup" / "chatr.db", lambda _: None)

    assert texts_left(texts, tmp_path / "backup") == []


class WithoutSpace(sqlite3.Connection):
    """A connection for which there is no space to rewrite the file."""

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:
        """Execute a statement other than VACUUM."""
        if statement == "vacuum":
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(statement, *arguments)


async def test_an_older_file_that_cannot_be_rewritten(path: Path) -> None:
    """Without space to rewrite the file the records are empty all the same, and the error says what may be left."""
    text = random_text(100)
    async with older_log(path) as log:
        await append_text(log, text)
    async with sqlite_log(path, factory=WithoutSpace) as log:
        with pytest.raises(
            LogUnavailable, match=r"^The records are erased, but copies .*: database or disk is full\.$"
        ):
            await log.erase([1])
        await append_many(log, 1)

        assert [each.is_erased for each in await log.read(0, 2)] == [True, False]
    async with sqlite_log(path) as log:
        await log.erase([1])

        assert mark(path) == b"chat"
        assert texts_left([text], path.parent) == []


async def test_nothing_is_erased_in_a_file_that_is_not_in_place(log: SqliteLog, path: Path) -> None:
    """A file that was moved away, with another one in its place, is not changed, and that is an error."""
    await append_text(log, random_text(100))
    await asyncio.to_thread(path.rename, path.with_name("moved.db"))
    await asyncio.to_thread(path.touch)
    with pytest.raises(LogUnavailable, match="removed or replaced"):
        await log.erase([1])

    assert not (await log.read(0, 1))[0].is_erased
