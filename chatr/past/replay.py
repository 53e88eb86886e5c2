"""Replay: fold a log up to an earlier moment."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from attrs import frozen

from chatr.codec import TYPE_NAMES, decode
from chatr.domain.removals import Removals, VisibilityEvent
from chatr.domain.room import Room
from chatr.fold import fold
from chatr.ports import LogReader, Stored

BATCH: Final = 1_000
"""Records that are read from a log at a time."""
VISIBILITY_TYPES: Final = frozenset(TYPE_NAMES[each] for each in get_args(VisibilityEvent))
"""The stored types of records that hide or show messages."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

Progress = Callable[[int], object]
"""Is called with the position that was reached."""


@frozen
class Timestamp:
    """A moment by the clock, in milliseconds since 1970."""

    at: int

    @classmethod
    def of(cls, time: datetime) -> "Timestamp":
        """The timestamp of an aware datetime, rounded down to milliseconds."""
        # Exact, unlike `time.timestamp()`, which is a float.
        return cls((time - EPOCH) // MILLISECOND)


Moment = int | Timestamp
"""A position, or a time: then the last position whose record is not later."""

TOO_EARLY: Final = "Nothing had been recorded by then."


class NoSuchMoment(Exception):
    """The log does not reach that moment. The text is one sentence."""


def ignore_progress(_position: int) -> None:
    """Do nothing: the default of `Progress` parameters."""


async def batches(
    log: LogReader, after: int = 0, until: int | None = None, *, size: int = BATCH
) -> AsyncIterator[list[Stored]]:
    """Yield the records after position `after`, up to `until` or to the log's present end, `size` at a time.

    Raises LogUnavailable.
    """
    # Asked for once, so that the work ends although a running server appends meanwhile.
    end = await log.head() if until is None else until
    while after < end:
        batch = await log.read(after, min(size, end - after))
        # The log may have been restored to fewer records since its head was read; waiting would not end.
        if not batch:
            return
        after = batch[-1].position
        yield batch


async def position_of(log: LogReader, moment: Moment | None, progress: Progress = ignore_progress) -> int:
    """The position of a moment; of None, that of the last record. Raises NoSuchMoment or LogUnavailable."""
    head = await log.head()
    if moment is None:
        return head
    if isinstance(moment, int):
        return check_position(head, moment)
    return await last_position_until(log, moment, head, progress)


def check_position(head: int, position: int) -> int:
    """`position` itself, if the log reaches it. Raises NoSuchMoment."""
    if not 0 <= position <= head:
        raise NoSuchMoment(f"There is no position {position}: the log ends at {head}.")
    return position


async def last_position_until(log: LogReader, time: Timestamp, head: int, progress: Progress) -> int:
    """The last position, up to `head`, whose record is not later than `time`. Raises NoSuchMoment or LogUnavailable."""
    last = 0
    # Clocks step back, so times are not sorted: a later record may have an earlier time, and every record is read.
    async for batch in batches(log, until=head):
        last = max((each.position for each in batch if each.at <= time.at), default=last)
        progress(batch[-1].position)
    if not last:
        raise NoSuchMoment(TOO_EARLY)
    return last


async def time_of(log: LogReader, position: int) -> int:
    """The time of the record at `position`, in milliseconds since 1970; 0 for position 0. Raises LogUnavailable."""
    return (await log.read(position - 1, 1))[0].at if position else 0


async def replay(log: LogReader, room: Room, until: int, progress: Progress = ignore_progress) -> None:
    """Fold into `room` the records after its position, up to `until`. Raises UnreadableRecord or LogUnavailable."""
    async for batch in batches(log, room.position, until):
        fold(room, batch)
        progress(room.position)


async def removals_at(log: LogReader, position: int, progress: Progress = ignore_progress) -> Removals:
    """The messages that are hidden after the record at `position`. Raises UnreadableRecord or LogUnavailable."""
    removals = Removals()
    async for batch in batches(log, until=position):
        for stored in batch:
            # Decoding all records would take as long as folding them.
            if stored.type in VISIBILITY_TYPES:
                event = decode(stored).event
                assert isinstance(event, VisibilityEvent)
                removals.apply(event, stored.position)
        progress(batch[-1].position)
    return removals


async def fold_until(log: LogReader, position: int, progress: Progress = ignore_progress) -> Room:
    """The room after the record at `position`. Raises UnreadableRecord or LogUnavailable."""
    room = Room()
    await replay(log, room, position, progress)
    return room
