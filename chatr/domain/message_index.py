"""Ascending positions of messages under keys, such as the messages of each agent."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, MutableSequence, Sequence
from typing import Final, Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)
NOTHING: Final = array("q")
FEW: Final = 8
"""Up to so many positions are removed one by one."""


def without(numbers: "array[int]", removed: Sequence[int]) -> "array[int]":
    """Ascending numbers without those in `removed`, which are ascending too. It may be the same array, changed."""
    if len(removed) <= FEW:
        for number in removed:
            index = bisect_left(numbers, number)
            if index < len(numbers) and numbers[index] == number:
                del numbers[index]
        return numbers
    # Each deletion moves what is behind it. For many of them the numbers are copied once instead.
    kept, start = array("q"), 0
    for number in removed:
        end = bisect_left(numbers, number, start)
        kept += numbers[start:end]
        start = end + (end < len(numbers) and numbers[end] == number)
    return kept + numbers[start:]


@define
class MessageIndex(Generic[K]):
    """The positions of messages for each key, ascending. A key without messages is not stored."""

    # Eight bytes a message: lists would take 36.
    by_key: "defaultdict[K, array[int]]" = field(factory=lambda: defaultdict(lambda: array("q")))

    def of(self, key: K) -> "array[int]":
        """The positions for a key."""
        return self.by_key.get(key, NOTHING)

    def add(self, key: K, position: int) -> None:
        """Add the position of a message, which is nearly always the last one."""
        positions = self.by_key[key]
        if positions and positions[-1] > position:
            insort(positions, position)
        else:
            positions.append(position)

    def remove(self, pairs: Iterable[tuple[K, int]]) -> None:
        """Remove the positions that stand beside keys, as far as they are there. Those of one key are ascending."""
        removed = defaultdict[K, list[int]](list)
        for key, position in pairs:
            removed[key].append(position)
        for key, positions in removed.items():
            if left := without(self.of(key), positions):
                self.by_key[key] = left
            else:
                self.by_key.pop(key, None)


@define
class MessageRelation(Generic[K]):
    """Pairs of a message and a key, such as an agent that it mentions; ascending by message.

    They tell the keys of a message whose text is not in memory. Both sequences have the same length.
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
        """Remove the pairs of these messages, which are ascending. The old sequences stay as they are."""
        spans = [span for span in map(self._span, messages) if span[0] < span[1]]
        if not spans:
            return
        left, keys, start = array("q"), self.keys[:0], 0
        for first, end in (*spans, (len(self.messages), 0)):
            left.extend(self.messages[start:first])
            keys.extend(self.keys[start:first])
            start = end
        self.messages, self.keys = left, keys

    def _span(self, message: int) -> tuple[int, int]:
        """Where the pairs of a message begin and end."""
        start = bisect_left(self.messages, message)
        return start, bisect_right(self.messages, message, start)
