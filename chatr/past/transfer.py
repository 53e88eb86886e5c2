"""Copy a log to another store, byte for byte, and compare two logs.

A copy has the positions, ids and hashes of its source, so cursors of clients and stored chain points stay valid.
"""

import asyncio
from collections.abc import Sequence

from chatr.domain.chain import CHAIN_START, ChainPoint, next_chain_hash
from chatr.past.replay import Progress, batches, ignore_progress
from chatr.ports import Conflict, EventLog, LogReader, LogUnavailable, OutcomeUnknown, Stored


class LogsDiffer(Exception):
    """Two logs that should be equal are not, or a record was changed. The text is one sentence."""


def advance(point: ChainPoint, records: Sequence[Stored]) -> ChainPoint:
    """The chain point after `records`, of which the first follows `point`."""
    chain_hash = point.chain_hash
    for stored in records:
        chain_hash = next_chain_hash(chain_hash, stored.record_hash)
    return ChainPoint(records[-1].position, chain_hash)


async def verified_end(log: LogReader, end: int, progress: Progress = ignore_progress) -> ChainPoint:
    """Check the hash of every record and return the chain point at position `end`.

    Raises LogsDiffer or LogUnavailable.
    """
    point = CHAIN_START
    async for batch in batches(log, until=end):
        verify_records(batch)
        point = advance(point, batch)
        progress(point.position)
    return point


def verify_records(records: Sequence[Stored]) -> None:
    """Raises LogsDiffer unless each record has the hash that follows from its content."""
    for stored in records:
        if stored.record_hash != stored.record_hash_after(stored.previous, "surrogateescape"):
            raise LogsDiffer(
                f"Record {stored.position} does not match its record hash: it was changed. See chatr audit."
            )


async def compare(
    ours: LogReader, theirs: LogReader, begin: ChainPoint, end: int, progress: Progress = ignore_progress
) -> ChainPoint:
    """The chain point at position `end`, if both logs are equal between `begin` and there.

    Raises LogsDiffer or LogUnavailable.
    """
    point = begin
    async for batch in batches(ours, begin.position, end):
        # By position: the other log may hold fewer records, or none of these.
        their_records = {each.position: each for each in await theirs.read(point.position, len(batch))}
        for each in batch:
            if their_records.get(each.position) != each:
                raise LogsDiffer(f"Record {each.position} is not the same in both logs: copy into a new one.")
        point = advance(point, batch)
        progress(point.position)
    return point


async def copy_records(
    source: LogReader, target: EventLog, after: int, end: int, progress: Progress = ignore_progress
) -> None:
    """Append the records after position `after`, up to `end`, to the target. Raises LogsDiffer or LogUnavailable.

    A copy that was interrupted at any moment can be repeated, because appends are idempotent.
    """
    async for batch in batches(source, after, end):
        await append(target, batch)
        progress(batch[-1].position)


async def append(target: EventLog, records: Sequence[Stored]) -> None:
    """Append a batch. Raises LogsDiffer or LogUnavailable."""
    # Before anything is stored: the target computes each hash anew, so a changed record would be a valid one there.
    verify_records(records)
    # Concurrently, so that the store commits many at a time. A log stores appends in the order in which they start.
    await asyncio.gather(*(append_one(target, stored) for stored in records))


async def append_one(target: EventLog, stored: Stored) -> None:
    """Append one record, which must get the position that it has in the source. Raises LogsDiffer or LogUnavailable."""
    # Idempotent: a target that holds the record already returns it.
    try:
        appended = await target.append(stored.draft, expected=stored.previous)
    except Conflict:
        appended = None
    except (LogUnavailable, OutcomeUnknown) as error:
        # Unknown or not stored: either way the operator runs the command again, and the same append is repeated.
        raise LogUnavailable(f"The target fails: {error}. Run it again to continue where it stopped.") from error
    if appended != stored:
        raise LogsDiffer(f"Record {stored.position} is stored differently in the target: copy into a new one.")
