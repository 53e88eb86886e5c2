"""How a log in one SQLite file is read beside the process that writes it, and without one."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatr.adapters.sqlite import sqlite_log, sqlite_reader
from chatr.ports import Unusable
from chatr.schema import SchemaTooNew
from chatr.testing.contract.steps import everything, fill, followed, nothing_left


def files_beside(path: Path) -> list[Path]:
    return list(path.parent.iterdir())


async def test_a_log_that_nobody_writes_can_be_read(path: Path) -> None:
    """What a process left behind is read without one."""
    async with sqlite_log(path) as log:
        written = await fill(log, 3)
    async with sqlite_reader(path) as reader:
        assert written == await everything(reader)


async def test_a_reader_follows_what_another_process_writes(path: Path) -> None:
    """A reader looks for more by itself, within a second."""
    async with sqlite_log(path) as log, sqlite_reader(path) as reader:
        following = asyncio.create_task(followed(reader, 3))
        written = await fill(log, 2)
        written += await fill(log, 1)
        async with asyncio.timeout(1):
            assert written == await following


async def test_a_reader_keeps_no_writer_out(path: Path) -> None:
    """A log may be opened for writing while somebody looks at it."""
    async with sqlite_log(path):
        pass
    async with sqlite_reader(path) as reader, sqlite_log(path) as log:
        await fill(log, 1)

        assert await reader.head() == 1


async def test_a_reader_makes_no_file(path: Path) -> None:
    """A mistyped name is told, and does not become an empty log."""
    with pytest.raises(Unusable, match=rf"^The log at {path} .*\.$"):
        async with sqlite_reader(path):
            pass

    assert not files_beside(path)


async def test_a_reader_refuses_a_log_of_a_newer_chatr(path: Path) -> None:
    """What this version does not know it does not explain either."""
    async with sqlite_log(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(SchemaTooNew):
        async with sqlite_reader(path):
            pass


async def test_a_reader_leaves_nothing_behind(path: Path) -> None:
    """No task and no thread outlives the reader: the process can end."""
    async with sqlite_log(path) as log:
        await fill(log, 3)
    with nothing_left():
        async with sqlite_reader(path) as reader:
            await followed(reader, 3)
