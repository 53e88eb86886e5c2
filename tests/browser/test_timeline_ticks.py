"""The dated ticks of the timeline: round times of the reader's clock, in any time zone, that never overlap."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.hosted_room import HostedRoom

TICKS: Final = """
async ([windows, pixels]) => {
  const { ticks } = await import("/page/time_scale.js");
  const width = (label) => label.length * 7;
  const local = (time) => {
    const date = new Date(time);
    return [date.getHours(), date.getMinutes(), date.getSeconds()];
  };
  return windows.map(([from, to]) => {
    const [begin, end] = [Date.parse(from), Date.parse(to)];
    return ticks({ from: begin, to: end }, pixels, width, 60, 30).map(({ time, label }) => {
      const middle = (time - begin) / (end - begin) * pixels;
      return { label, local: local(time), left: middle - width(label) / 2, right: middle + width(label) / 2 };
    });
  });
}
"""
"""Returns the ticks of each window, whose labels have seven pixels a character."""
BERLIN: Final = {
    "an hour that is repeated": (
        ("2026-10-24T22:00Z", "2026-10-25T03:00Z"),
        "01:00 01:30 02:00 02:30 02:00 02:30 03:00",
    ),
    "an hour that is left out": (
        ("2026-03-28T23:00Z", "2026-03-29T05:00Z"),
        "01:00 01:30 03:00 03:30 04:00 04:30 05:00 05:30 06:00",
    ),
    "days of 23 hours": (("2026-03-25T12:00Z", "2026-04-01T12:00Z"), "27 Mar|28 Mar|29 Mar|30 Mar|31 Mar"),
    "a leap day": (("2028-02-26T12:00Z", "2028-03-04T12:00Z"), "28 Feb|29 Feb|1 Mar|2 Mar|3 Mar"),
    "no leap day": (("2027-02-25T12:00Z", "2027-03-04T12:00Z"), "27 Feb|28 Feb|1 Mar|2 Mar|3 Mar"),
    "a new year, by days": (("2026-12-28T12:00Z", "2027-01-04T12:00Z"), "30 Dec|31 Dec|1 Jan 2027|2 Jan|3 Jan"),
    "a new year, by months": (("2026-09-10T12:00Z", "2027-03-10T12:00Z"), "Nov|Dec|2027|Feb"),
    "midnight": (("2026-05-05T20:00Z", "2026-05-06T00:00Z"), "23:00|23:30|6 May|00:30|01:00|01:30"),
    "years": (("2019-05-05T20:00Z", "2027-05-06T00:00Z"), "2021|2022|2023|2024|2025|2026"),
}
"""By what happens in it: a window, and the labels of its ticks in Berlin at 600 pixels."""


@pytest.mark.long
def test_ticks_follow_the_calendar(room: HostedRoom, open_page: OpenPage) -> None:
    """Ticks are at round times of the reader's clock, also where it changes, and the first of a day or year says so."""
    page = open_page(room.url, timezone_id="Europe/Berlin", locale="en-GB")
    found = page.evaluate(TICKS, [[window for window, _ in BERLIN.values()], 600])
    labels = {name: [each["label"] for each in ticks] for name, ticks in zip(BERLIN, found, strict=True)}

    assert labels == {name: expected.split("|" if "|" in expected else " ") for name, (_, expected) in BERLIN.items()}


ZONES: Final = ("UTC", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/New_York")
DAY: Final = 86_400
SPANS: Final = (60, 600, 3_600, 7 * 3_600, DAY, 3 * DAY, 8 * DAY, 40 * DAY, 400 * DAY, 5_000 * DAY)
"""Seconds."""
STARTS: Final = ("2011-12-28T10:07:03", "2026-03-06T23:59:59", "2026-10-31T04:00:00", "2028-02-28T12:00:00")
WIDTHS: Final = (320, 1_280, 3_840)


def is_round(tick: dict[str, Any], span: int) -> bool:
    """Whether a tick is at a full minute, hour or day, as its window asks for. A day may begin at one o'clock."""
    hour, minute, second = tick["local"]
    if span >= 40 * DAY:
        return (minute, second) == (0, 0) and hour <= 1
    return second % 5 == 0 and (span < 3_600 or second == 0) and (span < 3 * DAY or minute == 0)


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
def test_ticks_never_overlap(zone: str, room: HostedRoom, open_page: OpenPage) -> None:
    """For any span, ticks are at round times, ascend, stay in the chart and apart, and are few on a phone only."""
    page = open_page(room.url, timezone_id=zone, locale="en-US")
    cases = [(datetime.fromisoformat(start).replace(tzinfo=UTC), span) for start in STARTS for span in SPANS]
    windows = [(start.isoformat(), (start + timedelta(seconds=span)).isoformat()) for start, span in cases]
    problems = []
    for pixels in WIDTHS:
        for case, ticks in zip(cases, page.evaluate(TICKS, [windows, pixels]), strict=True):
            apart = all(one["right"] + 13.9 < other["left"] for one, other in pairwise(ticks))
            inside = all(each["left"] >= 60 and each["right"] <= pixels - 30 for each in ticks)
            rounded = all(is_round(each, case[1]) for each in ticks)
            if not (apart and inside and rounded and (pixels == 320 or len(ticks) >= 4)):
                problems.append((case, pixels, apart, inside, rounded, [each["label"] for each in ticks]))

    assert problems == []
