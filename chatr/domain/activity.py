"""How much was said when: messages in buckets of equal width, wide enough that few of them hold the whole life of the
room.
"""

from itertools import zip_longest
from typing import Final

from attrs import define, field

from chatr.domain.limits import CALENDAR_ENDS, SECOND

BUCKETS: Final = 1_000


@define
class Activity:
    """Messages from `start` on, `width` milliseconds in a bucket. The first bucket and the last are never empty.

    What claims to be from before 1970, or from after the calendar's end, was said at that end of time.
    """

    start: int = 0
    width: int = SECOND
    counts: list[int] = field(factory=list)

    def apply(self, at: int) -> None:
        """Count a message."""
        bucket = (at - self.start) // self.width
        if not 0 <= bucket < len(self.counts):
            bucket = self._reach(min(max(at, 0), CALENDAR_ENDS - 1))
        self.counts[bucket] += 1

    def _reach(self, at: int) -> int:
        """Widen and add buckets until there is one for `at`."""
        first = min(at, self.start) if self.counts else at
        last = max(at, self.start + (len(self.counts) - 1) * self.width) if self.counts else at
        while last // self.width - first // self.width >= BUCKETS:
            self._widen()
        missing = self.start // self.width - first // self.width if self.counts else 0
        self.counts[:0] = [0] * missing
        self.start = first - first % self.width
        self.counts += [0] * ((last - self.start) // self.width + 1 - len(self.counts))
        return (at - self.start) // self.width

    def _widen(self) -> None:
        """Make one bucket of two; each begins at a multiple of its width, whatever came first."""
        lone = [0] * (self.start // self.width % 2)
        even = lone + self.counts
        self.width *= 2
        self.start -= self.start % self.width
        self.counts = [sum(pair) for pair in zip_longest(even[::2], even[1::2], fillvalue=0)]

    def merged(self, most: int) -> "Activity":
        """The same in `most` buckets or fewer."""
        if len(self.counts) <= most:
            return self
        each = -(-len(self.counts) // most)
        counts = [sum(self.counts[place : place + each]) for place in range(0, len(self.counts), each)]
        return Activity(self.start, self.width * each, counts)
