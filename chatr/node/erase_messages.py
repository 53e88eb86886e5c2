"""Erase messages, for an operator: append the erasing records. `chatr.node.erasing` then carries them out."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import groupby
from typing import Final

from attrs import define, field

from chatr.domain.identity import AgentId
from chatr.domain.limits import RECORDS_IN_ONE_ERASURE
from chatr.domain.moderation_commands import EraseRecords
from chatr.domain.moderation_events import ErasedRecord
from chatr.domain.policy.moderating import message_exists
from chatr.domain.rule import RuleContext, RuleViolated
from chatr.node.erasing import MESSAGE_TYPE, PICKED
from chatr.node.node import Node
from chatr.ports import Clock, LogReader, Stored

STREAM_PREFIX: Final = "agent/"
"""How the names of agents' streams begin."""
BATCH: Final = 1_000
"""Records that are read at a time to find the messages of an agent."""

Progress = Callable[[int], object]
"""Is called with how many messages, or which position, have been reached."""


class AlteredRecord(Exception):
    """A record is not as it was stored, so that the proof of what stays of it would be worthless."""

    def __init__(self, position: int) -> None:
        super().__init__(f"Record {position} was changed after it was stored, and is not erased: see chatr audit.")
        self.position = position


@define
class Erasures:
    """What was done: `erased` messages, by the erasing `records` at these positions. `already` were erased before."""

    erased: int = 0
    already: int = 0
    records: list[int] = field(factory=list)


def ignore_progress(_reached: int) -> None:
    """Do nothing: the default of `Progress` parameters."""


async def erase_messages(  # noqa: PLR0913 -- named arguments
    node: Node,
    log: LogReader,
    positions: Sequence[int],
    *,
    reason: str,
    by: str,
    clock: Clock,
    progress: Progress = ignore_progress,
) -> Erasures:
    """Append the records that erase these messages, at most 1,000 in each. May be repeated after any error.

    `progress` is called with how many messages are done. Raises RuleViolated, also if one is no message; then nothing
    is erased. Raises AlteredRecord, or what a command raises; then some may be erased.
    """
    context, done = node.room.rule_context, Erasures()
    check_messages_exist(context, positions)
    to_erase = [position for position in sorted(set(positions)) if not is_erased(context, position)]
    done.already = len(set(positions)) - len(to_erase)
    async for command in erasing_commands(log, to_erase, reason, by, clock):
        handled = await node.commands.handle(command)
        done.erased += len(command.records)
        done.records.append(handled.position)
        progress(done.already + done.erased)
    return done


def check_messages_exist(context: RuleContext, positions: Sequence[int]) -> None:
    """Raise RuleViolated for the first of the positions that is not that of a message."""
    for position in positions:
        if not context.is_message(position):
            raise RuleViolated(message_exists, context.limits, {"id": str(position)})


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
            yield EraseRecords(AgentId(stream.removeprefix(STREAM_PREFIX)), named, reason, by, clock.now())


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


async def messages_of(log: LogReader, agent: AgentId, end: int, progress: Progress = ignore_progress) -> list[int]:
    """The positions of all messages of an agent up to position `end`.

    `progress` is called with the position that was reached. Raises LogUnavailable.
    """
    found: list[int] = []
    stream, position = f"{STREAM_PREFIX}{agent}", 0
    while position < end and (batch := await log.read(position, min(BATCH, end - position))):
        found.extend(each.position for each in batch if each.stream == stream and each.type == MESSAGE_TYPE)
        position = batch[-1].position
        progress(position)
    return found
