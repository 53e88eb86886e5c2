"""Finds the messages whose own times are in a range, and the times of messages nearest to one, without reading all."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from attrs import define, field

from chatr.domain.message_times import MAX_UINT32, MessageTimes

SHORT: Final = 1_024
"""Messages that are looked at one by one, in a fraction of a millisecond, where some of them are stragglers."""


@define
class MessagesBetween:
    """The messages with their own times from `start` to before `end`, seconds since 1970, hidden ones too.

    They are in the order of the log. A message is named by its index among all messages.
    """

    times: MessageTimes
    start: int
    end: int
    _column: range = field(init=False)
    """The indexes whose entries in `column` are in the range: those of the messages in it, and of stragglers."""
    _own: list[range] = field(init=False)
    """For each sequence the numbers of its stragglers whose own times are in the range."""

    def __attrs_post_init__(self) -> None:
        """Find where the range begins and ends in each sorted sequence of times."""
        self._column = range_of(self.times.column, self.start, self.end)
        self._own = [range_of(each.seconds, self.start, self.end) for each in self.times.sequences]

    @property
    def count(self) -> int:
        """How many there are."""
        return self.count_until(len(self.times.column))

    def count_until(self, index: int) -> int:
        """How many of them have an index before `index`."""
        low, high = self._column.start, min(max(index, self._column.start), self._column.stop)
        count = high - low
        for sequence, own in zip(self.times.sequences, self._own, strict=True):
            if low < high:
                # In `column`, stragglers have another time than their own.
                count -= bisect_left(sequence.indexes, high) - bisect_left(sequence.indexes, low)
            if own:
                count += bisect_left(sequence.indexes, index, own.start, own.stop) - own.start
        return count

    @property
    def span(self) -> range:
        """A range of indexes that holds all of them, and may hold others; empty if there is none of them."""
        edges = [self._column.start, self._column.stop] if self._column else []
        for sequence, own in zip(self.times.sequences, self._own, strict=True):
            edges += [sequence.indexes[own.start], sequence.indexes[own.stop - 1] + 1] if own else []
        return range(min(edges), max(edges)) if edges else range(0)

    def indexes(self, skipped: int, limit: int) -> list[int]:
        """The indexes of at most `limit` of them, after the first `skipped`."""
        wanted = range(skipped, skipped + limit)
        return [*chain.from_iterable(self._found(self.span, range(self.count), wanted))]

    def _found(self, indexes: range, numbers: range, wanted: range) -> Iterator[Sequence[int]]:
        """Yield the indexes of those with the `wanted` numbers. `numbers` are those of all that are in `indexes`."""
        # Halved until all messages of a half are in the time range, or it has none that is wanted, or it is short: a
        # few steps for a message that stands alone among a million others, and one where no clock was wrong.
        low, high = max(numbers.start, wanted.start), min(numbers.stop, wanted.stop)
        if low >= high:
            return
        if len(numbers) == len(indexes) or len(indexes) <= SHORT:
            found = indexes if len(numbers) == len(indexes) else self._listed(indexes)
            yield found[low - numbers.start : high - numbers.start]
            return
        middle = (indexes.start + indexes.stop) // 2
        number = self.count_until(middle)
        yield from self._found(range(indexes.start, middle), range(numbers.start, number), wanted)
        yield from self._found(range(middle, indexes.stop), range(number, numbers.stop), wanted)

    def _listed(self, indexes: range) -> list[int]:
        """The indexes of those among `indexes`, of which each is looked at."""
        stragglers, found = set[int](), list[int]()
        for sequence, own in zip(self.times.sequences, self._own, strict=True):
            first, stop = (bisect_left(sequence.indexes, index) for index in (indexes.start, indexes.stop))
            stragglers.update(sequence.indexes[first:stop])
            found += sequence.indexes[max(first, own.start) : min(stop, own.stop)]
        among = range(max(indexes.start, self._column.start), min(indexes.stop, self._column.stop))
        return sorted([*found, *(index for index in among if index not in stragglers)])


def range_of(seconds: "array[int]", start: int, end: int) -> range:
    """The places of the times from `start` to before `end` among sorted times."""
    return range(bisect_left(seconds, start), bisect_left(seconds, end))


def last_before(times: MessageTimes, second: int) -> int | None:
    """The latest time of a message before a time, in seconds since 1970; None if there is none."""
    # MAX_UINT32 stands in `column` for later times, which are those of stragglers.
    place = bisect_left(times.column, min(second, MAX_UINT32))
    found = [times.column[place - 1]] if place else []
    for each in times.sequences:
        place = bisect_left(each.seconds, second)
        found += [each.seconds[place - 1]] if place else []
    return max(found, default=None)


def first_from(times: MessageTimes, second: int) -> int | None:
    """The earliest time of a message that is not before a time, in seconds since 1970; None if there is none."""
    place = bisect_left(times.column, second)
    found = [each for each in times.column[place : place + 1] if each < MAX_UINT32]
    for sequence in times.sequences:
        place = bisect_left(sequence.seconds, second)
        found += sequence.seconds[place : place + 1]
    return min(found, default=None)
