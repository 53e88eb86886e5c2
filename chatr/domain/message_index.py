"""Indexes of messages: the positions for each key, such as an author, and the keys of each message."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, MutableSequence, Sequence
from typing import Final, Generic, TypeVar

from attrs import define, field

from chatr.domain.sorted_arrays import insert_sorted, remove_sorted

K = TypeVar("K", bound=Hashable)
# Shared by all keys without messages, so callers must not change what `of` returns.
NO_POSITIONS: Final = array("q")


def grouped(pairs: Iterable[tuple[K, int]]) -> dict[K, list[int]]:
    """The positions for each key of these pairs, in their order."""
    groups = defaultdict[K, list[int]](list)
    for key, position in pairs:
        groups[key].append(position)
    return groups


@define
class MessageIndex(Generic[K]):
    """The ascending positions of messages for each key. A key without messages is not stored."""

    # An array takes 8 bytes for each position, a list 36.
    by_key: "defaultdict[K, array[int]]" = field(factory=lambda: defaultdict(lambda: array("q")))

    def of(self, key: K) -> "array[int]":
        """The positions for a key."""
        return self.by_key.get(key, NO_POSITIONS)

    def add(self, key: K, position: int) -> None:
        """Add the position of a message, which is nearly always the last one."""
        positions = self.by_key[key]
        if positions and positions[-1] > position:
            insort(positions, position)
        else:
            positions.append(position)

    def insert(self, pairs: Iterable[tuple[K, int]]) -> None:
        """Add pairs of a key and a position that is not among the key's. Positions of one key must be ascending."""
        for key, positions in grouped(pairs).items():
            self.by_key[key] = insert_sorted(self.by_key[key], positions)

    def remove(self, pairs: Iterable[tuple[K, int]]) -> None:
        """Remove pairs of a key and a position; missing ones are ignored. Positions of one key must be ascending."""
        for key, positions in grouped(pairs).items():
            if remaining := remove_sorted(self.of(key), positions):
                self.by_key[key] = remaining
            else:
                self.by_key.pop(key, None)


@define
class MessageRelation(Generic[K]):
    """Pairs of a message and a key, such as an agent that it mentions, in ascending order of messages.

    The keys of a message can be looked up although its text is not in memory. `keys[i]` belongs to `messages[i]`.
    """

    keys: MutableSequence[K]
    messages: "array[int]" = field(factory=lambda: array("q"))

    def add(self, message: int, key: K) -> None:
        """Add a pair; its message must not be before the last one."""
        self.messages.append(message)
        self.keys.append(key)

    def of(self, message: int) -> Sequence[K]:
        """The keys of a message, in the order in which they were added."""
        start, end = self._span(message)
        return self.keys[start:end]

    def forget(self, messages: Iterable[int]) -> None:
        """Remove the pairs of these messages, which must be ascending. Both sequences are replaced, not changed."""
        spans = [span for span in map(self._span, messages) if span[0] < span[1]]
        if not spans:
            return
        # A snapshot that another thread is writing holds the old sequences.
        remaining, keys, start = array("q"), self.keys[:0], 0
        for first, end in (*spans, (len(self.messages), 0)):
            remaining.extend(self.messages[start:first])
            keys.extend(self.keys[start:first])
            start = end
        self.messages, self.keys = remaining, keys

    def _span(self, message: int) -> tuple[int, int]:
        """The index of the first pair of a message, and the index after its last one."""
        start = bisect_left(self.messages, message)
        return start, bisect_right(self.messages, message, start)
