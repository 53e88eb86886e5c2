"""The transaction that appends a group of drafts to a PostgreSQL log."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen
from psycopg.rows import TupleRow

from chatr.adapters.stores.group_commit import PendingAppend
from chatr.adapters.stores.postgres.server import LOCK
from chatr.adapters.stores.postgres.session import Connection
from chatr.ports import Conflict, LogChanged

# The state of the log is read by another statement, under READ COMMITTED: a stricter isolation level, or the same
# statement, would read a snapshot taken before the lock, without what its last holder committed.
# As bytes, because the types of psycopg allow a query only as a literal string or as bytes.
BEGIN: Final = f"begin isolation level read committed; select pg_advisory_xact_lock({LOCK})".encode()
# One row for each draft: the last position of the log; the lowest position that a cursor of a caller names and the log
# does not hold (with that Cursor.fingerprint), or null; whether the log has `expected` in the draft's stream; position
# and hash of the record that follows it, or null.
STATE: Final = """
    select (select coalesce(max(position), 0) from log),
           (select min(position) from unnest(%s::bigint[], %s::text[]) as followed (position, fingerprint)
            where not exists (select from log where log.position = followed.position and left(id, 8) = fingerprint)),
           draft.expected = 0 or expected.position is not null, successor.position, successor."check"
    from unnest(%s::text[], %s::bigint[]) with ordinality as draft (stream, expected, number)
    left join log as expected on expected.stream = draft.stream and expected.position = draft.expected
    left join log as successor on successor.stream = draft.stream and successor.previous = draft.expected
    order by draft.number
"""
# The notification wakes the tails of all nodes. It is sent at the commit, and only if there is one.
INSERT: Final = """
    with notified as (select pg_notify('chatr_log', ''))
    insert into log (position, previous, id, stream, type, at, seen, data, "check")
    select new.* from notified, unnest(
        %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],
        %s::bytea[]
    ) as new
"""


@frozen
class Outcome:
    """A pending append with its position or its conflict.

    `is_new` is false for a conflict, and for a record that an earlier try has stored.
    """

    pending: PendingAppend
    result: int | Conflict
    is_new: bool


async def insert_group(db: Connection, group: Sequence[PendingAppend]) -> list[Outcome]:
    """Insert the drafts of `group` that do not conflict, in a transaction that is left open for the caller to commit.

    Returns an outcome for each draft, in the order of `group`. Raises LogChanged or psycopg.Error.
    """
    await db.execute(BEGIN)
    outcomes = decide_positions(group, await (await db.execute(STATE, state_parameters(group))).fetchall())
    rows = [to_row(each.pending, each.result) for each in outcomes if each.is_new and isinstance(each.result, int)]
    if rows:
        await db.execute(INSERT, list(map(list, zip(*rows, strict=True))))
    elif any(isinstance(each.result, int) for each in outcomes):
        # Nothing to insert, but a draft was stored by an earlier try whose response was lost. That record may not have
        # reached the synchronous standbys, and only a commit that writes something waits for them.
        await db.execute("select pg_logical_emit_message(true, 'chatr', '')")
    return outcomes


def state_parameters(group: Sequence[PendingAppend]) -> tuple[Sequence[object], ...]:
    """Return the parameters of STATE: positions and fingerprints of cursors, streams and expected positions."""
    cursors = {pending.after for pending in group if pending.after}
    positions, fingerprints = [each.position for each in cursors], [each.fingerprint for each in cursors]
    return positions, fingerprints, [each.draft.stream for each in group], [each.expected for each in group]


def decide_positions(group: Sequence[PendingAppend], state: Sequence[TupleRow]) -> list[Outcome]:
    """Return the position or the conflict of each draft. A draft may expect a record of the same group.

    `state` has the rows of STATE.

    Raises LogChanged if the log does not hold a record that a caller had read: its decision was about another log.
    """
    head, missing = state[0][:2]
    if missing is not None:
        raise LogChanged(f"The log does not hold record {missing} any longer.")
    outcomes: list[Outcome] = []
    successors: dict[tuple[str, int], tuple[int, bytes]] = {}
    stream_by_new_position: dict[int, str] = {}
    for pending, (_, _, has_expected, successor, successor_hash) in zip(group, state, strict=True):
        stream, expected = pending.draft.stream, pending.expected
        if successor is not None:
            successors[stream, expected] = successor, successor_hash
        is_new = (has_expected or stream_by_new_position.get(expected) == stream) and (
            stream,
            expected,
        ) not in successors
        if is_new:
            head += 1
            successors[stream, expected] = head, pending.record_hash
            stream_by_new_position[head] = stream
        # The hash tells whether the record that follows `expected` is this draft, stored now or by an earlier try.
        position, record_hash = successors.get((stream, expected), (None, None))
        if position is not None and record_hash == pending.record_hash:
            outcomes.append(Outcome(pending, position, is_new))
        else:
            outcomes.append(Outcome(pending, Conflict(position), is_new))
    return outcomes


def to_row(pending: PendingAppend, position: int) -> tuple[object, ...]:
    """Return the values of INSERT for one record, in the order of its columns."""
    draft = pending.draft
    return (
        position,
        pending.expected,
        draft.id,
        draft.stream,
        draft.type,
        draft.at,
        draft.decided_at_position,
        draft.data,
        pending.record_hash,
    )
