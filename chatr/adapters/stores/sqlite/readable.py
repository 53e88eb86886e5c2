"""Opens a SQLite log for a reader that may not write beside it, as on a read-only disk or in another user's folder.

A database in WAL mode can usually be read only by somebody who may create its -shm file.
"""

import os
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

import structlog
from attrs import field, frozen

from chatr.adapters.stores.sqlite.descriptors import open_beside_sqlite
from chatr.adapters.stores.sqlite.faults import kind_of
from chatr.adapters.stores.sqlite.files import beside, side_file_size, stat_or_none
from chatr.atomic_file import no_room_as_cannot_open
from chatr.ports import CannotOpenLog, LogDamaged
from chatr.regular_file import check_regular

BUSY_TIMEOUT: Final = 5.0
"""Seconds for which SQLite waits where another program locks the file."""
NO_RIGHTS: Final = ("CANTOPEN", "READONLY")
"""Kinds of SQLite's errors where it may not create the files that it needs."""
NO_SHARED_MEMORY: Final = "SQLITE_IOERR_SHM"
"""The beginning of the names of SQLite's errors where the disk is full, or has no shared memory."""
ATTEMPTS: Final = 5
"""How often a copy is tried, where a server writes to the files meanwhile."""
PREFIX: Final = "chatr-copy-"
"""Begins the names of the temporary folders of copies."""
STALE: Final = 3600
"""Age in seconds of a copy whose process was killed. Others lose their names within seconds, when they are open."""

logger = structlog.get_logger()


@frozen
class Readable:
    """Where SQLite can read a log: the URI of the database, and `check`, to be called after each read.

    `check` raises LogDamaged if what was read may be inconsistent, because a server was started on the file meanwhile.
    `when_open` is to be called when a connection that stays open has read something, and no other will be opened: it
    removes the names of a copy, whose files are then gone with the process, also if that is killed.
    """

    address: str
    check: Callable[[], None] = field(default=lambda: None)
    when_open: Callable[[], None] = field(default=lambda: None)


@contextmanager
def readable_database(path: Path) -> Iterator[Readable]:
    """Yield where the log at `path` can be read. Raises CannotOpenLog, sqlite3.Error or OSError."""
    check_regular(path)
    with open_beside_sqlite(path):
        yield from readable_addresses(path)


def readable_addresses(path: Path) -> Iterator[Readable]:
    """Yield an address at which SQLite can read the log at `path`. Raises as `readable_database`."""
    address = read_only_address(path)
    try:
        try_to_read(address)
    except sqlite3.OperationalError as error:
        if kind_of(error) not in NO_RIGHTS and not error.sqlite_errorname.startswith(NO_SHARED_MEMORY):
            raise
    else:
        yield Readable(address)
        return
    if side_file_size(path, "-wal"):
        with copied(path, "it has a -wal file, and SQLite cannot use a -shm file beside it") as copy:
            yield copy
        return
    # Without a -wal file the main file is the whole log. SQLite then locks nothing, and looks for no other file.
    before, address = identity(path), f"{address}&immutable=1"
    try_to_read(address)
    yield Readable(address, lambda: check_unchanged(path, before))


def read_only_address(path: Path) -> str:
    """Return the URI with which SQLite opens the database at `path` only to read it."""
    return f"{path.absolute().as_uri()}?mode=ro"


def try_to_read(address: str) -> None:
    """Read something from a database. Raises sqlite3.Error."""
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT)) as db:
        db.execute("select count(*) from sqlite_master").fetchall()


Identity = tuple[int, int, int] | None
"""Inode, size and time of change of a file, None if there is none."""


def identity(path: Path) -> Identity:
    """Return what changes when the file at `path` is written or replaced."""
    status = stat_or_none(path)
    return status and (status.st_ino, status.st_size, status.st_mtime_ns)


def check_unchanged(path: Path, before: Identity) -> None:
    """Raise LogDamaged if the log at `path` was written since its identity was `before`."""
    if identity(path) != before or side_file_size(path, "-wal"):
        raise LogDamaged(f"A server was started on the log at {path} while it was read: run the command again.")


@contextmanager
def copied(path: Path, reason: str) -> Iterator[Readable]:
    """Copy the log at `path` and its -wal file to a private folder, and remove that when the block ends.

    `reason` is logged: what keeps the files from being read in place. Raises CannotOpenLog if the -wal file may not be
    read, if a server writes to the files all the time, or if there is no room for the copy, or OSError.
    """
    remove_stale_copies()
    with sigterm_unwinds(), TemporaryDirectory(prefix=PREFIX) as name:
        folder, copy = Path(name), Path(name, "copy.db")
        for _ in range(ATTEMPTS):
            before = identities(path)
            with no_room_as_cannot_open(path):
                copy_files(path, copy)
            # Neither has changed meanwhile, so the copies fit together, like the files of a process that was killed.
            if before == identities(path):
                logger.warning("reading_a_copy", log=str(path), reason=reason)
                # TemporaryDirectory does not mind that its folder is gone.
                yield Readable(read_only_address(copy), when_open=lambda: shutil.rmtree(folder))
                return
    raise CannotOpenLog(
        f"The log at {path} cannot be read: a server writes to it, and this user may not lock it. Run the command as "
        "the user of the server, or read a backup."
    )


def remove_stale_copies() -> None:
    """Remove the copies that processes of this user have left, because they were killed before the copy was open."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            if status.st_uid == os.geteuid() and status.st_mtime < time.time() - STALE:
                shutil.rmtree(folder)


@contextmanager
def sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM raise SystemExit while the block runs, so that temporary files are removed, unless it is handled."""
    # Python's default ends the process on the spot. Only the main thread may change that.
    is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not is_default or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGTERM, exit_as_terminated)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is exit_as_terminated:
            signal.signal(signal.SIGTERM, handler)


def exit_as_terminated(number: int, _frame: object) -> NoReturn:
    """Raise SystemExit with the code that shells report for a signal."""
    raise SystemExit(128 + number)


def identities(path: Path) -> list[Identity]:
    """Return what changes when the log at `path` or its -wal file is written."""
    return [identity(beside(path, suffix)) for suffix in ("", "-wal")]


def copy_files(path: Path, copy: Path) -> None:
    """Copy a log and its -wal file. Raises CannotOpenLog or OSError."""
    shutil.copyfile(path, copy)
    try:
        shutil.copyfile(beside(path, "-wal"), beside(copy, "-wal"))
    except FileNotFoundError:
        # Emptied and removed meanwhile: the caller notices.
        return
    except PermissionError as error:
        raise CannotOpenLog(
            f"The log at {path} cannot be read: its newest records are in its -wal file, which this user may not read."
        ) from error
