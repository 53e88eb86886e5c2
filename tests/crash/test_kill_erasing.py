"""A process that is killed while it erases leaves a log of which the next one can erase the rest."""

import shutil
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.testing.contract.steps import read_all
from tests.contracts.erased_texts import append_text, older_log, random_text, texts_left
from tests.crash.kills import integrity

TEXTS = [random_text(length, seed) for seed, length in enumerate([100] * 210 + [9_000])]
"""More records than are erased in one transaction, and a long one."""


async def erase_until_killed(path: Path, call: int) -> bool:
    """Run a process that erases all records and is killed before a call of SQLite; return whether it was done."""
    process = await create_subprocess_exec(
        sys.executable, "-m", "tests.crash.killed_erasing", path, f"{call}", stdout=PIPE
    )
    output, _ = await process.communicate()
    return output == b"erased\n"


async def logs_of_killed_processes(original: Path, folder: Path) -> AsyncIterator[Path]:
    """Yield copies of the log at `original` after a process was killed before each call that it makes to erase it."""
    for call in range(1, 100):
        path = shutil.copytree(original.parent, folder / str(call)) / original.name
        if await erase_until_killed(path, call):
            return
        yield path


@pytest.mark.long
@pytest.mark.timeout(200)
@pytest.mark.parametrize("older", [False, True])
async def test_a_killed_erasing_is_completed(tmp_path: Path, *, older: bool) -> None:
    """Wherever a process is killed that erases: the file is intact, each record has its text or none, what is empty
    left nothing once the log is open again, and a repetition erases the rest. The same for a file of an older version.
    """
    original, killed = tmp_path / "original" / "chatr.db", 0
    original.parent.mkdir()
    async with (older_log if older else sqlite_log)(original) as log:
        for text in TEXTS:
            await append_text(log, text)
    async for path in logs_of_killed_processes(original, tmp_path):
        killed += 1
        assert integrity(path) == "ok"
        async with sqlite_log(path) as log:
            texts = [record.data for record in await read_all(log)]
            assert all(text in {"", TEXTS[number]} for number, text in enumerate(texts))
            if not older:
                assert texts_left(set(TEXTS) - set(texts), path.parent) == []
            await log.erase(range(1, len(TEXTS) + 1))
            assert texts_left(TEXTS, path.parent) == []

    assert killed > 10
