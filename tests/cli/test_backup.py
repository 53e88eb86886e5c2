"""chatr backup copies a SQLite log as it is at one moment, also while it is written."""

import asyncio
import json
import threading
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.past.replay import ignore_progress
from chatr.ports import CannotOpenLog
from chatr.testing.contract.steps import (
    TIMEOUT,
    append_chain,
    append_many,
    new_draft,
    no_tasks_or_threads_left,
    read_all,
    run_event_loop,
)
from tests.cli.conftest import COMMANDS, Chatr, LogFile
from tests.cli.steps import DIGEST, error_of, output_of, stored_records
from tests.conftest import Serve, Server


def test_a_backup_holds_every_record(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """The copy is one file that holds every record and that only its owner may read."""
    output = output_of(chatr, "backup", tmp_path / "copies.db", "--log", log_file.url)

    file, count = tmp_path / "copies.db", len(COMMANDS)
    assert output == f"{count} records backed up to {file}. Head: {count}:{DIGEST}\n"
    assert stored_records(tmp_path / "copies.db") == stored_records(log_file.path)
    assert (tmp_path / "copies.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("copies*")] == ["copies.db"]


def register(server: Server, name: str) -> None:
    """Register an agent."""
    body = json.dumps({"name": name}).encode()
    with urlopen(Request(f"{server.url}/api/register", body, {"Content-Type": "application/json"})) as response:
        assert response.status == 200


@pytest.mark.long
def test_a_server_starts_on_a_backup(chatr: Chatr, serve: Serve, tmp_path: Path) -> None:
    """A backup that was taken while a server ran is restored by starting a server on it."""
    log, copy = f"sqlite:///{tmp_path}/chatr.db", f"sqlite:///{tmp_path}/copy.db"
    first = serve("--log", log)
    register(first, "Ada")
    output_of(chatr, "backup", tmp_path / "copy.db", "--log", log)
    register(first, "Bob")
    restored = serve("--log", copy)
    register(restored, "Bob")

    assert json.loads(restored.get("/api/agents"))["stats"]["totalAgents"] == 2


async def test_a_backup_is_of_one_moment(tmp_path: Path) -> None:
    """While records are appended, the copy holds all records up to one position and none after it."""
    async with sqlite_log(tmp_path / "chatr.db") as log:
        await append_many(log, 2_000)
        appending = asyncio.create_task(append_chain(log, "agent/ada", 200))
        position = await backup(tmp_path / "chatr.db", tmp_path / "copy.db", ignore_progress)
        await appending
        records = await read_all(log)
    async with sqlite_reader(tmp_path / "copy.db") as copy:
        assert await read_all(copy) == records[:position]


async def test_a_cancelled_backup_stops_copying(tmp_path: Path) -> None:
    """A backup that is cancelled ends after the pages that it is copying, and leaves no thread."""
    begun, cancelled = threading.Event(), threading.Event()
    steps: list[int] = []

    def step(position: int) -> None:
        steps.append(position)
        begun.set()
        cancelled.wait(TIMEOUT)

    async with sqlite_log(tmp_path / "chatr.db") as log:
        await asyncio.gather(*(log.append(new_draft(data="x" * 60_000), expected=0) for _ in range(200)))
        with no_tasks_or_threads_left():
            copying = asyncio.create_task(backup(tmp_path / "chatr.db", tmp_path / "copy.db", step))
            while not begun.is_set():
                await run_event_loop(1)
            copying.cancel()
            await run_event_loop(1)
            cancelled.set()
            await asyncio.wait([copying])

    assert (copying.cancelled(), len(steps)) == (True, 1)


def test_a_backup_overwrites_no_file(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """If the file exists, the error names it and it stays as it is."""
    (tmp_path / "copy.db").write_bytes(b"mine")

    assert "copy.db exists" in error_of(chatr, "backup", tmp_path / "copy.db", "--log", log_file.url)
    assert (tmp_path / "copy.db").read_bytes() == b"mine"


async def test_a_file_without_a_log_is_not_backed_up(tmp_path: Path) -> None:
    """The error names the file that is not a log."""
    (tmp_path / "chatr.db").write_bytes(b"Dear diary")
    with pytest.raises(CannotOpenLog, match=r"chatr\.db"):
        await backup(tmp_path / "chatr.db", tmp_path / "copy.db", ignore_progress)
