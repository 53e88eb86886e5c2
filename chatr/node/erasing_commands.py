"""The commands that append erasing records. `chatr.node.erasing` then erases the texts that these name."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import groupby

from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.limits import RECORDS_IN_ONE_ERASURE
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.moderation_events import ErasedRecord
from chatr.domain.rule import RuleContext
from chatr.ports import MAX_PICK, Clock, LogReader, Stored


def is_erased(context: RuleContext, position: int) -> bool:
    """Whether an erasing record names the message."""
    removal = context.removals.get(position)
    return removal is not None and removal.erased


async def erasing_commands(
    log: LogReader,
    positions: Sequence[int],
    reason: str,
    by: str,
    clock: Clock,
    report_altered: Callable[[int], object],
) -> AsyncIterator[EraseRecords]:
    """Yield the commands that erase the messages at `positions`, one or more for each author.

    A record that was altered is reported and left out: the hash of the rest of it would prove nothing.
    Raises LogUnavailable.
    """
    for start in range(0, len(positions), RECORDS_IN_ONE_ERASURE):
        records = await intact_records(log, positions[start : start + RECORDS_IN_ONE_ERASURE], report_altered)
        for stream, group in groupby(sorted(records, key=stream_of), key=stream_of):
            named = tuple(ErasedRecord(each.position, each.rest_hash.hex()) for each in group)
            yield EraseRecords(AgentId(stream.removeprefix(AGENT_STREAM)), named, reason, by, clock.now())


async def intact_records(
    log: LogReader, positions: Sequence[int], report_altered: Callable[[int], object]
) -> list[Stored]:
    """The records at these positions that are as they were stored; the others are reported. Raises LogUnavailable."""
    records: list[Stored] = []
    for start in range(0, len(positions), MAX_PICK):
        for stored in await log.pick(positions[start : start + MAX_PICK]):
            # A record that was emptied by hand is altered, too: its hash is not that of an empty text.
            if stored.record_hash == stored.record_hash_after(stored.previous, "surrogateescape"):
                records.append(stored)
            else:
                report_altered(stored.position)
    return records


def stream_of(stored: Stored) -> str:
    """The stream of a record."""
    return stored.stream
