"""The commands that erase messages. What they append is carried out by `chatr.node.erasing`."""

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.limits import RECORDS_IN_ONE_ERASURE
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.moderation_events import ErasedRecord
from chatr.domain.rule import RuleContext
from chatr.node.erasing import PICKED
from chatr.ports import Clock, LogReader, Stored


class AlteredRecord(Exception):
    """A record is not as it was stored, so that the proof of what stays of it would be worthless."""

    def __init__(self, position: int) -> None:
        super().__init__(f"Record {position} was changed after it was stored, and is not erased: see chatr audit.")
        self.position = position


def is_erased(context: RuleContext, position: int) -> bool:
    """Whether an erasing record names the message."""
    removal = context.removals.get(position)
    return removal is not None and removal.erased


async def erasing_commands(
    log: LogReader, positions: Sequence[int], reason: str, by: str, clock: Clock
) -> AsyncIterator[EraseRecords]:
    """Yield the commands that erase the messages at `positions`, one or more for each author.

    Raises AlteredRecord or LogUnavailable.
    """
    for start in range(0, len(positions), RECORDS_IN_ONE_ERASURE):
        records = await verified_records(log, positions[start : start + RECORDS_IN_ONE_ERASURE])
        for stream, group in groupby(sorted(records, key=stream_of), key=stream_of):
            named = tuple(ErasedRecord(each.position, each.rest_hash.hex()) for each in group)
            yield EraseRecords(AgentId(stream.removeprefix(AGENT_STREAM)), named, reason, by, clock.now())


async def verified_records(log: LogReader, positions: Sequence[int]) -> list[Stored]:
    """The records at these positions. Raises AlteredRecord or LogUnavailable."""
    records: list[Stored] = []
    for start in range(0, len(positions), PICKED):
        for stored in await log.pick(positions[start : start + PICKED]):
            # Also one that was emptied by hand: its hash is not that of an empty text.
            if stored.record_hash != stored.record_hash_after(stored.previous, "surrogateescape"):
                raise AlteredRecord(stored.position)
            records.append(stored)
    return records


def stream_of(stored: Stored) -> str:
    """The stream of a record."""
    return stored.stream
