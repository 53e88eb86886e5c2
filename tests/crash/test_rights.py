"""The log may not be read or written: the operator is told which file is meant, and no room opens that cannot post."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession

from chatr.adapters.sqlite import sqlite_log
from tests.able import unable
from tests.conftest import Serve, Server, new_key
from tests.crash.conftest import opening
from tests.crash.kills import integrity

MORTAL: Final = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture
def mortal() -> tuple[str, ...]:
    """What to start a program with, so that the modes of files hold for it."""
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None or subprocess.run([*MORTAL, "true"], check=False).returncode:
        unable("needs a setpriv that may drop what root may do")
    return MORTAL


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a log in it, closed in order."""

    async def made() -> None:
        async with sqlite_log(tmp_path / "chatr.db"):
            pass

    asyncio.run(made())
    yield tmp_path
    for each in (tmp_path, tmp_path / "chatr.db"):
        each.chmod(0o700)


def unreadable(folder: Path) -> None:
    (folder / "chatr.db").chmod(0)


def unwritable(folder: Path) -> None:
    (folder / "chatr.db").chmod(0o400)


def no_new_files(folder: Path) -> None:
    folder.chmod(0o500)


def out_of_reach(folder: Path) -> None:
    folder.chmod(0)


@pytest.mark.parametrize("deny", [unreadable, unwritable, no_new_files, out_of_reach])
def test_a_room_that_could_not_post_does_not_open(
    mortal: tuple[str, ...], folder: Path, deny: Callable[[Path], None]
) -> None:
    """Where the log, or what lies beside it, may not be read and written, that is said at once."""
    deny(folder)
    opened = opening(folder, *mortal)

    assert opened.returncode == 2
    assert re.fullmatch(rf"chatr: The log at {folder}/chatr\.db cannot be opened: .+\.\n", opened.stderr)


def test_a_read_only_disk_is_told_in_a_sentence(disk: Path, serve: Serve) -> None:
    """A room does not open on a disk that takes nothing."""
    serve("--log", f"sqlite:///{disk}/chatr.db").kill()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    opened = opening(disk)

    assert opened.returncode == 2
    assert re.fullmatch(
        rf"chatr: The log at {disk}/chatr\.db cannot be opened: [^\n]*Read-only[^\n]*\.\n", opened.stderr
    )


async def said_by_a_new_agent(server: Server, name: str) -> int:
    async with ClientSession(server.url) as http:
        key = await new_key(http, name)
        async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
            return reply.status


async def test_rights_that_are_lost_under_a_room_do_no_harm(
    mortal: tuple[str, ...], folder: Path, serve: Serve
) -> None:
    """What is open stays open: the room goes on, stops in order, and has lost nothing."""
    server = serve("--log", f"sqlite:///{folder}/chatr.db", through=mortal)
    before = await said_by_a_new_agent(server, "Ada")
    unreadable(folder)
    no_new_files(folder)
    after = await said_by_a_new_agent(server, "Bob")
    server.process.terminate()
    code = server.process.wait()

    assert (before, after, code) == (200, 200, 0)
    assert integrity(folder / "chatr.db") == "ok"
