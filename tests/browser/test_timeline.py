"""The window of the timeline: zoomed and moved with presets, wheel, fingers and keys, in a log of two years."""

import re
import time
from itertools import pairwise
from typing import Final

import pytest
from playwright.sync_api import CDPSession, Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.timestamps import iso_timestamp
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.browser.test_past import seek
from tests.browser.timeline_window import (
    BUSY_DAY,
    DAY,
    change,
    choose,
    place_of,
    press,
    shown_window,
    span,
    time_at,
    two_years,
    with_timeline,
)


@pytest.fixture
def room(open_room: OpenRoom) -> HostedRoom:
    """The room of `two_years`."""
    return open_room(two_years())


@pytest.fixture
def page(room: HostedRoom, open_page: OpenPage) -> Page:
    """The page of that room, with its timeline."""
    return with_timeline(open_page(room.url, timezone_id="UTC", locale="en-GB"))


@pytest.mark.long
def test_bars_of_a_window(page: Page) -> None:
    """A zoomed chart shows the messages of its window in narrow bars, with ticks of their time."""
    seek(page, BUSY_DAY + 12 * HOUR)
    change(page, choose(page, "1 d"))

    expect(page.locator("#bars")).to_have_attribute("d", re.compile(r"(M[^M]*){50,}"))
    expect(page.locator("#ticks")).to_contain_text("18:00")
    expect(page.locator("#zoom")).to_have_value(str(DAY))


@pytest.mark.long
def test_zooming_with_the_wheel(page: Page) -> None:
    """The wheel zooms about the pointer, whose time keeps its place, and sends at most two requests a second."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "/api/activity" in request.url else None)
    pointed = time_at(page, 300)
    started = page.evaluate("performance.now()")
    for _ in range(50):
        page.mouse.wheel(0, -100)
    expect(page.locator("#ticks")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    seconds = (page.evaluate("performance.now()") - started) / 1000

    assert len(requests) <= 2 * seconds + 1
    assert span(page) == MINUTE
    assert time_at(page, 300) == pytest.approx(pointed, abs=2 * DAY)  # two pixels, before it was zoomed
    assert change(page, lambda: page.mouse.wheel(0, 100))[0] < pointed


@pytest.mark.long
def test_panning(page: Page) -> None:
    """A zoomed chart is moved by a horizontal wheel, by dragging with the shift key, and by keys; the moment stays."""
    seek(page, BUSY_DAY)
    starts = [change(page, choose(page, "1 w"))[0]]

    def drag() -> None:
        page.mouse.down()
        page.mouse.move(*place_of(page, 250))
        page.mouse.up()

    page.mouse.move(*place_of(page, 300))
    starts.append(change(page, lambda: page.mouse.wheel(-200, 0))[0])
    page.keyboard.down("Shift")
    starts.append(change(page, drag)[0])
    page.keyboard.up("Shift")
    starts.extend(change(page, press(page, key))[0] for key in "[]")

    assert [one < other for one, other in pairwise(starts)] == [False, True, False, True]
    assert span(page) == 7 * DAY
    expect(page.locator("#handle")).to_have_attribute("aria-valuetext", re.compile("4 Feb 2025"))
    expect(page).to_have_url(re.compile(f"/#t-{iso_timestamp(BUSY_DAY)}$"))


PINCH: Final = """
([from, to]) => {
  const { left, top } = handle.getBoundingClientRect();
  const send = (type, pointerId, x) => handle.dispatchEvent(new PointerEvent(type,
    { pointerId, pointerType: "touch", clientX: left + x, clientY: top + 20, bubbles: true }));
  handle.setPointerCapture = () => {};
  send("pointerdown", 91, from[0]);
  send("pointerdown", 92, from[1]);
  send("pointermove", 91, to[0]);
  send("pointermove", 92, to[1]);
  send("pointerup", 91, to[0]);
  send("pointerup", 92, to[1]);
}
"""
"""Moves two fingers on the slider of a page that is not on a touch screen."""


@pytest.mark.long
def test_pinching(page: Page) -> None:
    """Two fingers that part zoom in; two that move together move the window; both leave the moment alone."""
    begin, end = shown_window(page)
    zoomed = change(page, lambda: page.evaluate(PINCH, [[300, 400], [250, 450]]))
    moved = change(page, lambda: page.evaluate(PINCH, [[300, 400], [320, 420]]))

    assert zoomed[1] - zoomed[0] == pytest.approx((end - begin) / 2, rel=0.1)
    assert moved[1] - moved[0] == pytest.approx(zoomed[1] - zoomed[0], rel=0.1)
    assert moved[0] < zoomed[0]
    expect(page.locator("#state")).to_have_text("live")


@pytest.mark.long
def test_two_fingers_after_a_first_touch(room: HostedRoom, open_page: OpenPage) -> None:
    """A page that was touched anywhere is ready to zoom: the first of two fingers does not lead into the past.

    Two fingers that move together over the whole log leave it whole.
    """
    page = open_page(room.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator("#timeline")).to_be_visible()
    with page.expect_response("**/timeline_controls.js"):
        page.touchscreen.tap(200, 300)
    expect(page.locator("#zoom")).to_have_value("all")
    session = page.context.new_cdp_session(page)
    change(page, lambda: two_fingers(page, session, (120, 180), (60, 260)))
    expect(page.locator("#zoom")).to_have_value("")
    expect(page.locator("#state")).to_have_text("live")
    page.locator("#zoom").select_option("all")
    for distance in (40, 37, 31):
        two_fingers(page, session, (120, 180), (120 + distance, 180 + distance))

        expect(page.locator("#zoom")).to_have_value("all")


def two_fingers(page: Page, session: CDPSession, before: tuple[int, int], after: tuple[int, int]) -> None:
    """Move two fingers from two places on the chart to two others, as a touch screen does."""

    def send(kind: str, *places: float) -> None:
        points = [dict(zip("xy", place_of(page, round(x)), strict=True), id=each) for each, x in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", before[0])
    send("touchStart", *before)
    for part in range(1, 11):
        send("touchMove", *(one + (other - one) * part / 10 for one, other in zip(before, after, strict=True)))
    send("touchEnd")


@pytest.mark.long
def test_the_window_follows_now(room: HostedRoom, page: Page) -> None:
    """While the present is shown, a zoomed chart goes on with the time; what stands elsewhere stays."""
    ada = AgentClient.already_registered(room.url, "Ada")
    end = change(page, choose(page, "1 h"))[1]
    # A response sets the clock by whole seconds, so it may first step back a little.
    while change(page, lambda: ada.post("one"))[1] <= end + SECOND:
        pass
    page.mouse.move(*place_of(page, 300))
    before = change(page, lambda: page.mouse.wheel(-300, 0))
    ada.post("another")
    expect(page.locator(".content").last).to_have_text("another")

    assert shown_window(page) == before


@pytest.mark.long
def test_a_clock_that_is_far_ahead(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A message of a clock that is far ahead does not press all others into one bar, also in a young room."""
    begin = int(time.time() * 1000) - HOUR
    times = (*(begin + minute * MINUTE for minute in range(60)), begin + 2_000_000 * DAY)
    messages = [MessagePosted(agent_id("Ada"), f"message {number}", None, at) for number, at in enumerate(times)]
    page = open_page(open_room([unlimited(begin), registered("Ada", begin), *messages]).url)
    expect(page.locator("#bars")).to_have_attribute("d", re.compile(r"(M[^M]*){20,}"))
    page.locator("#handle").press("Home")

    expect(page.locator("#messages .content").first).to_have_text("message 0")
    expect(page.locator("#notice")).to_be_hidden()
