"""Fold stored records into a room."""

from collections.abc import Callable, Sequence

from chatr.codec import decode
from chatr.domain.events import Record
from chatr.domain.room import Room
from chatr.ports import Stored


def fold(room: Room, batch: Sequence[Stored], revise: Callable[[Stored, Record], Record] | None = None) -> list[Record]:
    """Apply a batch of stored records to `room` and return them decoded. Raises UnreadableRecord or OutOfOrderError.

    `revise` returns the record to apply in the place of a decoded one.
    """
    # All are decoded before the first one is applied, so that an unreadable record leaves the room unchanged.
    records = [decode(stored) for stored in batch]
    if revise is not None:
        records = list(map(revise, batch, records))
    for record in records:
        room.apply(record)
    return records
