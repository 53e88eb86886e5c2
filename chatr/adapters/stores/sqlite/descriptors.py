"""Opens the file of a log beside the connections of SQLite to it in this process.

To close any descriptor of a file releases all locks of this process on it, those of SQLite too. Then a program that
closes the log removes the -wal file in use. See https://www.sqlite.org/howtocorrupt.html, section 2.2.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import define, field

from chatr.regular_file import open_regular


@define
class OpenFile:
    """A file's open blocks, and all descriptors that were opened for them. `shared` is the one for reading."""

    blocks: int = 0
    descriptors: list[int] = field(factory=list)
    shared: int | None = None


_open_files: Final[dict[tuple[int, int], OpenFile]] = {}
"""By device and inode: a file may have several names."""
_guard: Final = threading.Lock()


@contextmanager
def open_beside_sqlite(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Yield a descriptor of the log's file; `flags` as of `open_regular`. Whoever has SQLite open the file does so
    inside such a block: descriptors are closed when the last block on the file ends.

    One for reading may be shared with other blocks, so it is read with os.pread. Raises OSError.
    """
    with _guard:
        inode, descriptor = opened(path, flags)
        file = _open_files[inode]
        file.blocks += 1
    try:
        yield descriptor
    finally:
        with _guard:
            file.blocks -= 1
            if not file.blocks:
                del _open_files[inode]
                for each in file.descriptors:
                    os.close(each)


def opened(path: Path, flags: int) -> tuple[tuple[int, int], int]:
    """Return device and inode of a file, and an open descriptor that is remembered. Raises OSError."""
    status = path.stat()
    known = _open_files.get((status.st_dev, status.st_ino))
    if known and known.shared is not None and flags == os.O_RDONLY:
        return (status.st_dev, status.st_ino), known.shared
    descriptor = open_regular(path, flags)
    # Asked again: another file may have got the name meanwhile.
    status = os.fstat(descriptor)
    file = _open_files.setdefault((status.st_dev, status.st_ino), OpenFile())
    file.descriptors.append(descriptor)
    if flags == os.O_RDONLY:
        file.shared = descriptor
    return (status.st_dev, status.st_ino), descriptor
