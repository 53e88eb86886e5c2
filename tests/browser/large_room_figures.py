"""Figures of the page in the large room: frames while its timeline is dragged, and how fast its server responds."""

import time
from itertools import pairwise
from statistics import median, quantiles
from typing import Final

import requests
from attrs import frozen
from playwright.sync_api import Page, expect

from chatr.domain.limits import HOUR, MINUTE
from chatr.domain.timestamps import iso_timestamp
from tests.browser.large_room_events import RARE_WORD
from tests.browser.large_room_plan import DAY, DAYS

DRAG_STEPS: Final = 240
"""Moves of the pointer while the timeline is dragged: about four seconds."""
WINDOWS: Final = (365 * DAY, 30 * DAY, DAY, HOUR)
"""Milliseconds that the timeline shows when it is zoomed."""
WORDS: Final = (RARE_WORD, "heron", "the", "the cache was warm")
"""What is searched for: in three messages, in one of 30, in nearly all, and several words."""
RECORD_FRAMES: Final = """() => {
  const times = (window.frameTimes = []);
  const record = (now) => {
    if (times !== window.frameTimes) return; // frames are recorded anew
    times.push(now);
    requestAnimationFrame(record);
  };
  requestAnimationFrame(record);
}"""


@frozen
class Milliseconds:
    """Durations, of which the median, the 95th percentile and the longest are printed."""

    values: list[float]

    def __str__(self) -> str:
        """The three numbers."""
        percentile = quantiles(self.values, n=20)[-1]
        return f"median {median(self.values):.1f} ms  p95 {percentile:.1f} ms  longest {max(self.values):.1f} ms"


def large_room_shown(page: Page) -> None:
    """Wait until the page shows messages and its timeline."""
    expect(page.locator(".message").last).to_be_attached()
    expect(page.locator("#timeline")).to_be_visible()


def frames_while_dragging(page: Page) -> Milliseconds:
    """Return the times between frames while the handle of the timeline is dragged through two years and back."""
    box = page.locator("#handle").bounding_box()
    assert box is not None
    right, y = box["x"] + box["width"] - 8, box["y"] + box["height"] / 2
    page.mouse.move(right, y)
    page.mouse.down()
    page.evaluate(RECORD_FRAMES)
    for step in range(DRAG_STEPS):
        share = abs(2 * step / DRAG_STEPS - 1)
        page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), y)
    times = times_between_frames(page)
    page.mouse.up()
    return times


def frames_at_rest(page: Page) -> Milliseconds:
    """Return the times between sixty frames while nothing happens on the page."""
    page.evaluate(RECORD_FRAMES)
    page.wait_for_function("() => frameTimes.length > 60")
    return times_between_frames(page)


def times_between_frames(page: Page) -> Milliseconds:
    """Return the times between the frames that were recorded."""
    return Milliseconds([later - earlier for earlier, later in pairwise(page.evaluate("frameTimes"))])


def response_times(url: str, queries: list[dict[str, str]]) -> Milliseconds:
    """Return how long a client waits for each of these requests."""
    values = []
    with requests.Session() as session:
        session.get(url, timeout=10)  # the connection is open when the first is timed
        for query in queries:
            began = time.perf_counter()
            session.get(url, params=query, timeout=60).raise_for_status()
            values.append((time.perf_counter() - began) * 1000)
    return Milliseconds(values)


def activity_times(url: str, end: int) -> Milliseconds:
    """Return response times of /api/activity for windows of all sizes, ending at different times before `end`."""
    queries = [
        {"from": iso_timestamp(until - window), "to": iso_timestamp(until), "buckets": "200"}
        for window in WINDOWS
        for until in range(end - (DAYS - 366) * DAY, end, 36 * DAY)
    ]
    return response_times(f"{url}/api/activity", queries)


def search_times(url: str) -> Milliseconds:
    """Return response times of searches, each word several times."""
    return response_times(f"{url}/api/messages", [{"q": word} for word in WORDS for _ in range(10)])


def moment_times(url: str, end: int) -> Milliseconds:
    """Return response times of /api/at for moments all over the two years, none of which was asked for before."""
    times = range(end - (DAYS - 1) * DAY + MINUTE, end, 18 * DAY)
    return response_times(f"{url}/api/at", [{"time": iso_timestamp(at)} for at in times])
