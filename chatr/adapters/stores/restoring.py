"""What all stores that restore records have in common."""

from collections.abc import Iterator, Sequence
from typing import Final

from chatr.ports import Conflict, Stored

MAX_GROUP: Final = 256
"""The most records that one transaction restores on a server: a slow network has a second or two for them."""


def groups_of(records: Sequence[Stored], most: int = MAX_GROUP) -> Iterator[Sequence[Stored]]:
    """Yield the records in groups of at most `most`, in their order."""
    for begin in range(0, len(records), most):
        yield records[begin : begin + most]


def check_restored(records: Sequence[Stored], held: Sequence[Stored]) -> None:
    """Raise Conflict with the position of the first of `records` that is not among those that the log holds."""
    by_position = {stored.position: stored for stored in held}
    for record in records:
        if by_position.get(record.position) != record:
            raise Conflict(record.position)


def columns_of(record: Stored) -> dict[str, object]:
    """Return the values of the placeholders of an INSERT, which are named like the columns."""
    return {
        "position": record.position,
        "stream": record.stream,
        "previous": record.previous,
        "id": record.id,
        "type": record.type,
        "at": record.at,
        "seen": record.decided_at_position,
        "data": record.data,
        "check": record.record_hash,
    }
