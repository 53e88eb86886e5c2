"""The parts of an index: an FTS5 table for each range of positions."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from chatr.search_types import SearchRange

SIZE: Final = 1 << 15
"""Positions in one part. Rebuilding one takes half a second; each adds 20 µs to the search for a rare word."""


def number_of(position: int) -> int:
    """The number of the part to which a position belongs."""
    return position // SIZE


def positions_of(number: int) -> range:
    """The positions of a part."""
    return range(number * SIZE, (number + 1) * SIZE)


def table_of(number: int) -> str:
    """The name of the table of a part."""
    return f"part_{number}"


def tables_in(wanted: SearchRange, numbers: Sequence[int]) -> list[str]:
    """The tables with positions in a range, in its order. `numbers` are those of the existing parts, ascending."""
    first = bisect_left(numbers, number_of(wanted.after))
    last = bisect_left(numbers, number_of(wanted.before) + 1)
    # In the order of the hits, so that a page is often found in the first table.
    return list(map(table_of, numbers[first:last]))[:: 1 if wanted.ascending else -1]
