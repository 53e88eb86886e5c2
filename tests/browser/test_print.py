"""The page on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.hosted_room import HostedRoom
from tests.browser.views import live_room

COLOURS = """
() => [...document.querySelectorAll(".message, .message *")]
  .filter(each => each.checkVisibility() && !each.closest(".avatar") && !each.closest(".name, .badge, .mention, mark"))
  .map(each => getComputedStyle(each).color)
"""


@pytest.mark.long
def test_every_printed_message_has_its_date(sample_room: HostedRoom, open_page: OpenPage) -> None:
    """Each message is printed with its date and time, black on white also for a reader who has chosen dark colours, and
    no button or field is.
    """
    page = open_page(sample_room.url, script="localStorage.setItem('chatr-theme', 'dark');")
    live_room(page)
    page.emulate_media(media="print")
    messages = page.locator(".message").count()
    dates = page.locator(".message .exact").evaluate_all(
        "each => each.filter(one => one.getClientRects().length && getComputedStyle(one).clipPath === 'none')"
        ".map(one => one.textContent)"
    )

    assert len(dates) == messages
    assert [each for each in dates if not re.search(r"20\d\d.*\d:\d\d", each)] == []
    assert set(page.evaluate(COLOURS)) <= {"rgb(0, 0, 0)", "rgb(51, 51, 51)"}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for control in page.locator("button:not(.name), input, select").all():
        expect(control).to_be_hidden()


@pytest.mark.long
def test_no_message_is_divided_between_pages(sample_room: HostedRoom, open_page: OpenPage, tmp_path: Path) -> None:
    """A message moves to the next page as a whole, and all messages are printed."""
    page = open_page(sample_room.url)
    live_room(page)
    page.emulate_media(media="print")

    assert page.locator(".message").evaluate_all(
        "all => all.every(each => getComputedStyle(each).breakInside === 'avoid')"
    )
    assert page.pdf(format="A4").count(b"/Type /Page\n") > 1
