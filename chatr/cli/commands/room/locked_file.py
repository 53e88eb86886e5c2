"""Locks a file of the user's configuration folder against other processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o700


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Create and lock a file during the block. Raises BlockingIOError if another process has locked it, or OSError."""
    path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    # `mkdir` leaves an existing folder as it is, and its mode depends on the umask.
    path.parent.chmod(FOLDER_MODE)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # The kernel releases the lock when the process ends, even if it is killed.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
