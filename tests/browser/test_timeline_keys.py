"""The moment of the timeline: moved with keys by bar, day and message, entered as date and time, and shown in words."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.domain.limits import HOUR, MINUTE, SECOND
from chatr.domain.moderation_events import MessageRemoved
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.figures import STANDARDS
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.browser.test_past import seek
from tests.browser.timeline_window import (
    BEGIN,
    BUSY_DAY,
    DAY,
    change,
    moment,
    press,
    shown_window,
    span,
    two_years,
    with_timeline,
)
from tests.moderation import OPERATOR, REASON


@pytest.fixture
def room(open_room: OpenRoom) -> HostedRoom:
    """The room of `two_years`."""
    return open_room(two_years())


@pytest.fixture
def page(room: HostedRoom, open_page: OpenPage) -> Page:
    """The page of that room, with its timeline."""
    return with_timeline(open_page(room.url, timezone_id="UTC", locale="en-GB"))


@pytest.mark.long
def test_keys_of_the_slider(page: Page) -> None:
    """Keys zoom, move the moment by bars, by days and to both ends, and the window follows the moment."""
    begin, now = shown_window(page)
    for _ in range(2):
        change(page, press(page, "+"))
    assert span(page) == pytest.approx((now - begin) / 4, rel=0.01)
    found = []
    for key in ("PageDown", "Shift+ArrowLeft", "PageUp", "ArrowLeft"):
        before = str(page.locator("#handle").get_attribute("aria-valuetext"))
        page.locator("#handle").press(key)
        expect(page.locator("#handle")).not_to_have_attribute("aria-valuetext", before)
        found.append(round((now - moment(page)) / DAY, 1))
    assert found[:3] == pytest.approx([1, 2, 1], abs=0.1)
    assert 1.5 < found[3] < 6  # a bar of six pixels
    assert change(page, press(page, "Home"))[0] == begin
    expect(page.locator(".content")).to_have_text(["message 0"])
    assert change(page, press(page, "End"))[1] == pytest.approx(now, abs=5 * MINUTE)
    expect(page.locator("#handle")).to_have_attribute("aria-valuetext", "now, live")
    assert change(page, press(page, "-"))[1] == pytest.approx(now, abs=5 * MINUTE)
    assert change(page, press(page, "0"))[0] == begin


@pytest.mark.long
def test_the_window_follows_to_both_ends(page: Page) -> None:
    """Home and End show the beginning and now, also if the slider is there already and the chart shows another time."""
    begin, end = shown_window(page)
    page.locator("#handle").press("Home")
    expect(page.locator("#state")).to_have_text("in the past")
    for _ in range(3):
        change(page, press(page, "+"))
    change(page, press(page, "Control+ArrowRight"))
    for _ in range(3):
        change(page, press(page, "]"))
    expect(page.locator("#timeline")).to_have_class("elsewhere")
    assert change(page, press(page, "Home"))[0] == begin
    change(page, press(page, "End"))
    expect(page.locator("#state")).to_have_text("live")
    for _ in range(4):
        change(page, press(page, "["))
    expect(page.locator("#timeline")).to_have_class("elsewhere")

    assert change(page, press(page, "End"))[1] >= end - SECOND


@pytest.mark.long
def test_days_of_other_lengths(room: HostedRoom, open_page: OpenPage) -> None:
    """A step by a day leads to the same time of day, also over a night in which clocks are changed."""
    noon = BEGIN + 453 * DAY + 11 * HOUR  # 29 March 2025 in Berlin, in winter time
    page = open_page(f"{room.url}/#t-{iso_timestamp(noon)}", timezone_id="Europe/Berlin", locale="en-GB")
    expect(page.locator("#timeline")).to_be_visible()
    page.locator("#handle").press("PageUp")

    expect(page).to_have_url(re.compile(f"/#t-{iso_timestamp(noon + 23 * HOUR)}$"))
    expect(page.locator("#moment")).to_have_text("30 Mar 2025, 12:00:00")


@pytest.mark.long
def test_stepping_by_message(page: Page) -> None:
    """Keys and buttons lead to the message before and after, back to live after the last one, and no further."""
    content = page.locator(".content").last
    page.locator("#scroller").press(",")
    expect(content).to_have_text("message 871")
    page.locator("#message-before").click()
    expect(content).to_have_text("message 870")
    page.locator("#handle").press(".")
    expect(content).to_have_text("message 871")
    page.locator("#message-after").click()
    expect(content).to_have_text("message 872")
    page.locator("#message-after").click()
    expect(page.locator("#state")).to_have_text("live")
    page.locator("#handle").press("Home")
    expect(content).to_have_text("message 0")
    page.locator("#message-before").click()

    expect(page.locator("#notice")).to_have_text("This is the first message.")


@pytest.mark.long
def test_keys_of_the_browser(page: Page) -> None:
    """Ctrl with +, - or 0 stays the browser's zoom."""
    before = shown_window(page)
    prevented = page.evaluate("""["+", "-", "0"].map((key) =>
      !handle.dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey: true, cancelable: true })))""")

    assert prevented == [False, False, False]
    assert span(page) == pytest.approx(before[1] - before[0], rel=0.01)


