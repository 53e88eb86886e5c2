"""What all stores that erase records have in common."""

from collections.abc import Iterator, Sequence
from typing import Final

from chatr.ports import LogUnavailable

MAX_GROUP: Final = 200
"""The most records that one transaction erases. It takes a few milliseconds, for which appends wait."""


def groups_of(positions: Sequence[int]) -> Iterator[list[int]]:
    """Yield the positions in ascending order, each once, in groups of at most 200."""
    ascending = sorted(set(positions))
    for begin in range(0, len(ascending), MAX_GROUP):
        yield ascending[begin : begin + MAX_GROUP]


def check_all_found(positions: Sequence[int], found: int) -> None:
    """Raise LogUnavailable unless the log holds all of a group of positions, of which it holds `found`."""
    if found < len(positions):
        raise LogUnavailable("the log does not hold all records that are to be erased")
