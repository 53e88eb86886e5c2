"""Asks the tables of an index which messages match, and ends a search that takes too long."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import thread_time
from typing import Final

import orjson
from attrs import evolve

from chatr.search_types import SearchRange, SearchTooSlow

STEPS_BETWEEN_CHECKS: Final = 1_000
"""Instructions of SQLite's virtual machine between two looks at the clock: a few milliseconds."""
FIRST_HITS: Final = 128
MORE_HITS: Final = 1_024
"""Hits that are read at a time, at first and if most of them are not wanted."""


def hits(
    db: sqlite3.Connection, tables: Sequence[str], expression: str, wanted: SearchRange, end: float
) -> Iterator[int]:
    """The positions of all messages in a range that match, table by table. Raises SearchTooSlow at `end`."""
    for table in tables:
        rest, count = wanted, FIRST_HITS
        while True:
            # SQLite counts its steps anew in each statement, and a statement may have few.
            if thread_time() > end:
                raise SearchTooSlow
            found = next_hits(db, table, expression, rest, count)
            yield from found
            if len(found) < count:
                break
            rest = evolve(rest, after=found[-1]) if rest.ascending else evolve(rest, before=found[-1])
            count = MORE_HITS


def next_hits(db: sqlite3.Connection, table: str, expression: str, wanted: SearchRange, count: int) -> list[int]:
    """The first `count` positions in this range of messages in one table that match. Raises sqlite3.Error."""
    where = f"{table} match ? and rowid > ? and rowid < ?"
    order = f"order by rowid {'asc' if wanted.ascending else 'desc'}"
    # As one row: for each row, the thread would wait up to 5 ms for Python's lock while the event loop is busy.
    statement = f"select json_group_array(rowid) from (select rowid from {table} where {where} {order} limit ?)"  # noqa: S608 -- no input
    ((found,),) = db.execute(statement, (expression, wanted.after, wanted.before, count)).fetchall()
    return list(orjson.loads(found))


@contextmanager
def ended_at(db: sqlite3.Connection, end: float) -> Iterator[None]:
    """Raise SearchTooSlow at this CPU time of the thread. By the clock, a busy machine would make searches fail."""
    db.set_progress_handler(lambda: thread_time() > end, STEPS_BETWEEN_CHECKS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise SearchTooSlow from error
        raise
    finally:
        db.set_progress_handler(None, 0)
