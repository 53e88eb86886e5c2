"""A SQLite log can be read for long without a trace, while its server is started, stopped, killed, or given a copy."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.readable import STALE
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.adapters.stores.sqlite.reopening import ReopeningReader, reopening_reader, unchanged_database
from chatr.domain.events import Cursor
from chatr.ports import CannotOpenLog, LogChanged, LogDamaged, LogReader, LogUnavailable, Stored
from chatr.testing.contract.steps import append_many, no_tasks_or_threads_left, read_all, read_tail
from tests.contracts.test_sqlite_without_rights import (
    STATES,
    folder,
    killed_without_shm,
    names_in,
    open_to_readers,
    stopped,
    without_rights,
)

__all__ = ["folder"]

Prepare = Callable[[Path], Awaitable[None]]
Opening = Callable[[Path], AbstractAsyncContextManager[LogReader]]
QUICK = 0.001
"""Seconds between two polls."""


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of each file in a folder."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


async def continued(reader: ReopeningReader, after: Cursor, count: int) -> list[Stored]:
    """Return the next `count` records after a cursor."""
    records: list[Stored] = []
    async for batch in reader.tail(after):
        records += batch
        if len(records) >= count:
            break
    return records


@pytest.mark.parametrize("prepare", STATES)
async def test_no_file_is_created_or_changed(prepare: Prepare, path: Path) -> None:
    """Whoever may write the log and its folder reads every record, and the files are afterwards what they were."""
    await prepare(path)
    if prepare.__name__ == "killed_with_a_private_shm":
        path.with_name(f"{path.name}-shm").chmod(0o600)
    before = contents(path.parent)
    with capture_logs():
        async with reopening_reader(path) as reader:
            assert [stored.position for stored in await read_all(reader)] == [1, 2, 3]

    assert contents(path.parent) == before


@pytest.mark.parametrize("prepare", STATES)
async def test_every_record_is_read_without_rights(prepare: Prepare, folder: Path) -> None:
    """A user who may only read the files reads every record, and none is created."""
    path = folder / "chatr.db"
    await prepare(path)
    open_to_readers(folder)
    before = names_in(folder)
    with without_rights(folder), tempfile.TemporaryDirectory(), capture_logs():
        async with reopening_reader(path) as reader:
            assert [stored.position for stored in await read_all(reader)] == [1, 2, 3]

    assert names_in(folder) == before


async def test_a_running_log_is_followed_without_rights(folder: Path) -> None:
    """A user who may only read the files sees what the server appends meanwhile."""
    path = folder / "chatr.db"
    async with sqlite_log(path) as log:
        first = await append_many(log, 1)
        open_to_readers(folder)
        with without_rights(folder):
            async with reopening_reader(path, poll_interval=QUICK) as reader:
                tailing = asyncio.create_task(continued(reader, first[0].cursor, 2))
                written = await append_many(log, 2)

                assert await tailing == written


async def test_a_server_may_start_and_stop_meanwhile(path: Path) -> None:
    """A tail goes on where it was when a server begins to write to a stopped log, stops, and begins again."""
    await stopped(path)
    async with reopening_reader(path, poll_interval=QUICK) as reader:
        cursor = (await read_all(reader))[-1].cursor
        for _ in range(3):
            async with sqlite_log(path) as log:
                tailing = asyncio.create_task(continued(reader, cursor, 1))
                written = await append_many(log, 1)
                assert await tailing == written
            cursor = written[-1].cursor

        assert await reader.head() == 6


async def test_another_log_in_its_place_is_noticed(path: Path) -> None:
    """When a file with other records takes the place of the log, the tail reports it, and the new file is read."""
    other = path.with_name("other.db")
    await stopped(path)
    async with sqlite_log(other) as log:
        await append_many(log, 5)
    async with reopening_reader(path, poll_interval=QUICK) as reader:
        cursor = (await read_all(reader))[-1].cursor
        other.replace(path)
        with pytest.raises(LogChanged):
            await continued(reader, cursor, 1)

        assert await reader.head() == 5


async def test_a_command_does_not_go_on_with_another_log(path: Path) -> None:
    """A reader that is to read one log only reads nothing more when another file has its place."""
    other = path.with_name("other.db")
    await stopped(path)
    await stopped(other)
    async with reopening_reader(path, is_replaceable=False) as reader:
        await reader.read(0, 1)
        other.replace(path)

        with pytest.raises(LogDamaged, match=r"^Another file took the place of .*: run the command again\.$"):
            await reader.read(1, 1)


@pytest.mark.parametrize("opening", [reopening_reader, partial(sqlite_reader, readable=unchanged_database)])
async def test_a_copy_has_no_name_once_it_is_open(
    opening: Opening, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is gone with its process, however that ends; until then it is read. Its reason is logged."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    await killed_without_shm(path)
    with capture_logs() as lines:
        async with opening(path) as reader:
            names = names_in(temporary)
            positions = [stored.position for stored in await read_all(reader)]

    assert (names, positions) == ([], [1, 2, 3])
    assert [line["reason"] for line in lines] == [
        "it has a -wal file without a -shm file, which SQLite would create beside it"
    ]


async def test_a_copy_that_a_killed_process_left_is_removed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next copy removes it, unless it is so new that its process may be about to open it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await killed_without_shm(path)
    for name, age in (("chatr-copy-old", STALE + 60), ("chatr-copy-new", 60), ("other-old", STALE + 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "copy.db").touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with capture_logs():
        async with reopening_reader(path):
            pass

    assert [name for name in names_in(tmp_path) if "chatr.db" not in name] == ["chatr-copy-new", "other-old"]


async def test_a_removed_log_is_away_until_it_is_back(path: Path) -> None:
    """While the file is not there nothing can be read; when it is there again, everything can."""
    await stopped(path)
    async with reopening_reader(path) as reader:
        shutil.move(path, path.with_name("elsewhere"))
        with pytest.raises(LogUnavailable):
            await reader.head()
        shutil.move(path.with_name("elsewhere"), path)

        assert await reader.head() == 3


async def test_a_log_that_is_not_there_is_not_created(path: Path) -> None:
    """A mistyped name is an error, and leaves no file."""
    with pytest.raises(CannotOpenLog, match=rf"^The log at {path} .*\.$"):
        async with reopening_reader(path):
            pass

    assert list(path.parent.iterdir()) == []


async def test_a_server_may_write_meanwhile(path: Path) -> None:
    """A log can be opened for writing, and closed, while it is read."""
    await stopped(path)
    with no_tasks_or_threads_left():
        async with reopening_reader(path, poll_interval=QUICK) as reader:
            async with sqlite_log(path) as log:
                await append_many(log, 1)
                await read_tail(reader, 4)

            assert await reader.head() == 4
