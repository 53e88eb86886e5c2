"""The room as it was: a log folded up to a moment."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from chatr.codec import decode
from chatr.domain.room import Room
from chatr.ports import LogReader, Stored

BATCH: Final = 1_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)

Progress = Callable[[int], object]
"""Told the position that was reached."""


@frozen
class Time:
    """A moment by the clock, in milliseconds since 1970."""

    at: int

    @classmethod
    def of(cls, time: datetime) -> "Time":
        return cls((time - EPOCH) // MILLISECOND)


Moment = int | Time
"""A position, or the last position whose time is not later than a time."""


TOO_EARLY: Final = "Nothing had been recorded by then."


class NoSuchMoment(Exception):
    """The log does not reach there. The text is one sentence."""


def nowhere(_position: int) -> None:
    """Tell nobody about progress."""


async def batches(
    log: LogReader, after: int = 0, until: int | None = None, *, size: int = BATCH
) -> AsyncIterator[list[Stored]]:
    """The records after `after`, up to `until` or to what the log holds now, `size` of them at a time."""
    end = await log.head() if until is None else until
    while after < end:
        batch = await log.read(after, min(size, end - after))
        if not batch:
            return
        after = batch[-1].position
        yield batch


async def position_of(log: LogReader, moment: Moment | None, progress: Progress = nowhere) -> int:
    """Where a moment is in the log; None is its end. Raises NoSuchMoment."""
    head = await log.head()
    if moment is None:
        return head
    return inside(head, moment) if isinstance(moment, int) else await last_by(log, moment, head, progress)


def inside(head: int, position: int) -> int:
    """The position, if the log reaches there. Raises NoSuchMoment."""
    if not 0 <= position <= head:
        raise NoSuchMoment(f"There is no position {position}: the log ends at {head}.")
    return position


async def last_by(log: LogReader, time: Time, head: int, progress: Progress) -> int:
    """Clocks step back, so that every record has to be looked at."""
    last = 0
    async for batch in batches(log, until=head):
        last = max((each.position for each in batch if each.at <= time.at), default=last)
        progress(batch[-1].position)
    if not last:
        raise NoSuchMoment(TOO_EARLY)
    return last


async def time_of(log: LogReader, position: int) -> int:
    """When it was by the clock of the node that decided the record at `position`."""
    return (await log.read(position - 1, 1))[0].at if position else 0


async def fold(log: LogReader, room: Room, until: int, progress: Progress = nowhere) -> None:
    """Let the room go on to the record at `until`."""
    async for batch in batches(log, room.position, until):
        for stored in batch:
            room.apply(decode(stored))
        progress(room.position)


async def room_at(log: LogReader, position: int, progress: Progress = nowhere) -> Room:
    """The room after the record at `position`."""
    room = Room()
    await fold(log, room, position, progress)
    return room
