"""The timeline of the large room: two years of a million messages, with a silence, a busy hour and quiet weeks."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Any, Final

import pytest
import requests
from playwright.sync_api import Page, expect

from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.timestamps import iso_timestamp
from tests.browser.conftest import OpenPage
from tests.browser.large_room_facts import LargeLog
from tests.browser.large_room_figures import activity_times, frames_at_rest, frames_while_dragging, large_room_shown
from tests.browser.large_room_plan import BUSY_HOUR, DAY, DAYS, SILENCES
from tests.browser.large_room_server import LargeRoom
from tests.browser.test_past import seek
from tests.browser.test_timeline import PINCH
from tests.browser.timeline_window import change, choose, moment, place_of, press, shown_window, span, time_at

SCREENS: Final = ((320, 568), (390, 760), (768, 1_024), (1_280, 800), (3_840, 2_160))
SPEEDS: Final = (1, 10, 60, 600, 3_600)
SLOWEST_MEDIAN: Final = 200
"""Milliseconds. An idle machine needs one or two; to count a million messages one by one takes longer than this."""

pytestmark = pytest.mark.long


@pytest.fixture
def page(large_room: LargeRoom, open_page: OpenPage) -> Page:
    """The page of the large room, whose slider has loaded what it needs."""
    page = open_page(large_room.url, timezone_id="UTC", locale="en-GB")
    large_room_shown(page)
    page.locator("#chart-area").hover(position={"x": 300, "y": 20})
    expect(page.locator("#pointed-time")).to_be_visible()
    return page


def written_time(text: str) -> float:
    """The milliseconds since 1970 of a time as the page writes it for a reader in the United Kingdom."""
    written = text.replace("Sept", "Sep").removeprefix("now, ")
    return datetime.strptime(written, "%d %b %Y, %H:%M:%S").replace(tzinfo=UTC).timestamp() * SECOND


def shows(page: Page, log: LargeLog, at: int) -> None:
    """Check that the list ends with the last message that was posted by then."""
    expected = log.last_before(at + 1)
    expect(page.locator("#messages .message").last).to_have_id(f"m-{expected.position}")
    expect(page.locator("#messages .content").last).to_have_text(expected.content or "")


def test_zooming_into_two_years(page: Page, log: LargeLog) -> None:
    """Presets, wheel, two fingers and keys zoom from two years to a minute and back. Ticks are dated, and the
    chart says the time under the pointer and at the focus.
    """
    begin, now = shown_window(page)
    assert begin == pytest.approx(log.messages("true order by position limit 1")[0].at, abs=DAY)
    expect(page.locator("#ticks")).to_have_text(re.compile(r"20\d\d.*Apr.*20\d\d.*now"))
    assert written_time(page.locator("#pointed-time").inner_text()) == pytest.approx(time_at(page, 300), abs=DAY)
    spans = [round(span(page) / HOUR)]
    for preset in ("1 w", "1 d", "1 h", "all"):
        change(page, choose(page, preset))
        spans.append(round(span(page) / HOUR))
    assert spans == [round((now - begin) / HOUR), 168, 24, 1, spans[0]]
    busy = log.begin_of(0) + BUSY_HOUR * HOUR + 30 * MINUTE
    seek(page, busy)
    change(page, choose(page, "1 d"))
    expect(page.locator("#ticks")).to_contain_text(re.compile(r"\d\d:00"))
    page.mouse.move(*place_of(page, 300))
    pointed = time_at(page, 300)
    for _ in range(3):
        change(page, lambda: page.mouse.wheel(0, -200))
    assert span(page) == pytest.approx(DAY / 8, rel=0.01)
    assert time_at(page, 300) == pytest.approx(pointed, abs=HOUR)
    one, other = (change(page, lambda: page.evaluate(PINCH, [[300, 400], [250, 450]])) for _ in "12")
    assert other[1] - other[0] == pytest.approx((one[1] - one[0]) / 2, rel=0.1)
    for key, factor in (("+", 0.5), ("-", 2)):
        before = span(page)
        change(page, press(page, key))
        assert span(page) == pytest.approx(before * factor, rel=0.01)
    change(page, press(page, "0"))
    assert span(page) == pytest.approx(now - begin, rel=0.01)
    expect(page.locator("#pointed-time")).to_have_text(page.locator("#moment").inner_text())
    assert moment(page) == pytest.approx(busy, abs=SECOND)


def test_bars_count_the_messages_of_the_log(large_room: LargeRoom, log: LargeLog) -> None:
    """For windows of a day and an hour, GET /api/activity counts what is in the log, and takes about a millisecond."""
    busy = log.begin_of(0) + BUSY_HOUR * HOUR
    for begin, end in ((busy, busy + HOUR), (log.begin_of(600), log.begin_of(601))):
        query = {"from": iso_timestamp(begin), "to": iso_timestamp(end), "buckets": "100"}
        counted = requests.get(f"{large_room.url}/api/activity", query, timeout=60).json()
        assert len(counted["messages"]) <= 101
        hidden = log.hidden_between(begin, end)
        assert sum(counted["messages"]) == len(log.messages("at >= ? and at < ?", begin, end)) - hidden

    assert median(activity_times(large_room.url, log.begin_of(DAYS - 1)).values) < SLOWEST_MEDIAN


def test_steps_and_moments_of_two_years(page: Page, log: LargeLog) -> None:
    """A moment is entered, and keys step from there by message and by day. The list is what the log had by then, and
    its place and width do not change.
    """
    at = log.begin_of(0) + BUSY_HOUR * HOUR + 30 * MINUTE
    page.get_by_role("button", name="Go to a moment").click()
    page.get_by_label("Date and time").fill(iso_timestamp(at)[:19])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/#t-{iso_timestamp(at)}$"))
    shows(page, log, at)
    last = log.last_before(at + 1)
    (before,) = log.messages("position < ? order by position desc limit 1", last.position)
    page.locator("#handle").press(",")
    expect(page.locator("#messages .message").last).to_have_id(f"m-{before.position}")
    page.locator("#handle").press(".")
    expect(page.locator("#messages .message").last).to_have_id(f"m-{last.position}")
    for key, days in (("PageDown", -1), ("Shift+ArrowLeft", -1), ("PageUp", 1)):
        start = moment(page)
        page.locator("#handle").press(key)
        expect(page).to_have_url(re.compile(f"/#t-{iso_timestamp(round(start) + days * DAY)}$"))
        shows(page, log, round(start) + days * DAY)
    page.locator("#handle").press("Home")
    expect(page.locator("#messages .content")).to_have_count(1)
    page.locator("#handle").press("End")
    expect(page.locator("#state")).to_have_text("live")


def layout(page: Page) -> dict[str, Any]:
    """The places of the timeline's parts."""
    found: dict[str, Any] = page.evaluate("""() => Object.fromEntries(["timeline", "chart", "play", "speed", "zoom",
      "back-to-live"].map((id) => [id, JSON.stringify(document.getElementById(id).getBoundingClientRect())]))""")
    return found


