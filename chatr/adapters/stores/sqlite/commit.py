"""The transaction that appends a group of drafts to a SQLite log."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from chatr.adapters.stores.group_commit import PendingAppend

UNSTORABLE: Final = (sqlite3.DataError, OverflowError)
"""Errors that are about the content of a draft: longer than SQLite's limit, or an integer of more than 64 bits."""

# Together, `exists` and unique (previous, stream) say that `expected` is the last position of the stream. Asking for
# max(position) of the stream would read all of its records.
INSERT: Final = """
    insert into log (stream, previous, id, type, at, seen, data, "check")
    select :stream, :expected, :id, :type, :at, :seen, :data, :check
    where :expected = 0 or exists (select 1 from log where position = :expected and stream = :stream)
    on conflict do nothing
"""
# The parameter is a JSON array of [stream, expected]; `key` is the index in it.
SUCCESSORS: Final = """
    select appends.key, log.position, log."check" from json_each(?) as appends
    join log on log.stream = appends.value ->> 0 and log.previous = appends.value ->> 1
"""

Successors = dict[int, tuple[int, bytes]]
"""By index in a group: position and record hash of the record that follows the draft's `expected` in its stream."""


def prepared_commit(group: Sequence[PendingAppend]) -> Callable[[sqlite3.Connection], Successors]:
    """Return a function that inserts the drafts that do not conflict, commits, and returns what then follows each
    draft's `expected`. It runs in the connection's thread.
    """
    rows = [insert_parameters(pending) for pending in group]
    appends = msgspec.json.encode([(pending.draft.stream, pending.expected) for pending in group]).decode()
    return partial(insert_and_commit, rows=rows, appends=appends)


def insert_and_commit(writer: sqlite3.Connection, rows: Sequence[dict[str, object]], appends: str) -> Successors:
    """Insert the rows that do not conflict, and commit; return what follows each of `appends` (JSON) after that."""
    writer.executemany(INSERT, rows)
    successors = writer.execute(SUCCESSORS, (appends,)).fetchall()
    writer.commit()
    return {index: (position, record_hash) for index, position, record_hash in successors}


def insert_parameters(pending: PendingAppend) -> dict[str, object]:
    """Return the values of INSERT's placeholders, which are named like the columns."""
    draft = pending.draft
    return {
        "stream": draft.stream,
        "expected": pending.expected,
        "id": draft.id,
        "type": draft.type,
        "at": draft.at,
        "seen": draft.decided_at_position,
        "data": draft.data,
        "check": pending.record_hash,
    }


def may_be_stored(error: sqlite3.Error) -> bool:
    """Return whether a commit that failed with `error` may still be found in the file after a crash."""
    # The pages were written before the flush failed: the system may or may not have put them on the disk.
    return getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC"
