"""The days of the archive, found by bisecting the times of messages."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import accumulate, groupby

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.endpoints.archive_days import DAY, ArchiveDays
from chatr.adapters.http.page.periods import Period, day_period, days_of, month_of, months_of
from chatr.domain.limits import END_OF_CALENDAR


@frozen
class PlainTimes:
    """The times of messages as a list."""

    ascending: Sequence[int]

    def index_at(self, at: int) -> int:
        return bisect_left(self.ascending, at)


def days(times: Sequence[int]) -> ArchiveDays:
    """Return the days of messages with these times, in the order of the log."""
    return ArchiveDays(PlainTimes(list(accumulate(times, max))), len(times))


def day_at(at: int) -> date:
    """Return the day of a time in milliseconds."""
    return datetime.fromtimestamp(at // 1000, UTC).date()


TIMES = st.one_of(st.integers(0, END_OF_CALENDAR - 1), st.integers(20_000 * DAY, 20_004 * DAY))


@given(st.lists(TIMES, max_size=20))
def test_every_message_is_in_one_day(times: list[int]) -> None:
    """Days in their order hold all messages in theirs, however clocks jumped, and each leads to the next one."""
    archive, expected = days(times), [day_at(at) for at in accumulate(times, max)]
    groups = [(day, len(list(group))) for day, group in groupby(expected)]
    found = [day_period(day) for day, _ in groups]

    assert [archive.day_of(index) for index in range(len(times))] == expected
    assert [len(archive.indexes(each)) for each in found] == [count for _, count in groups]
    assert [archive.after(each) for each in found] == [day for day, _ in groups[1:]] + [None] * bool(groups)
    assert [archive.before(each) for each in found] == [None] * bool(groups) + [day for day, _ in groups[:-1]]


@given(st.lists(TIMES, max_size=20))
def test_years_with_messages_are_found(times: list[int]) -> None:
    """The newest comes first, and years without messages are skipped."""
    years = sorted({day_at(at).year for at in accumulate(times, max)}, reverse=True)

    assert list(days(times).years()) == years
    assert [list(days(times).years(before=year)) for year in years[:3]] == [
        [each for each in years if each < year] for year in years[:3]
    ]


def test_periods_are_named_as_in_iso_8601() -> None:
    """A day, a month and a year have the names that stand in addresses; the last of each is in the year 9999."""
    month = month_of(date(2024, 2, 29))

    assert [
        str(each) for each in (day_period(date(2024, 2, 29)), month, Period(date(2024, 1, 1), date(2024, 12, 31)))
    ] == [
        "2024-02-29",
        "2024-02",
        "2024",
    ]
    assert (len(days_of(month)), len(months_of(9999)), str(months_of(9999)[-1].last)) == (29, 12, "9999-12-31")


def test_the_ends_of_the_calendar_have_days() -> None:
    """The first and the last millisecond have a day."""
    archive = days([0, END_OF_CALENDAR - 1])

    assert [archive.day_of(0), archive.day_of(1)] == [date(1970, 1, 1), date.max]
    assert (archive.indexes(day_period(date.max)), archive.indexes(day_period(date.min))) == (range(1, 2), range(0))
