"""A SQLite file that is damaged, or is no log, is refused with a sentence that says what to do."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.sqlite import connection, faults
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import SqliteReader, sqlite_reader
from chatr.ports import CannotOpenLog, LogDamaged, LogLostRecords
from chatr.testing.contract.steps import append_many, read_all

COUNT: Final = 200
"""Records of the log: enough for a table of several pages."""
PAGE: Final = 4096
ZEROS: Final = bytes(PAGE)
NOISE: Final = b"\xa5" * PAGE
MOVE_AWAY: Final = (
    r"ove (it|this one) away together with its -wal, -shm, \.head and \.checkpoint, and put a backup in its"
)

Change = Callable[[Path], object]
Open = Callable[[Path], AbstractAsyncContextManager[SqliteReader]]
OPENED_BY: Final = pytest.mark.parametrize("open_log", [sqlite_log, sqlite_reader], ids=["server", "reader"])


@pytest.fixture
async def path(path: Path) -> Path:
    """The file of a log, without any file beside it but its lock."""
    async with sqlite_log(path) as log:
        await append_many(log, COUNT)
    path.with_name("chatr.db.head").unlink()
    return path


def overwritten(offset: int, data: bytes) -> Change:
    """Return a change that overwrites a part of the file."""

    def change(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    return change


def root_page(name: str) -> Change:
    """Return a change that overwrites the root page of a table or index."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            ((page,),) = db.execute("select rootpage from sqlite_master where name = ?", (name,))
        overwritten((page - 1) * PAGE, NOISE)(path)

    return change


def cut_off_at(pages: float) -> Change:
    """Return a change that leaves so many pages, from the end if negative."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(pages * PAGE)])


def altered(*statements: str) -> Change:
    """Return a change by statements of SQL."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            for statement in statements:
                db.execute(statement)

    return change


def other_database(*statements: str) -> Change:
    """Return a change that puts another database in the place of the log."""

    def change(path: Path) -> None:
        path.unlink()
        altered(*statements)(path)

    return change


DAMAGES: Final = {
    "header zeroed": overwritten(0, bytes(100)),
    "first page zeroed": overwritten(0, ZEROS),
    "first page overwritten": overwritten(0, NOISE),
    "schema overwritten": overwritten(100, NOISE[100:]),
    "table's root overwritten": root_page("log"),
    "cut off after a page": cut_off_at(1),
    "cut off in the first page": cut_off_at(0.1),
    "cut off in a page": cut_off_at(5.5),
    "cut off in the last page": cut_off_at(-0.2),
    "another format": overwritten(18, b"\x09\x09"),
    "a text": lambda path: path.write_text("Hello, world. " * 1_000),
}
"""Changes that leave a file which is no database, or a damaged one."""

OTHERS: Final = {
    "another program's": other_database("create table users (name)"),
    "another program's log": other_database("create table log (line)"),
    "another program's version": other_database("create table users (name)", "pragma user_version = 1"),
    "a view": other_database("create view log as select 1 as position", "pragma user_version = 1"),
    "a column missing": altered("alter table log rename column seen to seen_at"),
}
"""Databases that are no logs."""


@OPENED_BY
@pytest.mark.parametrize("change", [*DAMAGES.values(), *OTHERS.values()], ids=[*DAMAGES, *OTHERS])
async def test_a_file_that_is_no_log_is_refused(path: Path, change: Change, open_log: Open) -> None:
    """The error names the file and says what to do, and the file is not changed."""
    change(path)
    content = path.read_bytes()  # noqa: ASYNC240 -- nothing else runs
    with pytest.raises(CannotOpenLog, match=rf"^The log at {path} cannot be opened: [^\n]+{MOVE_AWAY} place\.$"):
        async with open_log(path):
            pass

    assert path.read_bytes() == content  # noqa: ASYNC240 -- as above


