"""Commands that read a log create and change no file beside it, whether its server was stopped or killed."""

import asyncio
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from chatr.adapters.stores.sqlite.log import sqlite_log
from tests.cli.conftest import Chatr, LogFile

COMMANDS: Final = {
    "audit": ("--log", "{log}"),
    "backup": ("{folder}/backup.db", "--log", "{log}"),
    "copy": ("{log}", "sqlite:///{folder}/copy.db"),
    "diff": ("{log}", "{log}"),
    "doctor": ("--log", "{log}"),
    "explain": ("5", "--log", "{log}"),
    "export": ("{folder}/export.jsonl", "--log", "{log}"),
    "log": ("--log", "{log}"),
    "replay": ("--log", "{log}"),
}
"""The commands that open a log to read it, with their arguments. tests/cli/test_view.py has chatr view."""


def stopped(_log: LogFile) -> None:
    """Leave the files as a server leaves them that stops in order."""


def killed(log: LogFile) -> None:
    """Make the files those of a server that was killed: records are only in the -wal file."""
    asyncio.run(with_files_of_an_open_log(log.path))


async def with_files_of_an_open_log(path: Path) -> None:
    """Make the files what they are while the log is open."""
    async with sqlite_log(path):
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{suffix}", f"{path}{suffix}.kept")
    for suffix in ("", "-wal", "-shm"):
        shutil.move(f"{path}{suffix}.kept", f"{path}{suffix}")


def without_shm(log: LogFile) -> None:
    """Make the files those of a server that was killed, copied without the -shm file."""
    killed(log)
    Path(f"{log.path}-shm").unlink()


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file in a folder."""
    return {each.name: sha256(each.read_bytes()).hexdigest() for each in folder.iterdir() if each.is_file()}


@pytest.mark.parametrize("leave", [stopped, killed, without_shm])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_left_beside_the_log(
    command: str, leave: Callable[[LogFile], None], chatr: Chatr, log_file: LogFile, tmp_path: Path
) -> None:
    """Also not the -wal and -shm files of SQLite, which a server of another user could not open."""
    leave(log_file)
    (tmp_path / "folder").mkdir()
    before = digests(tmp_path)
    words = {"log": log_file.url, "folder": str(tmp_path / "folder")}
    result = chatr(command, *(each.format(**words) for each in COMMANDS[command]))

    # chatr doctor may find something about the machine, and says it in its exit code.
    assert result.code == 0 or command == "doctor", result.err
    assert digests(tmp_path) == before
