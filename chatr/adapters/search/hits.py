"""Queries the tables of an index for matching messages, and stops a search that takes too long."""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import thread_time
from typing import Final

import orjson
from attrs import evolve

from chatr.domain.selection import intersection
from chatr.search_types import SearchRange, SearchTooSlow

STEPS_BETWEEN_CHECKS: Final = 1_000
"""Instructions of SQLite's virtual machine between two checks of the CPU time: a few milliseconds."""
FIRST_HITS: Final = 128
MORE_HITS: Final = 1_024
"""Hits that the first statement reads, and each later one, when the first hits were not enough."""
FEW_HITS: Final = 32
MOST_HITS: Final = 8_192
"""Hits that a statement reads where only some messages are wanted: few after a wide gap, else twice the last number."""
WIDE_GAP: Final = 1_024
"""Positions of unwanted messages. Reading so many hits takes about as long as a statement that passes over them."""


def hits(
    db: sqlite3.Connection, tables: Sequence[str], expression: str, wanted: SearchRange, deadline: float
) -> Iterator[int]:
    """Yield the positions of all matching messages in a range, table by table.

    Raises SearchTooSlow when the CPU time of the thread has reached `deadline`.
    """
    rest = without_gap(wanted)
    count = FEW_HITS if wanted.among else FIRST_HITS
    for table in tables:
        while rest is not None:
            # The progress handler is not called by a statement of few steps: SQLite counts them anew in each.
            if thread_time() > deadline:
                raise SearchTooSlow
            found = next_hits(db, table, expression, rest, count)
            yield from wanted_hits(found, wanted)
            if len(found) < count:
                break
            rest = without_gap(evolve(rest, after=found[-1]) if rest.ascending else evolve(rest, before=found[-1]))
            count = next_count(count, found[-1], rest)


def next_count(count: int, last: int, rest: SearchRange | None) -> int:
    """Return how many hits to read next in `rest`, after a statement that read `count` and ended at `last`."""
    if rest is None or not rest.among:
        return MORE_HITS
    gap = rest.after - last if rest.ascending else last - rest.before
    return FEW_HITS if gap > WIDE_GAP else min(2 * count, MOST_HITS)


def wanted_hits(found: Sequence[int], wanted: SearchRange) -> Sequence[int]:
    """Those of `found`, which are in the order of the range, that are wanted."""
    ascending = found if wanted.ascending else found[::-1]
    for positions in wanted.among:
        ascending = intersection(ascending, positions)
    return ascending if wanted.ascending else ascending[::-1]


def without_gap(wanted: SearchRange) -> SearchRange | None:
    """The same range without its beginning, as far as no message there is wanted; None if nothing is left."""
    if not wanted.among:
        return wanted
    positions = wanted.among[0]
    # Slices, because the last position may be removed after its index was found.
    if wanted.ascending:
        index = bisect_right(positions, wanted.after)
        following = positions[index : index + 1]
        return evolve(wanted, after=following[0] - 1) if following else None
    index = bisect_left(positions, wanted.before)
    preceding = positions[max(index - 1, 0) : index]
    return evolve(wanted, before=preceding[0] + 1) if preceding else None


def next_hits(db: sqlite3.Connection, table: str, expression: str, wanted: SearchRange, count: int) -> list[int]:
    """Return the first `count` positions of matching messages in one table and range. Raises sqlite3.Error."""
    where = f"{table} match ? and rowid > ? and rowid < ?"
    order = f"order by rowid {'asc' if wanted.ascending else 'desc'}"
    # One row with a JSON array: for each row, the thread may wait 5 ms for the GIL while the event loop is busy.
    statement = f"select json_group_array(rowid) from (select rowid from {table} where {where} {order} limit ?)"  # noqa: S608 -- no input
    ((found,),) = db.execute(statement, (expression, wanted.after, wanted.before, count)).fetchall()
    return list(orjson.loads(found))


@contextmanager
def cpu_time_limit(db: sqlite3.Connection, deadline: float) -> Iterator[None]:
    """Raise SearchTooSlow when the CPU time of the thread has reached `deadline`.

    Elapsed time is not limited: searches would fail on a busy machine.
    """
    db.set_progress_handler(lambda: thread_time() > deadline, STEPS_BETWEEN_CHECKS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise SearchTooSlow from error
        raise
    finally:
        db.set_progress_handler(None, 0)
