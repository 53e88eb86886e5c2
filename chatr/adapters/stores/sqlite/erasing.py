"""Erases texts from the file of a SQLite log and from its -wal file. See docs/erasure.md.

Every function runs in the thread of the connection that writes, on which `secure_delete` is on.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from chatr.adapters.stores.erasing import check_all_found

ALWAYS_SECURE: Final = 0x63686174
"""The application id of a file that was begun with `secure_delete` on, or was rewritten since. migrations/sqlite/
0001_log.sql sets it. Without it, SQLite may have left copies of the first records in the table's root page.
"""
GIVEN: Final = "position in (select value from json_each(?))"


def set_up(db: sqlite3.Connection) -> None:
    """Have SQLite overwrite what it deletes. Raises sqlite3.Error."""
    # Not "fast", which leaves texts on overflow pages. Appending deletes nothing, so it costs the same either way.
    db.execute("pragma secure_delete = on").fetchall()


def erase_texts(db: sqlite3.Connection, positions: Sequence[int]) -> None:
    """Empty `data` of these records in one transaction, if it is not empty.

    Raises LogUnavailable if one does not exist; then nothing was changed. Raises sqlite3.Error.
    """
    given = (msgspec.json.encode(positions).decode(),)
    ((found,),) = db.execute(f"select count(*) from log where {GIVEN}", given).fetchall()  # noqa: S608 -- a constant
    check_all_found(positions, found)
    try:
        db.execute(f"update log set data = '' where data != '' and {GIVEN}", given)  # noqa: S608 -- a constant
        db.commit()
    except sqlite3.Error:
        db.rollback()
        raise


def remove_copies(db: sqlite3.Connection) -> bool:
    """Remove copies of erased texts from the files, and return whether that was possible. Raises sqlite3.Error."""
    ((application_id,),) = db.execute("pragma application_id").fetchall()
    if application_id != ALWAYS_SECURE:
        # After the records are empty, so that neither the -wal file nor SQLite's temporary file gets their texts.
        db.execute("vacuum")
        db.execute(f"pragma application_id = {ALWAYS_SECURE}")
    return empty_write_ahead_file(db)


def empty_write_ahead_file(db: sqlite3.Connection) -> bool:
    """Copy the -wal file into the main file and empty it, and return True; False while a reader needs it.

    Then as much is copied as is possible. Raises sqlite3.Error.
    """
    ((busy_timeout,),) = db.execute("pragma busy_timeout").fetchall()
    # A checkpoint that waits for a reader holds the lock that appends need.
    db.execute("pragma busy_timeout = 0").fetchall()
    try:
        # No other kind of checkpoint removes the old pages from the -wal file.
        ((busy, _, _),) = db.execute("pragma wal_checkpoint(truncate)").fetchall()
    finally:
        db.execute(f"pragma busy_timeout = {busy_timeout}").fetchall()
    return not busy
