"""Checks that a file is a complete log when it is opened: SQLite opens any database, also one that was cut off."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.descriptors import open_beside_sqlite
from chatr.adapters.stores.sqlite.faults import CutOff, NotLog, kind_of
from chatr.adapters.stores.sqlite.files import side_file_size

# The columns in the order of the fields of Stored.
SELECT: Final = 'select id, stream, type, at, seen, data, position, previous, "check" from log '
APPEND: Final = """
    insert into log (stream, previous, id, type, at, seen, data, "check")
    select '', coalesce(max(position), 0), '', '', 0, 0, '', x'' from log where true
    on conflict (previous, stream) do nothing
"""
START_OF_HEADER: Final = 18
"""Bytes at the beginning of a database, of which the last two are the size of its pages."""


def is_emptied(path: Path) -> bool:
    """Whether the log at `path` is missing or empty, and its -wal file is not."""
    # To open it would destroy what is left: SQLite removes a -wal file from beside an empty file, also to read.
    return (not path.exists() or not path.stat().st_size) and side_file_size(path, "-wal") > 0


def check_not_cut_off(path: Path) -> None:
    """Raise CutOff if the database at `path` ends within a page, or lost all of them; NotLog if it is none.

    Raises OSError.
    """
    if is_emptied(path):
        raise CutOff("it is empty, and its -wal file is not")
    header = first_bytes(path, START_OF_HEADER)
    size, page_size = path.stat().st_size, int.from_bytes(header[16:], "big")
    if not header:
        return
    if len(header) < START_OF_HEADER or not header.startswith(b"SQLite format 3\0"):
        # SQLite takes a short file for an empty database, and overwrites it.
        raise NotLog("file is not a database")
    # Looked at last: a writer empties its -wal file only when all pages are in the main file. Until then, or where
    # SQLite has to roll back, a power failure may leave a part of a page.
    if page_size and size % page_size and not any(side_file_size(path, suffix) for suffix in ("-wal", "-journal")):
        raise CutOff("it ends within a page")


def is_in_wal_mode(path: Path) -> bool:
    """Return whether records of the database at `path` can be in a -wal file. Raises OSError."""
    # https://www.sqlite.org/fileformat2.html: the version for reading is 2 in WAL mode. A backup is in another mode.
    return first_bytes(path, START_OF_HEADER + 2)[START_OF_HEADER + 1 :] == b"\2"


def first_bytes(path: Path, count: int) -> bytes:
    """Return the first bytes of the file at `path`, at most `count`. Raises OSError."""
    with open_beside_sqlite(path) as descriptor:
        return os.pread(descriptor, count, 0)


def check_readable(db: sqlite3.Connection) -> None:
    """Raise NotLog unless there is a table `log` with all columns. Raises sqlite3.Error."""
    run_as_check(db, f"explain {SELECT}")


def check_appendable(db: sqlite3.Connection) -> None:
    """Append a record and roll it back. Raises NotLog if a column or the unique key is missing, or sqlite3.Error.

    A damaged index is found here, and not by the first agent that posts.
    """
    try:
        # A trigger of the operator may reject this record, and others not.
        with suppress(sqlite3.IntegrityError):
            run_as_check(db, APPEND)
    finally:
        db.rollback()


def run_as_check(db: sqlite3.Connection, statement: str) -> None:
    """Run a statement, and raise NotLog if the schema does not fit it. Raises sqlite3.Error."""
    try:
        db.execute(statement)
    except sqlite3.OperationalError as error:
        if kind_of(error) != "ERROR":
            raise
        raise NotLog(f"its tables are not those of a log ({error})") from error
