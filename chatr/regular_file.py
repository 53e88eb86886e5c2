"""Opens files of which only their path is known, and nothing but regular files.

To open a FIFO waits for its other end, to open a device may do anything, and what is read from either need not end.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path


class NotRegularFile(OSError):
    """What is at the path is a folder, a FIFO, a socket or a device."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a regular file")


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Return a new descriptor of the file at `path`, to which symbolic links may lead; `flags` as of os.open.

    A file that `os.O_CREAT` creates is private. Raises NotRegularFile or another OSError.
    """
    if path.exists() and not path.is_file():
        raise NotRegularFile(path)
    # Without O_NONBLOCK, a FIFO that took the path since then would be waited for.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularFile(path)
    return descriptor


def open_to_read(path: Path) -> BufferedReader:
    """Return the regular file at `path`, open for reading bytes. Raises OSError."""
    return os.fdopen(open_regular(path), "rb")
