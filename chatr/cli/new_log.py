"""Opens the log to which another one is copied. A new SQLite log is called FILE.incomplete until it is complete."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.faults import errors_as_cannot_open
from chatr.adapters.stores.sqlite.files import INCOMPLETE, beside, side_file_size, stat_or_none
from chatr.adapters.stores.urls import open_log, sqlite_file
from chatr.atomic_file import check_absent, flush_to_disk
from chatr.past.transfer import LogsDiffer
from chatr.ports import CannotOpenLog, EventLog, LogUnavailable
from chatr.secret import Secret

SIDE_FILES: Final = ("-wal", "-shm", ".head", ".lock")
"""The files that SQLite and chatr keep beside a log."""


def new_sqlite_file(url: str | Secret) -> Path | None:
    """Return the file that a copy to the log at `url` creates; None if nothing is created, or not in a file.

    Raises CannotOpenLog if the system has no such path.
    """
    path = sqlite_file(url)
    if path is None:
        return None
    with errors_as_cannot_open(path):
        # `open_log` reports links that lead in a circle, and a head file or a -wal file of a log that was lost.
        if path.exists() or beside(path, "").is_symlink():
            return None
        return None if any(beside(path, suffix).exists() for suffix in SIDE_FILES[:3]) else path


@asynccontextmanager
async def open_target(url: str | Secret) -> AsyncIterator[EventLog]:
    """Open the log at `url` for a copy. A new SQLite log gets its name only when the block ends without an error.

    An interrupted copy leaves FILE.incomplete, with which the next one goes on. Raises CannotOpenLog, LogsDiffer or
    LogUnavailable.
    """
    path = new_sqlite_file(url)
    if path is None:
        async with open_log(url) as log:
            yield log
        return
    # Both are where a symbolic link leads, as the files of SQLite are.
    path, incomplete = beside(path, ""), incomplete_file(path)
    is_continued, is_open = stat_or_none(incomplete) is not None, False
    try:
        async with open_log(f"sqlite:///{incomplete}") as log:
            is_open = True
            yield log
    except LogsDiffer as error:
        if is_continued:
            raise LogsDiffer(f"{error} An earlier copy left {incomplete}: delete it to begin again.") from error
        remove(incomplete)
        raise
    except CannotOpenLog:
        # The source cannot be read to its end: a part of it is of no use.
        if is_open and not is_continued:
            remove(incomplete)
        raise
    give_name(incomplete, path)


def incomplete_file(path: Path) -> Path:
    """Return the file to which a copy to `path` goes at first. Raises CannotOpenLog if a symbolic link is there."""
    incomplete = Path(f"{beside(path, '')}{INCOMPLETE}")
    if incomplete.is_symlink():
        raise CannotOpenLog(f"{incomplete} is a symbolic link, through which nothing is written: remove it.")
    return incomplete


def remove(log: Path) -> None:
    """Delete a SQLite log that is not open, with the files beside it. Raises OSError."""
    for each in (log, *(beside(log, suffix) for suffix in SIDE_FILES)):
        each.unlink(missing_ok=True)


def give_name(incomplete: Path, path: Path) -> None:
    """Rename a SQLite log that is not open. Raises CannotOpenLog if there is a log at `path` already, or LogUnavailable
    while another program has the log open.
    """
    # SQLite empties the -wal file when the last program closes the log. Until then it has records that the main file
    # lacks.
    if side_file_size(incomplete, "-wal"):
        raise LogUnavailable(f"another program reads {incomplete}. Run it again when it has ended")
    try:
        check_absent(path)
        # Removed before the log is renamed: a head file without a log would say that the log was lost.
        beside(incomplete, ".head").unlink(missing_ok=True)
        incomplete.rename(path)
        flush_to_disk(path.parent)
        remove(incomplete)
    except FileExistsError as error:
        raise CannotOpenLog(f"{path} was created meanwhile; the copy is {incomplete}.") from error
    except OSError as error:
        raise CannotOpenLog(f"{path} cannot be written: {error.strerror or error}.") from error
