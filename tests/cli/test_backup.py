"""chatr backup: a copy of a log that is being written, as it is at one moment."""

import asyncio
import json
import threading
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from chatr.adapters.sqlite import sqlite_log, sqlite_reader
from chatr.adapters.sqlite_backup import backup
from chatr.past import nowhere
from chatr.ports import Unusable
from chatr.testing.contract.steps import PATIENCE, chain, draft, everything, fill, nothing_left, turns
from tests.cli.conftest import PAST, Chatr, File
from tests.cli.moving import HEAD, done, refused, stored
from tests.conftest import Serve, Server


def test_a_backup_is_the_log(chatr: Chatr, file: File, tmp_path: Path) -> None:
    """The copy holds every record, is for its owner only, and is one file."""
    told = done(chatr, "backup", tmp_path / "copies.db", "--log", file.url)

    assert told == f"{len(PAST)} records backed up. Head: {len(PAST)}:{HEAD}\n"
    assert stored(tmp_path / "copies.db") == stored(file.path)
    assert (tmp_path / "copies.db").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob("copies*")] == ["copies.db"]


def register(server: Server, name: str) -> None:
    body = json.dumps({"name": name}).encode()
    with urlopen(Request(f"{server.url}/api/register", body, {"Content-Type": "application/json"})) as reply:
        assert reply.status == 200


def test_a_room_goes_on_from_its_backup(chatr: Chatr, serve: Serve, tmp_path: Path) -> None:
    """A backup is taken while the room is open; to restore it is to start on it."""
    log, copy = f"sqlite:///{tmp_path}/chatr.db", f"sqlite:///{tmp_path}/copy.db"
    first = serve("--log", log)
    register(first, "Ada")
    done(chatr, "backup", tmp_path / "copy.db", "--log", log)
    register(first, "Bob")
    again = serve("--log", copy)
    register(again, "Bob")

    assert json.loads(again.get("/api/agents"))["stats"]["totalAgents"] == 2


async def test_a_backup_is_of_one_moment(tmp_path: Path) -> None:
    """While records keep coming, the copy holds all up to a position and none after it."""
    async with sqlite_log(tmp_path / "chatr.db") as log:
        await fill(log, 2_000)
        writing = asyncio.create_task(chain(log, "agent/ada", 200))
        position = await backup(tmp_path / "chatr.db", tmp_path / "copy.db", nowhere)
        await writing
        whole = await everything(log)
    async with sqlite_reader(tmp_path / "copy.db") as copy:
        assert await everything(copy) == whole[:position]


async def test_a_backup_can_be_interrupted(tmp_path: Path) -> None:
    """When nobody waits for it any longer, a backup ends after the pages that it is at."""
    begun, cancelled = threading.Event(), threading.Event()
    steps: list[int] = []

    def step(position: int) -> None:
        steps.append(position)
        begun.set()
        cancelled.wait(PATIENCE)

    async with sqlite_log(tmp_path / "chatr.db") as log:
        await asyncio.gather(*(log.append(draft(data="x" * 60_000), expected=0) for _ in range(200)))
        with nothing_left():
            copying = asyncio.create_task(backup(tmp_path / "chatr.db", tmp_path / "copy.db", step))
            while not begun.is_set():
                await turns(1)
            copying.cancel()
            await turns(1)
            cancelled.set()
            await asyncio.wait([copying])

    assert (copying.cancelled(), len(steps)) == (True, 1)


def test_a_backup_overwrites_nothing(chatr: Chatr, file: File, tmp_path: Path) -> None:
    """A file that exists is named, and stays as it is."""
    (tmp_path / "copy.db").write_bytes(b"mine")

    assert "copy.db exists" in refused(chatr, "backup", tmp_path / "copy.db", "--log", file.url)
    assert (tmp_path / "copy.db").read_bytes() == b"mine"


async def test_a_file_that_is_no_log(tmp_path: Path) -> None:
    """What cannot be read is named."""
    (tmp_path / "chatr.db").write_bytes(b"Dear diary")
    with pytest.raises(Unusable, match=r"chatr\.db"):
        await backup(tmp_path / "chatr.db", tmp_path / "copy.db", nowhere)
