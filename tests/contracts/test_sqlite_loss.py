"""A SQLite log that lacks records which it held before is not opened without a word."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.sqlite import head_recorder
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.ports import LogLostRecords
from chatr.testing.contract.steps import append_many, read_all

COUNT: Final = 5


def file(path: Path, suffix: str) -> Path:
    """Return the path of a file beside the log."""
    return path.with_name(f"{path.name}{suffix}")


async def copy_of_killed(path: Path, target: Path) -> Path:
    """Copy the files of an open log with COUNT records, as they are after a kill; its head is recorded."""
    target.mkdir()  # noqa: ASYNC240 -- nothing else runs
    async with sqlite_log(path) as log:
        await append_many(log, COUNT)
        for suffix in ("", "-wal"):
            shutil.copy(file(path, suffix), target)
    shutil.copy(file(path, ".head"), target)
    return target / path.name


@pytest.fixture
async def killed(path: Path, tmp_path: Path) -> Path:
    """The path of a log whose records are in its -wal file only, because its process was killed."""
    return await copy_of_killed(path, tmp_path / "killed")


def without_wal(path: Path) -> None:
    """Remove the write-ahead file."""
    file(path, "-wal").unlink()


def empty_wal(path: Path) -> None:
    """Cut the write-ahead file off at its beginning."""
    file(path, "-wal").write_bytes(b"")


def cut_wal(path: Path) -> None:
    """Cut the write-ahead file off before its last commit."""
    content = file(path, "-wal").read_bytes()
    file(path, "-wal").write_bytes(content[:-100])


def damaged_wal(path: Path) -> None:
    """Overwrite the header of the write-ahead file."""
    content = file(path, "-wal").read_bytes()
    file(path, "-wal").write_bytes(bytes(32) + content[32:])


def missing(path: Path) -> None:
    """Remove all files but the head file."""
    without_wal(path)
    path.unlink()


def empty(path: Path) -> None:
    """Leave an empty main file."""
    without_wal(path)
    path.write_bytes(b"")


def cut_main(path: Path) -> None:
    """Leave the first page of the main file."""
    without_wal(path)
    path.write_bytes(path.read_bytes()[:4096])


LOSSES: Final = pytest.mark.parametrize(
    "lose", [without_wal, empty_wal, cut_wal, damaged_wal, missing, empty, cut_main]
)


@LOSSES
async def test_a_log_that_lost_records_is_not_opened(killed: Path, lose: Callable[[Path], None]) -> None:
    """The error says how many records there were, and what to do; nothing is changed."""
    lose(killed)
    before = {each.name: each.read_bytes() for each in killed.parent.iterdir()}
    with pytest.raises(LogLostRecords, match=rf"^The log at {killed} .* had {COUNT}.*--accept-loss once.*\.$"):
        async with sqlite_log(killed):
            pass
    after = {each.name: each.read_bytes() for each in killed.parent.iterdir()}

    # Only the lock is new, and what SQLite creates to read: its index, and an empty write-ahead file.
    assert before.items() <= after.items()
    assert not after.keys() - before.keys() - {"chatr.db.lock", "chatr.db-shm", "chatr.db-wal"}


@LOSSES
async def test_a_loss_can_be_accepted(killed: Path, lose: Callable[[Path], None]) -> None:
    """With accept_loss the log opens once, says what it lacks, and opens without it from then on."""
    lose(killed)
    with capture_logs() as lines:
        async with sqlite_log(killed, accept_loss=True) as log:
            first = await append_many(log, 1)
    async with sqlite_log(killed) as log:
        records = await read_all(log)

    assert [line["event"] for line in lines] == ["loss_accepted"]
    assert records[-1:] == first


@pytest.mark.parametrize("older", [True, False])
async def test_another_file_in_the_place_of_a_log_is_noticed(path: Path, tmp_path: Path, older: bool) -> None:
    """An older copy, or another log with more records, is not opened in the place of a log."""
    other = tmp_path / "other.db"
    async with sqlite_log(path if older else other) as log:
        await append_many(log, 2 if older else COUNT + 1)
    shutil.copy(path if older else other, tmp_path / "copy.db")
    async with sqlite_log(path) as log:
        await append_many(log, COUNT)
    (tmp_path / "copy.db").replace(path)

    with pytest.raises(
        LogLostRecords, match="ends at record 2, and had 7" if older else "another record 5 than before"
    ):
        async with sqlite_log(path):
            pass


async def test_a_killed_log_opens_with_all_records(killed: Path) -> None:
    """With its write-ahead file, the log of a killed process opens as ever."""
    async with sqlite_log(killed) as log:
        assert len(await read_all(log)) == COUNT


async def test_what_a_killed_process_wrote_is_flushed_at_the_start(killed: Path) -> None:
    """Before the log is open, SQLite flushes its records and copies them to the main file: a checkpoint that names them
    is never ahead of the disk.
    """
    async with sqlite_log(killed):
        with closing(sqlite3.connect(f"{killed.as_uri()}?immutable=1", uri=True)) as main_file_only:
            assert main_file_only.execute("select count(*) from log").fetchone() == (COUNT,)


async def test_a_log_with_more_records_than_its_head_file_says_opens(killed: Path, path: Path) -> None:
    """The head file may be behind, as after a kill or in a copy."""
    head = file(killed, ".head").read_bytes()
    async with sqlite_log(killed) as log:
        await append_many(log, 3)
    file(killed, ".head").write_bytes(head)
    async with sqlite_log(killed) as log:
        assert await log.head() == COUNT + 3


def damage(path: Path) -> None:
    """Change a digit of the head file."""
    path.write_bytes(path.read_bytes().replace(b'"position":5', b'"position":7'))


@pytest.mark.parametrize(
    ("change", "events"),
    [
        (Path.unlink, []),
        (damage, ["head_file_ignored"]),
        (lambda path: path.write_bytes(b""), ["head_file_ignored"]),
        (lambda path: path.write_bytes(bytes(512)), ["head_file_ignored"]),
        (lambda path: path.write_bytes(path.read_bytes()[:40]), ["head_file_ignored"]),
        (lambda path: path.write_bytes(b"[" * 100_000), ["head_file_ignored"]),
        (lambda path: path.write_bytes(b"\xff" * 90), ["head_file_ignored"]),
    ],
    ids=["missing", "altered", "empty", "zeros", "cut off", "nested", "not UTF-8"],
)
async def test_a_head_file_that_says_nothing_is_ignored(
    killed: Path, change: Callable[[Path], object], events: list[str]
) -> None:
    """Without a valid head file a log opens, and the next commit makes one."""
    change(file(killed, ".head"))
    with capture_logs() as lines:
        async with sqlite_log(killed) as log:
            await append_many(log, 1)
    await asyncio.to_thread(killed.unlink)

    assert [line["event"] for line in lines] == events
    with pytest.raises(LogLostRecords):
        async with sqlite_log(killed):
            pass


async def test_a_head_file_that_cannot_be_written_stops_nobody(path: Path) -> None:
    """A folder in its place is reported, and records are stored all the same."""
    file(path, ".head").mkdir()
    with capture_logs() as lines:
        async with sqlite_log(path) as log:
            await append_many(log, 1)

    assert [line["event"] for line in lines] == ["head_file_ignored", "head_file_not_written"]


async def test_a_copy_under_another_name_opens(path: Path, tmp_path: Path) -> None:
    """A copy without the head file opens, whatever it lacks: it is a log of its own."""
    async with sqlite_log(path) as log:
        await append_many(log, COUNT)
    shutil.copy(path, tmp_path / "copy.db")
    async with sqlite_log(tmp_path / "copy.db") as log:
        assert await log.head() == COUNT


async def test_a_symbolic_link_leads_to_the_head_file(killed: Path, tmp_path: Path) -> None:
    """A log that is opened under another name is compared with the same head file."""
    (tmp_path / "link.db").symlink_to(killed)
    without_wal(killed)
    with pytest.raises(LogLostRecords):
        async with sqlite_log(tmp_path / "link.db"):
            pass


async def test_a_log_that_lost_records_can_be_read(killed: Path) -> None:
    """Commands that only read show what is there: an operator has to look at it."""
    async with sqlite_log(killed) as log:
        pass
    with closing(sqlite3.connect(killed)) as db, db:
        db.execute("delete from log where position > 3")
    async with sqlite_reader(killed) as log:
        assert await log.head() == 3


async def test_the_head_is_recorded_while_the_log_is_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed leaves a head file, which is as old as the interval at most."""
    monkeypatch.setattr(head_recorder, "INTERVAL", 0.01)
    async with sqlite_log(path) as log:
        await append_many(log, COUNT)
        while not file(path, ".head").exists():
            await append_many(log, 1)
