"""The files of a SQLite log: where they are, and whether they are still in place."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.faults import FILES
from chatr.ports import LogUnavailable

INCOMPLETE: Final = ".incomplete"
"""Ends the name of a file to which a log is still being copied."""


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a file that belongs to the log, beside the file to which a symbolic link leads."""
    # SQLite does the same with its files. So a log under two names has one lock.
    # Unlike Path.resolve, this raises no RuntimeError where links lead in a circle.
    return Path(f"{os.path.realpath(path)}{suffix}")


def side_file_size(path: Path, suffix: str) -> int:
    """Return the size of a file beside the log at `path` in bytes, 0 if there is none."""
    return size_of(stat_or_none(beside(path, suffix)))


class OpenFiles:
    """Remembers which files were opened, and finds out whether the same files are still at their paths.

    To be made when the log is open and all of its files exist. Raises OSError otherwise.

    SQLite itself does not notice: it goes on writing to a file that was removed or replaced, and what it acknowledges
    is gone at the next start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # `path` itself is not resolved, so that a symbolic link that now leads elsewhere is noticed.
        self._paths = (path, *(beside(path, suffix) for suffix in ("-wal", "-shm", ".lock")))
        self._opened = [each.stat() for each in self._paths]
        self._size = self._opened[0].st_size
        self._may_shrink = False

    def missing_or_replaced_path(self) -> Path | None:
        """Return the path of a file that was removed or replaced, or None."""
        return self._first_changed(map(stat_or_none, self._paths))

    def _first_changed(self, statuses: Iterable[os.stat_result | None]) -> Path | None:
        """Return the first path whose current status is not that of the file that was opened, or None."""
        for path, opened, current in zip(self._paths, self._opened, statuses, strict=True):
            if current is None or not os.path.samestat(opened, current):
                return path
        return None

    def check(self) -> None:
        """Raise LogUnavailable if a file was removed or replaced, or if the log was cut off."""
        # Asked once for each file, because this precedes every commit.
        statuses = [stat_or_none(path) for path in self._paths]
        if missing := self._first_changed(statuses):
            raise LogUnavailable(
                f"{missing} was removed or replaced, or cannot be reached: put it back, or start chatr again"
            )
        size = size_of(statuses[0])
        # No row is ever deleted from a log, so its file never becomes smaller.
        if size < self._size and not self._may_shrink:
            raise LogUnavailable(
                f"{self._path} was cut off: stop chatr, move it away {FILES}, and put a backup in its place"
            )
        self._size = size

    def allow_shrinking(self, *, allowed: bool) -> None:
        """Say whether the log's file may become smaller from now on, as when SQLite rewrites it."""
        self._may_shrink, self._size = allowed, self._current_size()

    def _current_size(self) -> int:
        """Return the size of the log's file in bytes, 0 if it cannot be reached."""
        return size_of(stat_or_none(self._path))


def size_of(status: os.stat_result | None) -> int:
    """Return the size of a file with this status in bytes, 0 if there is none."""
    return status.st_size if status else 0


def stat_or_none(path: Path) -> os.stat_result | None:
    """Return the status of a file, or None if there is none or if it cannot be reached."""
    try:
        return path.stat()
    except OSError:
        return None
