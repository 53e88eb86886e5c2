"""Restores records of another log in a SQLite log, exactly as they are."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from chatr.adapters.stores.restoring import check_restored
from chatr.adapters.stores.sqlite.form import SELECT
from chatr.ports import Stored

MAX_GROUP: Final = 1_000
"""The most records that one transaction restores. With 256, flushes to the disk took two fifths of the time."""

# A record that is there already, or does not follow the last one and the one before it in its stream, is left out.
# Numbered placeholders, because named ones need a dict for each record.
RESTORE: Final = """
    insert into log (position, stream, previous, id, type, at, seen, data, "check")
    select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
    where ?1 = (select coalesce(max(position), 0) + 1 from log)
    and (?3 = 0 or exists (select 1 from log where position = ?3 and stream = ?2))
    on conflict do nothing
"""


def insert_verbatim(db: sqlite3.Connection, records: Sequence[Stored]) -> None:
    """Insert the records that are not there yet, in one transaction. Runs in the thread of `db`.

    Raises Conflict if the log then lacks one of them, sqlite3.Error, or OverflowError for an integer of more than 64
    bits; nothing is stored then.
    """
    try:
        inserted = db.executemany(RESTORE, map(row_of, records)).rowcount
        # Rows that were there before are left alone by the INSERT, and may be others. New ones need not be read again.
        if inserted < len(records):
            where = "where position between ? and ? order by position"
            rows = db.execute(SELECT + where, (records[0].position, records[-1].position)).fetchall()
            check_restored(records, [Stored(*row) for row in rows])
        db.commit()
    except BaseException:
        db.rollback()
        raise


def row_of(record: Stored) -> tuple[object, ...]:
    """Return the values of the placeholders of RESTORE."""
    return (
        record.position,
        record.stream,
        record.previous,
        record.id,
        record.type,
        record.at,
        record.decided_at_position,
        record.data,
        record.record_hash,
    )
