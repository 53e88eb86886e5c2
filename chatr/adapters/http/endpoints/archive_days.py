"""Finds the messages of a day or month (in UTC), and the days and years that have messages."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from typing import Final, Protocol

from attrs import frozen

from chatr.adapters.http.page.periods import Period
from chatr.domain.limits import HOUR

DAY: Final = 24 * HOUR
# Days as numbers, as `date.toordinal` returns them.
EPOCH: Final = date(1970, 1, 1).toordinal()
LAST: Final = date.max.toordinal()


class AscendingTimes(Protocol):
    """The times of all messages, ascending; implemented by `chatr.domain.message_times.MessageTimes`."""

    def index_at(self, at: int) -> int:
        """Return the index of the first message that is not before `at`, milliseconds since 1970."""
        ...


@frozen
class ArchiveDays:
    """Finds the messages of a period by their ascending times. Indexes are those of `history.positions`.

    A message whose clock stepped back belongs to the day of the messages before it, so that a day is one range of
    messages, in the order of the log. Nothing here reads all messages.
    """

    times: AscendingTimes
    count: int

    def indexes(self, period: Period) -> range:
        """Return the indexes of the messages of a period."""
        return range(self._index_of(period.first.toordinal()), self._index_of(period.last.toordinal() + 1))

    def day_of(self, index: int) -> date:
        """Return the day of the message at `index`."""
        days = range(EPOCH, LAST + 1)
        return date.fromordinal(days[bisect_right(days, index, key=self._index_of) - 1])

    def before(self, period: Period) -> date | None:
        """Return the last day before a period that has messages; None if there is none."""
        index = self.indexes(period).start
        return self.day_of(index - 1) if index else None

    def after(self, period: Period) -> date | None:
        """Return the first day after a period that has messages; None if there is none."""
        index = self.indexes(period).stop
        return self.day_of(index) if index < self.count else None

    def years(self, before: int | None = None) -> Iterator[int]:
        """Yield the years that have messages, the newest first; those before the year `before` if one is given."""
        index = self.count if before is None else self._index_of(date(before, 1, 1).toordinal())
        # One step for each year that has messages: a clock that was wrong by centuries adds one.
        while index:
            year = self.day_of(index - 1).year
            yield year
            index = self._index_of(date(year, 1, 1).toordinal())

    def _index_of(self, ordinal: int) -> int:
        """Return the index of the first message on this day or later: `count` after the end of the calendar."""
        if ordinal <= EPOCH:
            return 0
        return self.count if ordinal > LAST else self.times.index_at((ordinal - EPOCH) * DAY)
