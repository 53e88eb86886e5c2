"""The transaction that appends a group of drafts to a PostgreSQL log, in one round trip.

All its statements are sent at once (libpq's pipeline mode), and the server executes one after the other. That is safe:

- Under READ COMMITTED each statement has a snapshot of its own, which the server takes when the statement's turn comes.
  APPEND therefore sees what the last holder of the lock committed, as if the client had waited for the lock.
- After an error the server skips the rest, COMMIT included, so an ERROR means that nothing was stored. Any other
  failure, such as a lost connection, leaves the outcome unknown from the moment at which the group is sent.
- No node holds the lock while it waits for the network.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from attrs import frozen
from psycopg.errors import Diagnostic

from chatr.adapters.stores.group_commit import PendingAppend
from chatr.adapters.stores.postgres.server import LOCK
from chatr.adapters.stores.postgres.session import Connection
from chatr.domain.events import Cursor
from chatr.ports import LogChanged, LogUnavailable

# A stricter isolation level, or the lock in the same statement as APPEND, would read a snapshot taken before the lock.
BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
# Whoever switched synchronous_commit off after the start would let acknowledged records be lost in a crash. Any role
# may set it. Every other value flushes before the commit returns, and stays as the operator chose it.
WAIT_FOR_DISK: Final = """
    select set_config('synchronous_commit', case setting when 'off' then 'on' else setting end, true)
    from current_setting('synchronous_commit') as setting
"""
TAKE_LOCK: Final = f"select pg_advisory_xact_lock(%s), ({WAIT_FOR_DISK})"
# Inserts the drafts that do not conflict, unless a caller has read a record that the log does not hold: `missing`, the
# lowest such position. Returns, for each draft in its order, `missing`, position and hash of the record that now
# follows `expected` in the draft's stream (or null), the server's time, and position and fingerprint of the record that
# was the last one before. Of several drafts with the same `expected` the first is inserted. The notification wakes the
# tails of all nodes at the commit. A draft that an earlier try has stored may not have reached the synchronous
# standbys: only a commit that writes something waits for them. A record that was not inserted, or whose hash is not
# that of its columns, whatever altered them on their way, fails the statement: without a function of its own a query
# can raise an error only by converting a text that is no number.
APPEND: Final = """
    with draft as (
        select * from unnest(
            %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::bytea[]
        ) with ordinality as draft (expected, id, stream, type, at, seen, data, "check", number)
    ), missing as (
        select min(position) as position from unnest(%s::bigint[], %s::text[]) as followed (position, fingerprint)
        where not exists (select from log where log.position = followed.position and left(id, 8) = fingerprint)
    ), head as (
        select position, left(id, 8) as fingerprint from log order by position desc limit 1
    ), state as (
        select draft.*, draft.expected = 0 or expected.position is not null as has_expected,
               row_number() over (partition by draft.stream, draft.expected order by draft.number) = 1 as is_first,
               successor.position as successor, successor."check" as successor_check
        from draft
        left join log as expected on expected.stream = draft.stream and expected.position = draft.expected
        left join log as successor on successor.stream = draft.stream and successor.previous = draft.expected
    ), judged as (
        select *, has_expected and is_first and successor is null and (select position from missing) is null as is_new
        from state
    ), new as (
        select *, coalesce((select position from head), 0) + row_number() over (order by number) as new_position
        from judged where is_new
    ), inserted as (
        insert into log (position, previous, id, stream, type, at, seen, data, "check")
        select new_position, expected, id, stream, type, at, seen, data, "check" from new
        returning position, stream, previous, "check",
            "check" <> sha256(convert_to(concat_ws(chr(10), stream, previous, id, type, at, seen, data), 'UTF8'))
                as is_altered
    )
    select (select position from missing),
           case when is_new and is_altered is not false then (id || ' would not be stored as it was sent')::bigint
                else coalesce(successor, inserted.position) end,
           coalesce(successor_check, inserted."check"), (extract(epoch from clock_timestamp()) * 1000)::bigint,
           head.position, head.fingerprint,
           case when inserted.position is not null then pg_notify('chatr_log', '')::text
                when successor_check = judged."check" then pg_logical_emit_message(true, 'chatr', '')::text end
    from judged left join inserted on inserted.stream = judged.stream and inserted.previous = judged.expected
    left join head on true order by number
