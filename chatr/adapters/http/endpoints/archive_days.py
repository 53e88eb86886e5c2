"""Finds the messages of a day or month (in UTC), and the days and years that have messages."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from attrs import frozen

from chatr.adapters.http.page.periods import Period, year_of
from chatr.domain.limits import HOUR, SECOND
from chatr.domain.message_times import MessageTimes
from chatr.domain.messages_between import MessagesBetween, first_from, last_before

DAY: Final = 24 * HOUR // SECOND
"""Seconds of a day."""
EPOCH: Final = date(1970, 1, 1).toordinal()
"""The first day that a message may have, as `date.toordinal` returns it."""


@frozen
class ArchiveDays:
    """Finds messages by their own times, however the clocks of others were wrong. Nothing here reads all messages."""

    times: MessageTimes

    def messages(self, period: Period) -> MessagesBetween:
        """Return the messages of a period, hidden ones too."""
        return MessagesBetween(self.times, *seconds_of(period))

    def visible_count(self, period: Period) -> int:
        """Return how many messages of a period are not hidden."""
        start, end = seconds_of(period)
        return self.times.count(start * SECOND, end * SECOND)

    def day_of(self, index: int) -> date:
        """Return the day of the message at `index` among all messages."""
        return day_at(self.times.second_of(index))

    def before(self, period: Period) -> date | None:
        """Return the last day before a period that has messages; None if there is none."""
        second = last_before(self.times, seconds_of(period)[0])
        return None if second is None else day_at(second)

    def after(self, period: Period) -> date | None:
        """Return the first day after a period that has messages; None if there is none."""
        second = first_from(self.times, seconds_of(period)[1])
        return None if second is None else day_at(second)

    def years(self, before: int | None = None) -> Iterator[int]:
        """Yield the years that have messages, the newest first; those before the year `before` if one is given."""
        # One step for each year that has messages: a clock that was wrong by centuries adds one.
        year = date.max.year + 1 if before is None else before
        while (second := last_before(self.times, start_of_year(year))) is not None:
            year = day_at(second).year
            yield year


def seconds_of(period: Period) -> tuple[int, int]:
    """Return the first second of a period, and the first one after it, since 1970."""
    return (period.first.toordinal() - EPOCH) * DAY, (period.last.toordinal() + 1 - EPOCH) * DAY


def start_of_year(year: int) -> int:
    """Return the first second of a year, since 1970; also for the year 10000, which no date has."""
    return seconds_of(year_of(date.max.year))[1] if year > date.max.year else seconds_of(year_of(year))[0]


def day_at(second: int) -> date:
    """Return the day of a time in seconds since 1970."""
    return date.fromordinal(EPOCH + second // DAY)
