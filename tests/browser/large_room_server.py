"""A server of the large room, in a process of its own that all processes of a test run share."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import Final

from attrs import frozen

LONGEST_MAKING: Final = 400
"""Seconds in which a busy machine writes the log, folds it and indexes it. Two idle processors need 40."""
STARTED: Final[list[subprocess.Popen[str]]] = []
"""The servers that this process started. They end by themselves, and maybe after it: another process may use them."""


@frozen
class LargeRoom:
    """The running room at `url`, and the `path` of its log."""

    url: str
    path: Path


@contextmanager
def large_room_in(folder: Path) -> Iterator[LargeRoom]:
    """Serve the room, whose files are in `folder`. The first process makes the log and starts the server.

    It ends when no process is in this context any more, also where one was killed.
    """
    folder.mkdir(exist_ok=True)
    path = folder / "chatr.db"
    with (folder / "starting").open("a") as starting, (folder / "address").open("a+") as address:
        flock(starting, LOCK_EX)
        # While a process holds this lock, the server that wrote its address stays.
        flock(address, LOCK_SH)
        address.seek(0)
        url = address.read() or start_server(path, address.name)
        flock(starting, LOCK_UN)
        yield LargeRoom(url, path)


def start_server(path: Path, address: str) -> str:
    """Start the server, and return the URL that it has written into the file at `address`."""
    # In a process of its own, whose classes are not frozen as those of tests are: that takes half the time.
    program = [sys.executable, "-m", "tests.browser.large_room", str(path), "--serve", address]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    STARTED.append(process)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url, "The large room did not start."
    return url
