"""Copy a log to another store, byte for byte, and compare two logs.

A copy has the positions, ids and hashes of its source, so cursors of clients and stored chain points stay valid.
"""

from collections.abc import AsyncIterator, Sequence

from attrs import evolve

from chatr.domain.chain import CHAIN_START, ChainPoint, next_chain_hash
from chatr.past.erasures import ErasureCheck
from chatr.past.replay import Progress, batches, ignore_progress
from chatr.ports import Conflict, EventLog, LogReader, LogUnavailable, Stored


class LogsDiffer(Exception):
    """Two logs that should be equal are not, or a record was changed. The text is one sentence."""


def advance(point: ChainPoint, records: Sequence[Stored]) -> ChainPoint:
    """The chain point after `records`, of which the first follows `point`."""
    chain_hash = point.chain_hash
    for stored in records:
        chain_hash = next_chain_hash(chain_hash, stored.record_hash)
    return ChainPoint(records[-1].position, chain_hash)


async def verified_end(
    log: LogReader, end: int, progress: Progress = ignore_progress, begin: ChainPoint = CHAIN_START
) -> ChainPoint:
    """Check the hash of every record after `begin` and return the chain point at position `end`.

    Raises LogsDiffer or LogUnavailable.
    """
    point = begin
    async for batch in verified_batches(log, begin.position, end):
        point = advance(point, batch)
        progress(point.position)
    return point


async def verified_batches(
    log: LogReader, after: int, until: int, *, for_copy: bool = False
) -> AsyncIterator[list[Stored]]:
    """Yield the records after position `after`, up to `until`, once they are verified.

    With `for_copy` the records that explain the empty ones must be among them, or the copy would lack these.

    Raises LogsDiffer at the first record that is missing or was changed, and at the end for one that was emptied by
    hand, or LogUnavailable.
    """
    erasures = ErasureCheck()
    async for batch in batches(log, after, until):
        for stored in batch:
            if stored.position != after + 1:
                raise missing(after + 1)
            if not stored.is_intact:
                raise LogsDiffer(
                    f"Record {stored.position} does not match its record hash, or was moved: it was changed. "
                    "See chatr audit."
                )
            erasures.read(stored)
            after = stored.position
        yield batch
    if after < until:
        raise missing(after + 1)
    await check_explained(log, erasures, until, for_copy=for_copy)


async def check_explained(log: LogReader, erasures: ErasureCheck, until: int, *, for_copy: bool = False) -> None:
    """Raises LogsDiffer if a record up to position `until` is empty though it was not erased, or LogUnavailable.

    `for_copy` as in `verified_batches`.
    """
    erased_later = erasures.unproved
    if erased_later is None:
        return
    # A record is erased after the one that says so was appended, which may be later than `until`.
    async for batch in batches(log, until):
        for stored in batch:
            erasures.explain(stored)
    if erasures.unproved is not None:
        raise LogsDiffer(
            f"Record {erasures.unproved} is empty, and no later record says that it was erased. See chatr audit."
        )
    if for_copy:
        raise LogsDiffer(f"Record {erased_later} was erased while the log was read: run the command again.")


def missing(position: int) -> LogsDiffer:
    """The error for a record that the log does not hold."""
    return LogsDiffer(f"Record {position} is missing: it was deleted. See chatr audit.")


async def compare(
    ours: LogReader,
    theirs: LogReader,
    begin: ChainPoint,
    end: int,
    progress: Progress = ignore_progress,
    erased: list[int] | None = None,
) -> ChainPoint:
    """The chain point at position `end`, if our log is as it was stored, and equal to theirs between `begin` and there.

    The positions of records that are erased in our log only are added to `erased`, and are a difference without it.
    Raises LogsDiffer or LogUnavailable.
    """
    point = begin
    async for batch in verified_batches(ours, begin.position, end):
        # By position: the other log may hold fewer records, or none of these.
        their_records = {each.position: each for each in await theirs.read(point.position, len(batch))}
        for each in batch:
            their_record = their_records.get(each.position)
            if their_record == each:
                continue
            if their_record is None or evolve(their_record, data="") != evolve(each, data="") or not each.is_erased:
                raise LogsDiffer(f"Record {each.position} is not the same in both logs: copy into a new one.")
            if erased is None:
                raise LogsDiffer(f"Record {each.position} was erased after it was copied: copy the log again.")
            erased.append(each.position)
        point = advance(point, batch)
        progress(point.position)
    return point


async def copy_records(
    source: LogReader, target: EventLog, after: int, end: int, progress: Progress = ignore_progress
) -> None:
    """Append the records after position `after`, up to `end`, to the target. Raises LogsDiffer or LogUnavailable.

    A copy that was interrupted at any moment can be repeated, because restoring is idempotent.
    """
    # Before anything is stored: a target stores hashes as they are.
    async for batch in verified_batches(source, after, end, for_copy=True):
        await restore(target, batch)
        progress(batch[-1].position)


async def restore(target: EventLog, records: Sequence[Stored]) -> None:
    """Restore a batch in the target. Raises LogsDiffer or LogUnavailable."""
    try:
        await target.restore(records)
    except Conflict as conflict:
        raise LogsDiffer(
            f"Record {conflict.position} is stored differently in the target: copy into a new one."
        ) from conflict
    except LogUnavailable as error:
        # Stored or not: either way the operator runs the command again, and the same records are restored.
        raise LogUnavailable(f"The target fails: {error}. Run it again to continue where it stopped.") from error