"""


@frozen
class Committed:
    """For each draft of a group the position and hash of the record that follows its `expected`, or None.

    `server_time` is the server's clock while the group was stored, in milliseconds since 1970. `head` is the cursor of
    the record that was the last one before.
    """

    successors: list[tuple[int | None, bytes | None]]
    server_time: int
    head: Cursor | None


async def commit_group(db: Connection, group: Sequence[PendingAppend]) -> Committed:
    """Store the drafts of `group` that do not conflict. No draft may expect another one of the group.

    Raises LogChanged if the log does not hold a record that a caller had read: its decision was about another log.
    Raises LogUnavailable if the server gave up waiting for a standby, and psycopg.Error.
    """
    async with durable_transaction(db):
        # In a statement of its own: the snapshot of the next one is then taken behind the lock.
        await db.execute(TAKE_LOCK, (LOCK,))
        result = await db.execute(APPEND, parameters(group))
    rows = await result.fetchall()
    if (missing := rows[0][0]) is not None:
        raise LogChanged(f"The log does not hold record {missing} any longer.")
    server_time, *head = rows[0][3:6]
    successors = [(position, record_hash) for _, position, record_hash, *_ in rows]
    return Committed(successors, server_time, None if head[0] is None else Cursor(*head))


@asynccontextmanager
async def durable_transaction(db: Connection) -> AsyncIterator[None]:
    """Send the statements of the block as one transaction in one piece, which waits for the standbys that it has to.

    Raises LogUnavailable if the server gave up waiting for a standby, and psycopg.Error.
    """
    given_up: list[str | None] = []

    def notice(diagnostic: Diagnostic) -> None:
        # By the name of the function, which is the same in every language of the server.
        if diagnostic.source_function == "SyncRepWaitForLSN":
            given_up.append(diagnostic.message_primary)

    db.add_notice_handler(notice)
    try:
        async with db.pipeline():
            await db.execute(BEGIN)
            yield
            await db.execute("COMMIT")
    finally:
        db.remove_notice_handler(notice)
    # The server commits and responds as usual when the wait was cancelled, but a fail-over may lose the records.
    if given_up:
        raise LogUnavailable(str(given_up[0]))


def parameters(group: Sequence[PendingAppend]) -> list[list[object]]:
    """Return the parameters of APPEND: the columns of the drafts, then positions and fingerprints of cursors."""
    cursors = {pending.after for pending in group if pending.after}
    rows = [(pending.expected, *columns(pending)) for pending in group]
    return [
        *map(list, zip(*rows, strict=True)),
        [each.position for each in cursors],
        [each.fingerprint for each in cursors],
    ]


def columns(pending: PendingAppend) -> tuple[object, ...]:
    """Return the columns of a record that do not depend on its place in the log."""
    draft = pending.draft
    return draft.id, draft.stream, draft.type, draft.at, draft.decided_at_position, draft.data, pending.record_hash


def independent(group: Sequence[PendingAppend]) -> list[PendingAppend]:
    """Return the first drafts of `group`, up to one that may expect the position of an earlier one.

    A node seldom sends two of a stream at a time, so mostly this is the whole group.
    """
    expected: dict[str, int] = {}
    for number, pending in enumerate(group):
        if expected.setdefault(pending.draft.stream, pending.expected) != pending.expected:
            return list(group[:number])
    return list(group)


def nothing_was_stored(error: BaseException | None) -> bool:
    """Return whether the server rejected a statement. FATAL and lost connections say nothing about the commit."""
    return isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized == "ERROR"
