"""A sorted collection that changes by one entry in microseconds, however many entries it has."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import Final

from attrs import define, field

from chatr.domain.identity import AgentId

BLOCK_SIZE: Final = 512
"""Entries of a block after it was split in two."""

Entry = tuple[str, AgentId]
"""The key by which entries are sorted, and the agent that it belongs to."""


@define
class SortedBlocks:
    """Entries in ascending order, in blocks of which none is empty. `_last[n]` is the last entry of `_blocks[n]`.

    One long list would do the same, but each change moves all entries behind it: a second for 100,000 changes at once.
    """

    block_size: int = BLOCK_SIZE
    _blocks: list[list[Entry]] = field(factory=list)
    _last: list[Entry] = field(factory=list)

    def add(self, entry: Entry) -> None:
        """Add an entry, which must not be there."""
        if not self._blocks:
            self._replace(0, 0, [entry])
            return
        # An entry after all others belongs at the end of the last block.
        index = min(bisect_left(self._last, entry), len(self._blocks) - 1)
        block = self._blocks[index]
        insort(block, entry)
        self._last[index] = block[-1]
        # Split at twice the size: half-full blocks need many additions before they are split again.
        if len(block) >= 2 * self.block_size:
            self._replace(index, 1, block[: self.block_size], block[self.block_size :])

    def remove(self, entry: Entry) -> None:
        """Remove an entry, which must be there."""
        index = bisect_left(self._last, entry)
        block = self._blocks[index]
        del block[bisect_left(block, entry)]
        if block:
            self._last[index] = block[-1]
        else:
            self._replace(index, 1)

    def after(self, key: str, count: int) -> list[Entry]:
        """The first `count` entries whose keys are greater than `key`."""
        return list(islice(self._all_after(key), count))

    def _all_after(self, key: str) -> Iterator[Entry]:
        index = bisect_right(self._last, key, key=itemgetter(0))
        for block in islice(self._blocks, index, None):
            yield from islice(block, bisect_right(block, key, key=itemgetter(0)), None)

    def _replace(self, index: int, count: int, *blocks: list[Entry]) -> None:
        """Put blocks in the place of others."""
        self._blocks[index : index + count] = blocks
        self._last[index : index + count] = [block[-1] for block in blocks]
