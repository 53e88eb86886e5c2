"""A log that may not be read or written is not opened, and the error names its file."""

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

from chatr.adapters.stores.sqlite.log import sqlite_log
from tests.conftest import Serve, Server, new_key
from tests.crash.conftest import start_and_fail
from tests.crash.kills import integrity
from tests.requirements import skip_or_fail

WITHOUT_OVERRIDE: Final = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Runs a program without the capabilities by which root ignores the modes of files."""


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """The beginning of a command, with which the modes of files hold for the program also if root runs the tests."""
    if os.geteuid():
        return ()
    if shutil.which("setpriv") is None or subprocess.run([*WITHOUT_OVERRIDE, "true"], check=False).returncode:
        skip_or_fail("needs a setpriv that may drop capabilities")
    return WITHOUT_OVERRIDE


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a log."""

    async def create() -> None:
        async with sqlite_log(tmp_path / "chatr.db"):
            pass

    asyncio.run(create())
    yield tmp_path
    for each in (tmp_path, tmp_path / "chatr.db"):
        each.chmod(0o700)


def unreadable(folder: Path) -> None:
    """Take all rights to the log away."""
    (folder / "chatr.db").chmod(0)


def unwritable(folder: Path) -> None:
    """Take the right to write the log away."""
    (folder / "chatr.db").chmod(0o400)


def no_new_files(folder: Path) -> None:
    """Take the right to create files in the folder away."""
    folder.chmod(0o500)


def inaccessible(folder: Path) -> None:
    """Take all rights to the folder away."""
    folder.chmod(0)


@pytest.mark.parametrize(
    "deny",
    [
        unwritable,
        no_new_files,
        pytest.param(unreadable, marks=pytest.mark.long),
        pytest.param(inaccessible, marks=pytest.mark.long),
    ],
)
def test_a_room_that_could_not_append_does_not_open(
    unprivileged: tuple[str, ...], folder: Path, deny: Callable[[Path], None]
) -> None:
    """If the log or the files beside it may not be read and written, the server exits with an error that says so."""
    deny(folder)
    result = start_and_fail(folder, *unprivileged)

    assert result.returncode == 2
    assert re.fullmatch(rf"chatr: The log at {folder}/chatr\.db cannot be opened: .+\.\n", result.stderr)


@pytest.mark.long
def test_a_read_only_disk_is_reported_in_one_sentence(disk: Path, serve: Serve) -> None:
    """On a read-only disk the server exits with an error that says so."""
    serve("--log", f"sqlite:///{disk}/chatr.db").kill()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    result = start_and_fail(disk)

    assert result.returncode == 2
    assert re.fullmatch(
        rf"chatr: The log at {disk}/chatr\.db cannot be opened: [^\n]*Read-only[^\n]*\.\n", result.stderr
    )


async def post_as_new_agent(server: Server, name: str) -> int:
    """Register an agent, post a message, and return the status of the response."""
    async with ClientSession(server.url) as http:
        key = await new_key(http, name)
        async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as response:
            return response.status


async def test_losing_rights_does_not_affect_an_open_room(
    unprivileged: tuple[str, ...], folder: Path, serve: Serve
) -> None:
    """A room whose rights to its files are taken away goes on, stops with exit code 0, and has lost nothing."""
    server = serve("--log", f"sqlite:///{folder}/chatr.db", through=unprivileged)
    before = await post_as_new_agent(server, "Ada")
    unreadable(folder)
    no_new_files(folder)
    after = await post_as_new_agent(server, "Bob")
    server.process.terminate()
    code = server.process.wait()

    assert (before, after, code) == (200, 200, 0)
    assert integrity(folder / "chatr.db") == "ok"
