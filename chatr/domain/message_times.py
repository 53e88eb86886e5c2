"""The times of all messages: counts the messages of a time range, and finds the first message at or after a time."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from attrs import define, field

from chatr.domain.immutability import statically_frozen
from chatr.domain.limits import END_OF_CALENDAR, SECOND
from chatr.domain.sorted_arrays import insert_sorted, remove_sorted

MAX_BUCKETS: Final = 1_000
"""The maximum number of buckets of an activity graph, so that a graph of any length takes a millisecond or two."""
MAX_UINT32: Final = 2**32 - 1
"""The largest number of four bytes, a second of the year 2106. Later times are stored in a `TimeSequence`."""
MAX_SEQUENCES: Final = 64
"""The maximum number of sequences. It bounds the time of a count in a log with many sequences, such as one whose times
descend.
"""
MAX_OTHERS_PER_STRAGGLER: Final = 64
"""A span that holds more other messages than this for each of its stragglers is split."""
MAX_OTHERS: Final = 5_000
"""A span that holds at most this many other messages is not split: skipping them takes some milliseconds."""


@statically_frozen
class Activity:
    """Counts of messages for display: `counts[n]` messages that are not hidden have a time in the `seconds` seconds
    from `start + n * seconds` on. `start` is in milliseconds since 1970.
    """

    start: int
    seconds: int
    counts: list[int]


@define
class TimeSequence:
    """Stragglers (see `MessageTimes`) whose times ascend with their indexes: `indexes[i]` is the index of a message
    among all messages, and `seconds[i]` its time.
    """

    indexes: "array[int]" = field(factory=lambda: array("q"))
    seconds: "array[int]" = field(factory=lambda: array("q"))

    def spans(self, first: int, stop: int) -> list[range]:
        """Return ranges of message indexes that hold the stragglers `first` to `stop - 1` of this sequence.

        `stop` must be greater than `first`. The ranges ascend and do not overlap. They may hold other messages, too.
        """
        span = range(self.indexes[first], self.indexes[stop - 1] + 1)
        # A machine that twice starts with its clock at 1970 posts two stragglers with all other messages between them.
        if len(span) - (stop - first) <= max(MAX_OTHERS, MAX_OTHERS_PER_STRAGGLER * (stop - first)):
            return [span]
        middle = (first + stop) // 2
        return self.spans(first, middle) + self.spans(middle, stop)


@define
class MessageTimes:
    """The times of all messages in whole seconds since 1970, in position order.

    `column` holds for each message the greatest time up to and including it, so it is ascending; `latest` is its last
    value. A straggler is a message whose own time differs from that, because its clock had stepped back or an earlier
    message's clock was far ahead. Its own time is in one of the `sequences`. `hidden` are the times of the hidden
    messages, sorted.

    A time before 1970 or after the calendar's end, from a clock that is far off, counts as the nearest valid one.
    """

    # Four bytes a message. Milliseconds would need eight, and under load many messages would be stragglers.
    column: "array[int]" = field(factory=lambda: array("I"))
    latest: int = 0
    # The fewest ascending sequences that hold all stragglers: one for each clock that is behind the others at the same
    # time. They are only appended to, so that a snapshot needs no copy of them.
    sequences: list[TimeSequence] = field(factory=list)
    hidden: "array[int]" = field(factory=lambda: array("q"))

    def apply(self, at: int) -> None:
        """Add the time of the next message, in milliseconds since 1970."""
        second = at // SECOND
        if self.latest <= second < MAX_UINT32:
            self.latest = second
            self.column.append(second)
        else:
            self._add_straggler(min(max(second, 0), END_OF_CALENDAR // SECOND - 1))

    def _add_straggler(self, second: int) -> None:
        """Add a message whose own time differs from its entry in `column`."""
        self.latest = max(self.latest, min(second, MAX_UINT32))
        # The first sequence that it continues: this makes the fewest sequences possible.
        sequence = next((each for each in self.sequences if each.seconds[-1] <= second), None)
        if sequence is None and len(self.sequences) < MAX_SEQUENCES:
            sequence = TimeSequence()
            self.sequences.append(sequence)
        elif sequence is None:
            sequence = self.sequences[-1]
            second = sequence.seconds[-1]
        sequence.indexes.append(len(self.column))
        sequence.seconds.append(second)
        self.column.append(self.latest)

    def hide(self, indexes: Iterable[int]) -> None:
        """Stop counting the messages with these indexes."""
        self.hidden = insert_sorted(self.hidden, sorted(map(self.second_of, indexes)))

    def show(self, indexes: Iterable[int]) -> None:
        """Count the messages with these indexes again, which were hidden."""
        self.hidden = remove_sorted(self.hidden, sorted(map(self.second_of, indexes)))

    def second_of(self, index: int) -> int:
        """Return the time of the message with this index, in seconds since 1970."""
        for sequence in self.sequences:
            place = bisect_left(sequence.indexes, index)
            if place < len(sequence.indexes) and sequence.indexes[place] == index:
                return sequence.seconds[place]
        return self.column[index]

    def index_at(self, at: int) -> int:
        """Return the index of the first message whose time in `column` is not before `at` (milliseconds since 1970).

        `at` counts as its whole second. All later messages have no smaller time in `column` either.
        """
        return bisect_left(self.column, at // SECOND)

    def spans(self, start: int, end: int) -> list[range]:
        """Return ranges of indexes that hold all messages with their own times from `start` to before `end`.

        Both are milliseconds since 1970 and count as their whole second. The ranges ascend and do not overlap. With
        stragglers they may hold other messages, too.
        """
        found = [range(self.index_at(start), self.index_at(end))]
        for each in self.sequences:
            first, stop = bisect_left(each.seconds, start // SECOND), bisect_left(each.seconds, end // SECOND)
            if first < stop:
                found += each.spans(first, stop)
        spans: list[range] = []
        for span in sorted(filter(None, found), key=lambda each: each.start):
            last = spans.pop() if spans and span.start <= spans[-1].stop else span
            spans.append(range(last.start, max(last.stop, span.stop)))
        return spans

    def count(self, start: int, end: int) -> int:
        """Return how many messages are not hidden and have their own times from `start` to before `end`.

        Both are milliseconds since 1970 and count as their whole second.
        """
        return self._count_before(end // SECOND) - self._count_before(start // SECOND)

    def _count_before(self, second: int) -> int:
        """Return how many messages that are not hidden have a time before `second`."""
        index = bisect_left(self.column, second)
        count = index - bisect_left(self.hidden, second)
        for sequence in self.sequences:
            # In `column`, stragglers have another time than their own.
            count += bisect_left(sequence.seconds, second) - bisect_left(sequence.indexes, index)
        return count

    @property
    def first(self) -> int:
        """The earliest time of a message, hidden or not, in seconds since 1970. There must be a message."""
        return min([self.second_of(0), *(each.seconds[0] for each in self.sequences)])

    @property
    def last(self) -> int:
        """The latest time of a message, hidden or not, in seconds since 1970. There must be a message."""
        return max([self.latest, *(each.seconds[-1] for each in self.sequences)])

    def activity(self, buckets: int, end: int | None = None) -> Activity:
        """Return the activity from the first message to the last, in at most `buckets` buckets.

        With `end`, milliseconds since 1970, it ends with the bucket of the last second before that.
        It is computed for at most `MAX_BUCKETS` buckets. Their width is the smallest power of two seconds that allows
        this, and they begin at multiples of it. Neighbouring ones are merged until there are at most `buckets`.
        """
        if not self.column:
            return Activity(0, 1, [])
        first, last, width = self.first, self.last, 1
        if end is not None:
            last = min(last, -(-end // SECOND) - 1)
        if last < first:
            return Activity(0, 1, [])
        while last // width - first // width >= MAX_BUCKETS:
            width *= 2
        count = last // width - first // width + 1
        merged = -(-count // buckets)
        return self._activity(first - first % width, width * merged, -(-count // merged))

    def activity_between(self, start: int, end: int, buckets: int) -> Activity:
        """Return the activity from `start` to before `end`, in milliseconds since 1970; `end` must be later.

        There are at most `buckets` buckets of whole seconds, as narrow as possible. The first one begins at the second
        of `start`; the last one may end after `end`.
        """
        first, last = start // SECOND, -(-end // SECOND)
        width = -(-(last - first) // buckets)
        return self._activity(first, width, -(-(last - first) // width))

    def _activity(self, start: int, width: int, buckets: int) -> Activity:
        """Return the activity in `buckets` buckets of `width` seconds from `start` on, in seconds since 1970."""
        before = [self._count_before(start + bucket * width) for bucket in range(buckets + 1)]
        return Activity(start * SECOND, width, [end - begin for begin, end in pairwise(before)])