@pytest.mark.parametrize(
    "change",
    [
        root_page("sqlite_autoindex_log_1"),
        altered("create table copy as select * from log", "drop table log", "alter table copy rename to log"),
    ],
    ids=["index overwritten", "no unique key"],
)
async def test_a_log_that_cannot_be_appended_to_is_refused(path: Path, change: Change) -> None:
    """A damaged or missing index is found at the start, and not by the first agent that posts."""
    change(path)
    with pytest.raises(CannotOpenLog, match=MOVE_AWAY):
        async with sqlite_log(path):
            pass


@OPENED_BY
@pytest.mark.parametrize("page", [ZEROS, NOISE], ids=["zeros", "noise"])
async def test_a_damaged_page_ends_a_tail(path: Path, page: bytes, open_log: Open) -> None:
    """Records in a damaged page raise an error that says what to do; waiting for them would never end."""
    with closing(sqlite3.connect(path)) as db:
        ((pages,),) = db.execute("pragma page_count")
    # The table's pages lie between those of its index, so several are overwritten.
    for number in range(pages // 2, pages // 2 + 3):
        overwritten(number * PAGE, page)(path)
    async with open_log(path) as log:
        with pytest.raises(LogDamaged, match=rf"^The log at {path} is damaged: .*{MOVE_AWAY} place\.$"):
            async for _ in log.tail(None):
                pass


@OPENED_BY
async def test_a_missing_record_ends_a_tail(path: Path, open_log: Open) -> None:
    """Records that were deleted by hand are never skipped: the error names the first."""
    altered("delete from log where position in (100, 101)")(path)
    async with open_log(path) as log:
        with pytest.raises(LogDamaged, match=rf"damaged: record 100 is missing\. .*{MOVE_AWAY} place\.$"):
            async for _ in log.tail(None):
                pass


@OPENED_BY
@pytest.mark.parametrize("leave", [Path.touch, lambda _: None], ids=["empty", "missing"])
async def test_a_log_without_its_main_file_is_refused(path: Path, leave: Change, open_log: Open) -> None:
    """SQLite would remove a -wal file that lies beside an empty file; the records of a young log are only there."""
    path.unlink()  # noqa: ASYNC240 -- nothing else runs
    leave(path)
    path.with_name("chatr.db-wal").write_bytes(NOISE)
    with pytest.raises(CannotOpenLog, match=rf"^The log at {path} .*\.$"):
        async with open_log(path):
            pass

    assert path.with_name("chatr.db-wal").read_bytes() == NOISE


async def test_the_loss_of_a_main_file_can_be_accepted(path: Path) -> None:
    """With accept_loss a new log begins."""
    path.unlink()  # noqa: ASYNC240 -- nothing else runs
    path.with_name("chatr.db-wal").write_bytes(NOISE)
    with pytest.raises(LogLostRecords, match=r"missing or empty, and its -wal file is not.*--accept-loss once"):
        async with sqlite_log(path):
            pass
    async with sqlite_log(path, accept_loss=True) as log:
        assert await read_all(log) == []


async def count_of(path: Path) -> int:
    """Open the log and return how many records it holds."""
    async with sqlite_log(path) as log:
        return await log.head()


@pytest.mark.parametrize("lock", ["begin exclusive", "pragma locking_mode = exclusive"])
async def test_a_log_that_another_program_locks_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """A log line says why the server waits, and it opens the log when the other program is done."""
    monkeypatch.setattr(faults, "RETRY_PAUSE", 0.0)
    monkeypatch.setattr(connection, "BUSY_TIMEOUT", 0.0)
    with capture_logs() as lines, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(lock)
        other.execute("update log set at = at where false")
        opening = asyncio.create_task(count_of(path))
        while not lines:  # noqa: ASYNC110 -- nothing sets an event
            await asyncio.sleep(0)
        opened_before = opening.done()
    count = await opening

    assert (opened_before, count) == (False, COUNT)
    assert {line["event"] for line in lines} == {"log_locked"}
