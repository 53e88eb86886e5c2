"""The days of the archive, found by the own times of messages."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.endpoints.archive_days import ArchiveDays
from chatr.adapters.http.page.periods import Period, day_period, days_of, month_of, months_of
from chatr.domain.limits import END_OF_CALENDAR, HOUR
from chatr.domain.message_times import MessageTimes

DAY = 24 * HOUR


def days(times: Sequence[int]) -> ArchiveDays:
    """Return the days of messages with these times, in the order of the log."""
    found = MessageTimes()
    for at in times:
        found.apply(at)
    return ArchiveDays(found)


def day_at(at: int) -> date:
    """Return the day of a time in milliseconds."""
    return datetime.fromtimestamp(at // 1000, UTC).date()


TIMES = st.one_of(st.integers(0, END_OF_CALENDAR - 1), st.integers(20_000 * DAY, 20_004 * DAY))


@given(st.lists(TIMES, max_size=20))
def test_every_message_is_in_its_day(times: list[int]) -> None:
    """A day holds the messages with its times in the order of the log, however clocks jumped, and leads to the next."""
    archive, by_day = days(times), defaultdict[date, list[int]](list)
    for index, at in enumerate(times):
        by_day[day_at(at)].append(index)
    found = {day: archive.messages(day_period(day)) for day in sorted(by_day)}

    assert [archive.day_of(index) for index in range(len(times))] == [day_at(at) for at in times]
    assert {day: each.indexes(0, 100) for day, each in found.items()} == by_day
    assert {day: archive.visible_count(day_period(day)) for day in found} == {d: len(of) for d, of in by_day.items()}
    for earlier, later in pairwise([None, *found, None]):
        assert earlier is None or archive.after(day_period(earlier)) == later
        assert later is None or archive.before(day_period(later)) == earlier


@given(st.lists(TIMES, max_size=20), st.integers(0, 5), st.integers(1, 5))
def test_a_day_is_read_in_pages(times: list[int], skipped: int, limit: int) -> None:
    """Each page holds the next messages, and the page of a message follows from its number in the day."""
    archive = days(times)
    for day in {day_at(at) for at in times}:
        of_day = archive.messages(day_period(day))
        whole = of_day.indexes(0, 100)

        assert of_day.indexes(skipped, limit) == whole[skipped : skipped + limit]
        assert [of_day.count_until(index) for index in whole] == list(range(of_day.count))


@given(st.lists(TIMES, max_size=20))
def test_years_with_messages_are_found(times: list[int]) -> None:
    """The newest comes first, and years without messages are skipped."""
    years = sorted({day_at(at).year for at in times}, reverse=True)

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
    assert [archive.messages(day_period(day)).indexes(0, 9) for day in (date.max, date.min)] == [[1], []]
