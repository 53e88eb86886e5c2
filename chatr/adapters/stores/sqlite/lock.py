"""The lock of the one process that writes to a SQLite log. It is on the file itself, whatever name leads to it.

A second lock, on the file NAME.lock beside it, keeps out earlier versions of chatr, which know only that one.
"""

import errno
import fcntl
import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.descriptors import open_beside_sqlite
from chatr.adapters.stores.sqlite.files import beside, stat_or_none
from chatr.adapters.stores.sqlite.mounts import is_mount_point
from chatr.ports import CannotOpenLog
from chatr.regular_file import check_owner_if_there, check_regular, give_to_owner_of, open_regular

LOCKED_BYTE: Final = 1 << 62
"""The offset of the byte that is locked: far behind the end of any log, and the bytes at 1 GiB that SQLite locks.

flock would lock the whole file. Network disks and BSD treat that as a lock of every byte, also of SQLite's.
"""
FLOCK: Final = "@hhqqi0q"
"""The layout of Linux's `struct flock`: type, whence, start, length, process."""
HAS_LOCKS_OF_BYTES: Final = sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK")
"""macOS has these locks too, with another layout."""
IN_USE: Final = (errno.EAGAIN, errno.EACCES)
"""Errors of a lock that another process holds. Any other one means that the disk has no such lock."""

LONGEST_SUFFIX: Final = ".checkpoint.12345678.part"
"""As long as the longest one of a file beside the log: with a name that leaves no room for it, posts would fail."""


class LogInUse(CannotOpenLog):
    """Another process writes to this log."""


class WriterLock:
    """The locks that a writer holds. `by_name`: whether the disk has locks of the kind taken on the .lock file."""

    def __init__(self, path: Path, stack: ExitStack, *, by_name: bool) -> None:
        self._path = path
        self._stack = stack
        self._by_name = by_name
        self._descriptor: int | None = None

    def lock_file(self) -> None:
        """Lock the log's file, which must exist, unless that is done. Raises LogInUse, CannotOpenLog or OSError."""
        if self._descriptor is not None:
            return
        self._descriptor = self._stack.enter_context(open_beside_sqlite(beside(self._path, ""), os.O_RDWR))
        by_file = take_if_supported(self._path, lock_byte, self._descriptor)
        # The descriptor stays open as long as a reader in this process has the file open.
        self._stack.callback(release_byte, self._descriptor)
        if not by_file and not self._by_name:
            raise CannotOpenLog(
                f"The log at {self._path} cannot be opened: its disk has no locks, so that two servers could write to "
                "it. Keep the log on a local disk."
            )


@contextmanager
def locked(path: Path) -> Iterator[WriterLock]:
    """Hold the lock of the only writer of the log at `path` while the block runs.

    A file that does not exist yet has to be locked with `lock_file` once it does. Raises CannotOpenLog, LogInUse too,
    or OSError.
    """
    for each in (path, *(beside(path, suffix) for suffix in ("", "-wal", "-shm", ".lock", LONGEST_SUFFIX))):
        check_owner_if_there(each)
        check_regular(each)
    if reason := why_not_alone(path):
        raise CannotOpenLog(f"The log at {path} cannot be opened: {reason}")
    with ExitStack() as stack:
        descriptor = open_regular(beside(path, ".lock"), os.O_RDWR | os.O_CREAT)
        # The kernel releases the locks when the process ends, however it ends.
        stack.callback(os.close, descriptor)
        give_to_owner_of(path, descriptor)
        # SQLite silently opens a write-protected file read-only; then only the first post would fail.
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError("this process may not write to it")
        lock = WriterLock(path, stack, by_name=take_if_supported(path, lock_whole, descriptor))
        if path.exists():
            lock.lock_file()
        yield lock


@contextmanager
def removed_if_unused(path: Path) -> Iterator[None]:
    """Remove the lock file of the log at `path` if the block fails, and there was none before."""
    lock_path = beside(path, ".lock")
    was_there = os.path.lexists(lock_path)
    try:
        yield
    except BaseException:
        # Another process may have locked the removed file meanwhile. The lock on the log itself still excludes it.
        if not was_there:
            lock_path.unlink(missing_ok=True)
        raise


def lock_whole(descriptor: int) -> None:
    """Lock a file as a whole, without waiting. Raises OSError."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_byte(descriptor: int) -> None:
    """Lock a byte of a file for this descriptor. Raises OSError, also where the system has no such locks."""
    # Not F_SETLK, whose locks end when SQLite closes any other descriptor of the file.
    if not HAS_LOCKS_OF_BYTES:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, LOCKED_BYTE, 1, 0))


def release_byte(descriptor: int) -> None:
    """Release the lock of `lock_byte`, if the descriptor holds it."""
    if HAS_LOCKS_OF_BYTES:
        with suppress(OSError):
            unlocked = struct.pack(FLOCK, fcntl.F_UNLCK, os.SEEK_SET, LOCKED_BYTE, 1, 0)
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, unlocked)


def take_if_supported(path: Path, take: Callable[[int], None], descriptor: int) -> bool:
    """Take a lock of the log at `path`, and return whether its disk has such locks. Raises LogInUse."""
    try:
        take(descriptor)
    except OSError as error:
        if error.errno in IN_USE:
            raise LogInUse(
                f"Another process writes to {path}, perhaps under another name: stop it, or use another file."
            ) from error
        return False
    return True


def why_not_alone(path: Path) -> str | None:
    """Return why the files beside the log at `path` may not be all of its files, and what to do; None if they are."""
    status = stat_or_none(path)
    if status and status.st_nlink > 1:
        return (
            f"its file has {status.st_nlink} names (hard links), and SQLite keeps new records in a -wal file beside "
            "only one of them. Copy it with chatr backup, or remove the other names."
        )
    if status and is_mount_point(beside(path, "")):
        return (
            "its file is mounted by itself, and SQLite keeps new records in a -wal file beside it, which is not "
            "mounted. Mount the folder."
        )
    return None


def has_writer(path: Path) -> bool:
    """Return whether a process holds the lock on the file of the log at `path`; False where there are no such locks.

    Raises OSError.
    """
    if not HAS_LOCKS_OF_BYTES:
        return False
    asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, LOCKED_BYTE, 1, 0)
    with open_beside_sqlite(path) as descriptor, suppress(OSError):
        found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
        return bool(struct.unpack(FLOCK, found)[0] != fcntl.F_UNLCK)
    return False
