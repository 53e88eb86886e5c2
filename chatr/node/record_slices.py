"""Divides a batch of records into slices, each of which is folded in one iteration of the event loop."""

from collections.abc import Iterator, Sequence
from typing import Final

from chatr.ports import Stored

SLICE: Final = 200
"""Records that are folded in one iteration of the event loop: about 10 ms, even if each is of another agent."""
# Two hundred records that erase a thousand messages each took more than a second.
SLICE_TEXT: Final = 128 * 1024
"""Characters of the records that are folded in one iteration, unless a single record has more."""


def slices(batch: Sequence[Stored]) -> Iterator[Sequence[Stored]]:
    """Yield the records of a batch, at most `SLICE` at a time, and fewer where they are long."""
    start = size = 0
    for index, stored in enumerate(batch):
        size += len(stored.data)
        # `index > start`: a single record that is too long is a slice of its own, not an empty slice before it.
        if index - start == SLICE or (size > SLICE_TEXT and index > start):
            yield batch[start:index]
            start, size = index, len(stored.data)
    yield batch[start:]
