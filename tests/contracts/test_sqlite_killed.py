"""A SQLite log survives the sudden end of the process that writes it."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest
from attrs import field, frozen

from chatr.adapters.stores.sqlite.lock import LogInUse
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.ports import Stored
from chatr.testing.contract.steps import TIMEOUT, new_draft, read_all


@frozen
class Report:
    """What a writing process printed before it ended. By record id: the stream, and the expected or stored position."""

    started: dict[str, tuple[str, int]] = field(factory=dict)
    stored: dict[str, tuple[str, int]] = field(factory=dict)

    def add(self, line: bytes) -> None:
        """Parse a line that the process printed; the last one may be incomplete."""
        if line.endswith(b"\n"):
            event, record_id, stream, position = line.decode().split()
            (self.stored if event == "stored" else self.started)[record_id] = stream, int(position)


@asynccontextmanager
async def writer(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that appends to the log at `path` as fast as it can."""
    script = Path(__file__).with_name("writing.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def write_until_ended(path: Path, by: signal.Signals, after: int) -> Report:
    """Run a writing process, send it the signal `by` when `after` records are stored, and return its report."""
    report, is_sent = Report(), False
    async with asyncio.timeout(3 * TIMEOUT), writer(path) as process:
        assert process.stdout
        async for line in process.stdout:
            report.add(line)
            # Once: a second SIGINT would interrupt what the first one has begun.
            if len(report.stored) == after and not is_sent:
                process.send_signal(by)
                is_sent = True
    return report


async def stored_records(path: Path) -> list[Stored]:
    """Open the log and return all records."""
    async with sqlite_log(path) as log:
        return await read_all(log)


@pytest.mark.parametrize("kills", [3, pytest.param(25, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
async def test_acknowledged_records_survive_kills(path: Path, kills: int) -> None:
    """However often the writer is killed, the log is intact, and holds every acknowledged record at its position."""
    acknowledged: dict[str, tuple[str, int]] = {}
    for kill in range(kills):
        acknowledged |= (await write_until_ended(path, signal.SIGKILL, after=Random(kill).randrange(1, 1_000))).stored
    records = await stored_records(path)
    with closing(sqlite3.connect(path)) as db:
        integrity = db.execute("pragma integrity_check").fetchone()

    assert integrity == ("ok",)
    assert [each.position for each in records] == list(range(1, len(records) + 1))
    assert acknowledged.items() <= {each.id: (each.stream, each.position) for each in records}.items()


async def test_appends_of_a_killed_process_are_stored_once_when_repeated(path: Path) -> None:
    """Whether an interrupted append was stored or not, repeating it results in one record."""
    report = await write_until_ended(path, signal.SIGKILL, after=200)
    async with sqlite_log(path) as log:
        for record_id, (stream, expected) in report.started.items():
            await log.append(new_draft(stream, record_id=record_id), expected=expected)

        assert sorted(report.started) == sorted(each.id for each in await read_all(log))


async def test_a_process_that_is_interrupted_ends(path: Path) -> None:
    """No thread keeps a process running after SIGINT, and what it acknowledged is stored."""
    report = await write_until_ended(path, signal.SIGINT, after=200)

    assert report.stored.keys() <= {each.id for each in await stored_records(path)}


async def test_a_running_writer_excludes_other_processes(path: Path) -> None:
    """A second writing process, which could damage the file, is rejected."""
    async with asyncio.timeout(3 * TIMEOUT), writer(path) as process:
        assert process.stdout
        await process.stdout.readline()
        with pytest.raises(LogInUse):
            await stored_records(path)


async def test_a_killed_writer_excludes_no_process(path: Path) -> None:
    """The lock is released when the process that holds it is killed."""
    report = await write_until_ended(path, signal.SIGKILL, after=1)

    assert report.stored.keys() <= {each.id for each in await stored_records(path)}
