"""A log in a file, written by a process that is ended without warning."""

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

from chatr.adapters.sqlite import sqlite_log
from chatr.adapters.sqlite_file import LogInUse
from chatr.ports import Stored
from chatr.testing.contract.steps import PATIENCE, draft, everything


@frozen
class Told:
    """What a writing process said before it ended: id, stream and position of drafts."""

    asked: dict[str, tuple[str, int]] = field(factory=dict)
    landed: dict[str, tuple[str, int]] = field(factory=dict)

    def hear(self, line: bytes) -> None:
        """The last line of a process that was killed may be cut off."""
        if line.endswith(b"\n"):
            what, record_id, stream, position = line.decode().split()
            (self.landed if what == "landed" else self.asked)[record_id] = stream, int(position)


@asynccontextmanager
async def writer(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that appends to the log at `path` as fast as it can."""
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


async def ended(path: Path, by: signal.Signals, after: int) -> Told:
    """Let a process write until so many drafts have landed, then end it."""
    told = Told()
    async with asyncio.timeout(3 * PATIENCE), writer(path) as process:
        assert process.stdout
        async for line in process.stdout:
            told.hear(line)
            if len(told.landed) == after:
                process.send_signal(by)
    return told


async def stored(path: Path) -> list[Stored]:
    async with sqlite_log(path) as log:
        return await everything(log)


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
async def test_what_was_acknowledged_outlives_a_kill(path: Path, kills: int) -> None:
    """However often the writer is killed, the log is whole and holds what was acknowledged, where it was said to be."""
    landed: dict[str, tuple[str, int]] = {}
    for kill in range(kills):
        landed |= (await ended(path, signal.SIGKILL, after=Random(kill).randrange(1, 1_000))).landed
    found = await stored(path)
    with closing(sqlite3.connect(path)) as db:
        verdict = db.execute("pragma integrity_check").fetchone()

    assert verdict == ("ok",)
    assert [each.position for each in found] == list(range(1, len(found) + 1))
    assert landed.items() <= {each.draft.id: (each.draft.stream, each.position) for each in found}.items()


async def test_what_was_asked_of_a_killed_process_is_stored_once_when_sent_again(path: Path) -> None:
    """Whether a doubtful draft had landed or not, sending it again makes it one record."""
    told = await ended(path, signal.SIGKILL, after=200)
    async with sqlite_log(path) as log:
        for record_id, (stream, expected) in told.asked.items():
            await log.append(draft(stream, record_id=record_id), expected=expected)

        assert sorted(told.asked) == sorted(each.draft.id for each in await everything(log))


async def test_a_process_that_is_interrupted_ends(path: Path) -> None:
    """No thread keeps a process alive whose owner pressed Ctrl-C, and what it acknowledged is there."""
    told = await ended(path, signal.SIGINT, after=200)

    assert told.landed.keys() <= {each.draft.id for each in await stored(path)}


async def test_a_living_writer_keeps_every_other_process_out(path: Path) -> None:
    """Two writing processes could damage the file, so the second one is refused."""
    async with asyncio.timeout(3 * PATIENCE), writer(path) as process:
        assert process.stdout
        await process.stdout.readline()
        with pytest.raises(LogInUse):
            await stored(path)


async def test_a_killed_writer_keeps_nobody_out(path: Path) -> None:
    """The lock ends with the process that held it."""
    told = await ended(path, signal.SIGKILL, after=1)

    assert told.landed.keys() <= {each.draft.id for each in await stored(path)}
