"""Playing the past: message by message, at any speed, over stretches in which nobody posted."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import registered, unlimited

OpenAt = Callable[..., Page]


@pytest.fixture
def open_at(open_room: OpenRoom, open_page: OpenPage) -> OpenAt:
    """Opens a room with messages at these times after its start, at the first of them."""

    def open_one(times: list[int], at: int = 0) -> Page:
        posted = [MessagePosted(agent_id("Ada"), f"message {n}", None, START + time) for n, time in enumerate(times)]
        room = open_room([unlimited(START), registered("Ada", START), *posted])
        page = open_page(f"{room.url}/#t-{iso_timestamp(START + at)}", locale="en-GB")
        expect(page.locator("#state")).to_have_text("in the past")
        expect(page.locator("#timeline")).to_be_visible()
        return page

    return open_one


def play(page: Page, speed: int) -> None:
    """Play at this speed."""
    page.locator("#speed").select_option(str(speed))
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "true")


@pytest.mark.long
def test_playing(open_at: OpenAt) -> None:
    """Play shows one message after the other, sixty times as fast as they were posted; a second press stops it."""
    page = open_at([number * 2 * MINUTE for number in range(30)], at=10 * MINUTE)
    play(page, 60)
    expect(page.locator(".content").last).to_have_text("message 7")
    page.locator("#play").click()

    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")
    shown = page.locator(".content").all_text_contents()
    assert shown == [f"message {number}" for number in range(len(shown))]


@pytest.mark.long
def test_playing_and_views(open_at: OpenAt) -> None:
    """A view that is opened stops playing. Play leaves the view and shows the room's messages, one after the other."""
    page = open_at([number * 2 * MINUTE for number in range(30)], at=10 * MINUTE)
    for view in ("#agent-Ada", f"#search?q=message&at={iso_timestamp(START + 10 * MINUTE)}", "#thread-6"):
        play(page, 60)
        expect(page.locator("main > .view")).to_have_count(0)
        page.evaluate("view => { location.hash = view; }", view)
        expect(page.locator("main > .view")).to_be_visible()
        expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")
    play(page, 60)

    expect(page.locator("main > .view")).to_have_count(0)
    expect(page).to_have_url(re.compile("#t-"))
    expect(page.locator(".content").last).to_have_text("message 8")
    shown = page.locator("#messages .content").all_text_contents()
    assert shown == [f"message {number}" for number in range(len(shown))]


@pytest.mark.long
def test_playing_while_a_moment_is_loaded(open_at: OpenAt) -> None:
    """Play begins at the moment that was selected last, also if that is still being loaded."""
    page = open_at([number * 20 * SECOND for number in range(60)], at=18 * MINUTE)
    page.locator("#speed").select_option("10")
    page.evaluate(SEEK_AND_PLAY, START + 100 * SECOND)

    expect(page.locator("#messages .content").last).to_have_text("message 6")
    expect(page.locator("#messages .content")).to_have_count(7)


@pytest.mark.long
def test_playing_is_stopped_while_a_moment_is_loaded(open_at: OpenAt) -> None:
    """A second press before the selected moment is loaded leaves the room at that moment."""
    page = open_at([number * 20 * SECOND for number in range(60)], at=18 * MINUTE)
    play(page, 60)
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")
    page.evaluate(f"at => {{ ({SEEK_AND_PLAY})(at); document.getElementById('play').click(); }}", START + 100 * SECOND)
    expect(page.locator("#messages .content")).to_have_count(6)
    page.evaluate("() => new Promise(requestAnimationFrame)")

    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile(re.escape(f"#t-{iso_timestamp(START + 100 * SECOND)}")))


SEEK_AND_PLAY = """(at) => {
  handle.value = at;
  handle.dispatchEvent(new Event("input"));
  document.getElementById("play").click();
}"""


@pytest.mark.long
def test_a_short_silence(open_at: OpenAt) -> None:
    """A silence of less than two minutes is given in seconds."""
    page = open_at([0, 40 * SECOND])
    play(page, 1)

    expect(page.locator("#notice")).to_have_text(re.compile(r"No messages for 3\d s: skipped"))


@pytest.mark.long
def test_silence_is_skipped(open_at: OpenAt) -> None:
    """Where nobody posted for days, play jumps to just before the next message and says so, and in the end to now."""
    page = open_at([0, 5 * 24 * HOUR, 5 * 24 * HOUR + MINUTE])
    play(page, 60)
    expect(page.locator("#notice")).to_have_text("No messages for 5 d: skipped")
    expect(page.locator(".content").last).to_have_text("message 1")
    expect(page.locator("#moment")).to_have_text(re.compile("6 Jan 2026"))
    expect(page.locator(".content").last).to_have_text("message 2")
    expect(page.locator("#state")).to_have_text("live")

    expect(page.locator("#notice")).to_have_text("No later messages: this is the present.")


@pytest.mark.long
def test_silence_is_played_on_demand(open_at: OpenAt) -> None:
    """A reader may want to see silence as it was: the choice is stored, and play then passes through all of it."""
    page = open_at([0, 5 * 24 * HOUR])
    page.locator("#skip-silence").uncheck()
    page.reload()
    expect(page.locator("#state")).to_have_text("in the past")
    expect(page.locator("#skip-silence")).not_to_be_checked()
    play(page, 600)
    expect(page.locator("#moment")).to_have_text(re.compile(r" 00:[45]\d:"))

    expect(page.locator(".content")).to_have_count(1)


@pytest.mark.long
def test_a_busy_room_is_played_fast(open_at: OpenAt) -> None:
    """At 3600 times the speed a busy room needs at most two requests a second, and the page shows where it is."""
    page = open_at([number * 20 * SECOND for number in range(4_000)], at=HOUR)
    page.evaluate("performance.clearResourceTimings()")
    moments = []
    play(page, 3600)
    for content in ("message [5-9]..", "message 1...", "message 2..."):
        expect(page.locator(".content").last).to_have_text(re.compile(content))
        moments.append(float(page.evaluate("Number(handle.value)")))

    assert all(one < other for one, other in pairwise(moments))
    sent = page.evaluate(REQUESTED)
    assert len(sent) <= 2 * (sent[-1] - sent[0]) / 1000 + 2


REQUESTED = """performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/"))
  .map(({ startTime }) => startTime)"""
"""When the page requested something, in milliseconds."""
