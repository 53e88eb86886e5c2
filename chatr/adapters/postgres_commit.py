"""One commit of a PostgreSQL log: who asks for which place, what stands there, and who gets it."""

from collections.abc import Sequence
from typing import Final

from psycopg.rows import TupleRow

from chatr.adapters.group_commit import Appending
from chatr.adapters.postgres_server import LOCK
from chatr.adapters.postgres_session import Connection
from chatr.ports import Conflict, LogChanged

BEGIN: Final = f"begin isolation level read committed; select pg_advisory_xact_lock({LOCK})".encode()
"""The look at what stands there has to be a statement of its own: a stricter level, or the same statement, would see
what was there before the lock was taken.
"""
STANDING: Final = """
    select (select coalesce(max(position), 0) from log),
           (select min(position) from unnest(%s::bigint[], %s::text[]) as followed (position, fingerprint)
            where not exists (select from log where log.position = followed.position and left(id, 8) = fingerprint)),
           asked.expected = 0 or expected.position is not null, follower.position, follower."check"
    from unnest(%s::text[], %s::bigint[]) with ordinality as asked (stream, expected, number)
    left join log as expected on expected.stream = asked.stream and expected.position = asked.expected
    left join log as follower on follower.stream = asked.stream and follower.previous = asked.expected
    order by asked.number
"""
INSERT: Final = """
    with told as (select pg_notify('chatr_log', ''))
    insert into log (position, previous, id, stream, type, at, seen, data, "check")
    select new.* from told, unnest(
        %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],
        %s::bytea[]
    ) as new
"""

Outcome = tuple[Appending, int | Conflict, bool]
"""A draft, its position or what it conflicts with, and whether it is new."""


async def place(db: Connection, group: Sequence[Appending]) -> list[Outcome]:
    """Give every draft its place, in a transaction that is to be committed. Raises LogChanged."""
    await db.execute(BEGIN)
    outcomes = decided(group, await (await db.execute(STANDING, asked(group))).fetchall())
    rows = [row(each, position) for each, position, new in outcomes if new and isinstance(position, int)]
    if rows:
        await db.execute(INSERT, list(map(list, zip(*rows, strict=True))))
    elif any(isinstance(position, int) for _, position, _ in outcomes):
        # What a lost try left here may not have reached the standbys, and only a commit that writes waits for them.
        await db.execute("select pg_logical_emit_message(true, 'chatr', '')")
    return outcomes


def asked(group: Sequence[Appending]) -> tuple[Sequence[object], ...]:
    followed = {each.after for each in group if each.after}
    positions, fingerprints = [each.position for each in followed], [each.fingerprint for each in followed]
    return positions, fingerprints, [each.draft.stream for each in group], [each.expected for each in group]


def decided(group: Sequence[Appending], standing: Sequence[TupleRow]) -> list[Outcome]:
    """Drafts of one group may follow one another. Raises LogChanged: a decision is worth nothing in another log."""
    head, lost = standing[0][:2]
    if lost is not None:
        raise LogChanged(f"The log does not hold record {lost} any longer.")
    outcomes: list[Outcome] = []
    followers: dict[tuple[str, int], tuple[int, bytes]] = {}
    streams: dict[int, str] = {}
    for each, (_, _, fits, follower, check) in zip(group, standing, strict=True):
        stream, expected = each.draft.stream, each.expected
        if follower is not None:
            followers[stream, expected] = follower, check
        new = (fits or streams.get(expected) == stream) and (stream, expected) not in followers
        if new:
            head += 1
            followers[stream, expected] = head, each.check
            streams[head] = stream
        position, there = followers.get((stream, expected), (None, None))
        outcomes.append((each, position if position is not None and there == each.check else Conflict(position), new))
    return outcomes


def row(each: Appending, position: int) -> tuple[object, ...]:
    draft = each.draft
    return position, each.expected, draft.id, draft.stream, draft.type, draft.at, draft.seen, draft.data, each.check
