"""What an error of SQLite says about the log, and what an operator can do about it."""

import asyncio
import errno
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import structlog

from chatr.ports import CannotOpenLog, LogDamaged, LogUnavailable
from chatr.regular_file import NotRegularFile, OtherUsersFile

T = TypeVar("T")

FILES: Final = "together with its -wal, -shm, .head and .checkpoint"
PUT_BACKUP: Final = f"Move it away {FILES}, and put a backup in its place."
CHOOSE: Final = f"Choose another file, or move this one away {FILES}, and put a backup in its place."
ADVICE: Final = {
    "CORRUPT": PUT_BACKUP,
    "NOTADB": CHOOSE,
    "ERROR": CHOOSE,
    "BUSY": "End the other program that uses it.",
    "FULL": "Make room on its disk.",
    "IOERR": "Check its disk.",
}
"""By the kind of an error, which is the second word of its name in SQLite."""
ADVICE_BY_NUMBER: Final = {
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOSPC: ADVICE["FULL"],
    errno.EDQUOT: ADVICE["FULL"],
}
"""By the number of an error of the system."""
NO_LOCKS_OR_MEMORY: Final = (
    "SQLITE_IOERR_SHMMAP",
    "SQLITE_IOERR_SHMLOCK",
    "SQLITE_IOERR_LOCK",
    "SQLITE_IOERR_RDLOCK",
    "SQLITE_PROTOCOL",
)
"""Names of errors that network disks and FUSE cause."""
USE_LOCAL_DISK: Final = "Its file system lacks the locks or the shared memory that SQLite needs: use a local disk."
MOVE: Final = "Move it away, or choose another path."
CHECK_RIGHTS: Final = (
    "Check that its folder exists, and that this user may read the files in it, and write them to serve."
)


RETRY_PAUSE: Final = 1.0
"""Seconds between two attempts to open a file that another program locks."""

logger = structlog.get_logger()


class NotLog(sqlite3.DatabaseError):
    """The file is a database, but not that of a log."""

    sqlite_errorname = "SQLITE_NOTADB"


class CutOff(sqlite3.DatabaseError):
    """The file ends within a page."""

    sqlite_errorname = "SQLITE_CORRUPT"


def kind_of(error: Exception) -> str:
    """Return the kind of an error, such as CORRUPT or BUSY; empty for an error that is not SQLite's."""
    # Names have two or three words: SQLITE_BUSY, SQLITE_BUSY_RECOVERY.
    return f"{getattr(error, 'sqlite_errorname', '')}_".split("_")[1]


def advice(error: Exception) -> str:
    """Return what an operator can do about an error, as a sentence."""
    if isinstance(error, NotRegularFile | OtherUsersFile):
        return MOVE
    if getattr(error, "sqlite_errorname", "") in NO_LOCKS_OR_MEMORY:
        return USE_LOCAL_DISK
    return ADVICE.get(kind_of(error)) or ADVICE_BY_NUMBER.get(getattr(error, "errno", 0), CHECK_RIGHTS)


@contextmanager
def errors_as_cannot_open(path: Path) -> Iterator[None]:
    """Raise an error of SQLite or of the system as CannotOpenLog, which names the log and says what to do."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise CannotOpenLog(f"The log at {path} cannot be opened: {reason_of(path, error)}. {advice(error)}") from error


def reason_of(path: Path, error: Exception) -> str:
    """Return what an error of opening the log at `path` says, without numbers, and with the name of another file."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return error.strerror if error.filename in (None, str(path)) else f"{error.filename}: {error.strerror}"


@contextmanager
def errors_as_unavailable(path: Path) -> Iterator[None]:
    """Raise an error of SQLite as LogUnavailable, or as LogDamaged where waiting does not help."""
    try:
        yield
    except (sqlite3.Error, ValueError, OverflowError) as error:
        # aiosqlite raises ValueError when its connection is closed, SQLite OverflowError for more than 64 bits.
        raise unavailable(path, error) from error


def unavailable(path: Path, error: Exception) -> LogUnavailable:
    """Return LogDamaged if `error` says that the file at `path` is damaged, else LogUnavailable."""
    if kind_of(error) in ("CORRUPT", "NOTADB"):
        return damaged(path, str(error))
    return LogUnavailable(str(error))


def damaged(path: Path, reason: str) -> LogDamaged:
    """Return the error that says why the log at `path` is damaged, and what to do."""
    return LogDamaged(f"The log at {path} is damaged: {reason}. {PUT_BACKUP}")


async def when_unlocked(path: Path, work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `work`, which is repeated while another program locks the file at `path`."""
    while True:
        try:
            return await work()
        except sqlite3.OperationalError as error:
            if kind_of(error) != "BUSY":
                raise
        logger.warning("log_locked", reason=f"another program locks {path}: end it, or wait until it is done")
        await asyncio.sleep(RETRY_PAUSE)