def test_nothing_moves_when_the_past_is_entered(page: Page, log: LargeLog) -> None:
    """On any screen timeline and header stay where they are in the past, and a finger can touch each part."""
    header = "JSON.stringify(document.querySelector('header').getBoundingClientRect())"
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        before = layout(page), page.evaluate(header)
        seek(page, log.begin_of(300) + width)
        assert (layout(page), page.evaluate(header)) == before
        sizes = page.evaluate("""[...timeline.querySelectorAll("button, select, label, #handle")].map((each) =>
          Math.min(each.getBoundingClientRect().width, each.getBoundingClientRect().height))""")
        assert min(sizes) >= 24
        page.locator("#back-to-live").click()
        expect(page.locator("#state")).to_have_text("live")


def test_playing_at_every_speed(page: Page, log: LargeLog) -> None:
    """Messages appear 1 to 3,600 times as fast as they were posted, as the reader chooses, and never faster."""
    assert page.locator("#speed option").evaluate_all("all => all.map(each => Number(each.value))") == [*SPEEDS]
    start = log.begin_of(0) + BUSY_HOUR * HOUR + 5 * MINUTE
    for speed in SPEEDS[::2]:
        start += SECOND  # the address stays that of the moment from which was played
        seek(page, start)
        page.locator("#speed").select_option(str(speed))
        played = page.evaluate(PLAY_UNTIL_NEW_MESSAGES)
        passed = moment(page) - start
        assert 0 < passed <= speed * played + SECOND
        newest = int((page.locator("#messages .message").last.get_attribute("id") or "")[2:])
        assert newest <= log.last_before(round(start + speed * played) + SECOND).position


PLAY_UNTIL_NEW_MESSAGES: Final = """async () => {
  const last = () => [...document.querySelectorAll("#messages .message")].at(-1).id;
  const [before, button, started] = [last(), document.getElementById("play"), performance.now()];
  button.click();
  while (last() === before) await new Promise(requestAnimationFrame);
  button.click();
  return performance.now() - started;
}"""
"""Plays until a message is added, and returns for how many milliseconds."""


def test_a_silence_of_nine_days(page: Page, log: LargeLog) -> None:
    """Play jumps over days without messages and says so. A reader who wants to see them unchecks a box."""
    begin = log.begin_of(SILENCES[0].start)
    seek(page, begin + HOUR)
    page.locator("#speed").select_option("3600")
    expect(page.locator("#skip-silence")).to_be_checked()
    page.locator("#play").click()
    expect(page.locator("#notice")).to_have_text("No messages for 9 d: skipped")
    first = log.messages("at >= ? order by position limit 1", begin)[0]
    expect(page.locator(f"#m-{first.position}")).to_be_attached()
    seek(page, begin + 2 * HOUR)
    page.locator("#skip-silence").uncheck()
    moments = [moment(page)]
    page.locator("#play").click()
    for _ in range(3):
        page.wait_for_function("before => handle.value > before + 1_000_000", arg=moments[-1])
        moments.append(moment(page))
    page.locator("#play").click()

    assert all(one < other < begin + 2 * DAY for one, other in pairwise(moments))
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")


def test_frames_while_dragging(page: Page) -> None:
    """While the timeline is dragged through two years, the page draws as many frames as it does at rest."""
    # A pause of the machine delays some frames, slow drawing would delay all: the best of three drags counts.
    ratios = []
    for _ in range(3):
        at_rest, dragged = frames_at_rest(page), frames_while_dragging(page)
        ratios.append(sum(dragged.values) / len(dragged.values) / (sum(at_rest.values) / len(at_rest.values)))
        if min(ratios) < 1.2:
            break

    assert min(ratios) < 1.2
