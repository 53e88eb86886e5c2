"""Restores records of another log in a SQLite log, exactly as they are."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from chatr.adapters.stores.restoring import check_restored, columns_of
from chatr.adapters.stores.sqlite.form import SELECT
from chatr.ports import Stored

# A record that is there already, or does not follow the last one and the one before it in its stream, is left out.
RESTORE: Final = """
    insert into log (position, stream, previous, id, type, at, seen, data, "check")
    select :position, :stream, :previous, :id, :type, :at, :seen, :data, :check
    where :position = (select coalesce(max(position), 0) + 1 from log)
    and (:previous = 0 or exists (select 1 from log where position = :previous and stream = :stream))
    on conflict do nothing
"""


def insert_verbatim(db: sqlite3.Connection, records: Sequence[Stored]) -> None:
    """Insert the records that are not there yet, in one transaction. Runs in the thread of `db`.

    Raises Conflict if the log then lacks one of them, sqlite3.Error, or OverflowError for an integer of more than 64
    bits; nothing is stored then.
    """
    try:
        db.executemany(RESTORE, [columns_of(record) for record in records])
        where = "where position between ? and ? order by position"
        rows = db.execute(SELECT + where, (records[0].position, records[-1].position)).fetchall()
        # Rows that were there before are left alone by the INSERT, and may be others.
        check_restored(records, [Stored(*row) for row in rows])
        db.commit()
    except BaseException:
        db.rollback()
        raise
