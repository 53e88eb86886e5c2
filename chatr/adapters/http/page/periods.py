"""Days, months and years of the calendar."""

from calendar import monthrange
from datetime import date

from attrs import frozen


@frozen
class Period:
    """The days from `first` to `last`, both included: a day, a month or a year."""

    first: date
    last: date

    def __str__(self) -> str:
        """The period as in ISO 8601: "2026-11-23", "2026-11" or "2026"."""
        text = self.first.isoformat()
        return text if self.first == self.last else text[:7] if self.first.month == self.last.month else text[:4]


def day_period(day: date) -> Period:
    """Return a day as a period."""
    return Period(day, day)


def month_of(day: date) -> Period:
    """Return the month of a day."""
    return Period(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))


def months_of(year: int) -> list[Period]:
    """Return the months of a year."""
    return [month_of(date(year, month, 1)) for month in range(1, 13)]


def days_of(month: Period) -> list[Period]:
    """Return the days of a month."""
    return [day_period(month.first.replace(day=day)) for day in range(1, month.last.day + 1)]


def year_of(year: int) -> Period:
    """Return a year as a period."""
    return Period(date(year, 1, 1), date(year, 12, 31))
