"""Counts of messages in buckets of equal width over time, for the activity graph of the watch page."""

from bisect import bisect_right
from itertools import zip_longest
from typing import Final

from attrs import define, field

from chatr.domain.limits import END_OF_CALENDAR, SECOND

# Bounds the memory, however long a room lives: when more buckets are needed, they become twice as wide.
MAX_BUCKETS: Final = 1_000


@define
class Activity:
    """Counts of messages: `counts[n]` messages that are not hidden have a time in the `width` milliseconds from
    `start + n * width` on.

    `start` is a multiple of `width`, and the first and the last bucket hold a message, hidden or not. So the buckets
    follow from the times of all messages, in whatever order clocks that step back put them.

    Messages from `run_positions[i]` to before `run_positions[i + 1]` have times in the bucket that began at
    `run_times[i]` when they were counted.
    """

    start: int = 0
    width: int = SECOND
    counts: list[int] = field(factory=list)
    # Buckets are narrow only while the room is young, so a room of ten years has some thousand runs. Wider buckets
    # consist of whole narrow ones, so a run need not change when buckets are merged.
    run_positions: list[int] = field(factory=list)
    run_times: list[int] = field(factory=list)

    def apply(self, position: int, at: int) -> None:
        """Count the message at `position`, the last one so far, posted at `at`, milliseconds since 1970."""
        bucket = (at - self.start) // self.width
        if not 0 <= bucket < len(self.counts):
            # A time before 1970 or after the calendar's end, from a clock that is far off, counts as the nearest valid.
            bucket = self._add_buckets_up_to(min(max(at, 0), END_OF_CALENDAR - 1))
        self.counts[bucket] += 1
        bucket_start = self.start + bucket * self.width
        if not self.run_times or bucket_start != self.run_times[-1]:
            self.run_positions.append(position)
            self.run_times.append(bucket_start)

    def recount(self, position: int, difference: int) -> None:
        """Add `difference` to the bucket of the message at `position`, which was counted before."""
        bucket_start = self.run_times[bisect_right(self.run_positions, position) - 1]
        self.counts[(bucket_start - self.start) // self.width] += difference

    def _add_buckets_up_to(self, at: int) -> int:
        """Add buckets at either end, widening all if needed, until one holds `at`. Returns its index."""
        first_time = min(at, self.start) if self.counts else at
        # The start of the last bucket stands for it: any time in the bucket would do.
        last_time = max(at, self.start + (len(self.counts) - 1) * self.width) if self.counts else at
        while last_time // self.width - first_time // self.width >= MAX_BUCKETS:
            self._double_width()
        missing = self.start // self.width - first_time // self.width if self.counts else 0
        self.counts[:0] = [0] * missing
        self.start = first_time - first_time % self.width
        self.counts += [0] * ((last_time - self.start) // self.width + 1 - len(self.counts))
        return (at - self.start) // self.width

    def _double_width(self) -> None:
        """Merge buckets in pairs. Each wider bucket starts at a multiple of its width."""
        # An empty bucket in front where needed, so that pairs begin at multiples of the new width.
        padding = [0] if self.start // self.width % 2 else []
        padded = padding + self.counts
        self.width *= 2
        self.start -= self.start % self.width
        self.counts = [sum(pair) for pair in zip_longest(padded[::2], padded[1::2], fillvalue=0)]

    def with_buckets(self, most: int) -> "Activity":
        """A copy for display with at most `most` buckets; itself if it has no more.

        The copy's `start` need not be a multiple of its `width`, so no message may be applied to it.
        """
        if len(self.counts) <= most:
            return self
        merged = -(-len(self.counts) // most)
        counts = [sum(self.counts[index : index + merged]) for index in range(0, len(self.counts), merged)]
        return Activity(self.start, self.width * merged, counts)