@pytest.mark.long
def test_stepping_over_removed_messages(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A removed message is a step, as the list of the past shows it, and the beginning may be one."""
    ada = agent_id("Ada")
    posted = [MessagePosted(ada, f"message {n}", None, START + MINUTE * n) for n in range(3)]
    removed = [MessageRemoved(ada, 3 + n, REASON, OPERATOR, START + HOUR) for n in (0, 1)]
    page = open_page(open_room([unlimited(START), registered("Ada", START), *posted, *removed]).url)
    expect(page.locator(".content")).to_have_count(1)
    for count in (2, 1):
        page.locator("#message-before").click()
        expect(page.locator(".content.removed")).to_have_count(count)
        expect(page.locator(".content")).to_have_count(count)
    page.locator("#message-before").click()

    expect(page.locator("#notice")).to_have_text("This is the first message.")


@pytest.mark.long
def test_messages_of_one_millisecond(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A step leads to one message, also if others were posted in the same millisecond or with an earlier time."""
    ada, times = agent_id("Ada"), (0, 5, 5, 2, 9)
    posted = [MessagePosted(ada, f"message {n}", None, START + MINUTE * at) for n, at in enumerate(times)]
    page = open_page(open_room([unlimited(START), registered("Ada", START), *posted]).url)
    expect(page.locator(".content")).to_have_count(5)
    for number in (3, 2, 1):
        page.locator("#message-before").click()
        expect(page.locator(".content").last).to_have_text(f"message {number}")
    for number in (2, 3):
        page.locator("#message-after").click()
        expect(page.locator(".content").last).to_have_text(f"message {number}")


@pytest.mark.long
def test_entering_a_moment(page: Page) -> None:
    """A moment is entered as date and time; one that is none, too early or still to come is explained."""
    page.get_by_role("button", name="Go to a moment").click()
    field, error = page.get_by_label("Date and time"), page.locator("#moment-error")
    expect(field).to_be_focused()
    assert Axe().run(page, options={"runOnly": STANDARDS}).response["violations"] == []
    for value, explanation in (
        ("", "Enter a date and a time"),
        ("2023-01-01T00:00", "begins"),
        ("9999-01-01T00:00", "to come"),
    ):
        field.fill(value)
        field.press("Enter")
        expect(error).to_contain_text(explanation)
    field.fill("2025-02-05T12:34:56")
    field.press("Enter")

    expect(page.locator("#moment-dialog")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/#t-2025-02-05T12:34:56\.000Z$"))
    expect(page.get_by_role("button", name="5 Feb 2025, 12:34:56")).to_be_visible()


@pytest.mark.long
def test_a_reader_of_another_language(room: HostedRoom, open_page: OpenPage) -> None:
    """Dates are Chinese on the Chinese page, and digits without words for readers whose language the page has not."""
    chinese = open_page(room.url, timezone_id="UTC", locale="zh-CN")
    german = open_page(room.url, timezone_id="UTC", locale="de-DE")
    for page in (chinese, german):
        expect(page.locator("#timeline")).to_be_visible()
        seek(page, BUSY_DAY)

    expect(chinese.locator("#moment")).to_have_text("2025年2月4日 00:00:00")
    expect(german.locator("#moment")).to_have_text("04.02.2025, 00:00:00")
    assert not re.search("[A-Za-z]{2}", german.locator("#ticks").inner_text().replace("now", ""))
    assert Axe().run(chinese, options={"runOnly": STANDARDS}).response["violations"] == []
