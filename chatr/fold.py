"""Fold stored records into a room."""

from collections.abc import Sequence

from chatr.codec import decode
from chatr.domain.events import Record
from chatr.domain.room import Room
from chatr.ports import Stored


def fold(room: Room, batch: Sequence[Stored]) -> list[Record]:
    """Apply a batch of stored records to `room` and return them decoded. Raises UnreadableRecord or OutOfOrderError."""
    # All are decoded before the first one is applied, so that an unreadable record leaves the room unchanged.
    records = [decode(stored) for stored in batch]
    for record in records:
        room.apply(record)
    return records
