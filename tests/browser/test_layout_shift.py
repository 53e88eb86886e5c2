"""The layout while the page is loaded: nothing that the reader sees moves."""

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.hosted_room import HostedRoom
from tests.browser.views import live_room

OBSERVE_SHIFTS: Final = """
window.shifts = [];
const nameOf = ({ node }) => node?.id || node?.className || node?.textContent || "";
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries()) if (value) shifts.push([value, ...sources.map(nameOf)]);
}).observe({ type: "layout-shift", buffered: true });
"""
"""Collects the value of each layout shift, and what moved (https://wicg.github.io/layout-instability)."""
TWO_FRAMES: Final = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
)
"""After them the shifts of all that was changed before have been reported."""


@pytest.mark.long
@pytest.mark.parametrize("size", [(1280, 800), (800, 1000), (390, 844)], ids=["desktop", "tablet", "phone"])
def test_nothing_moves_while_the_page_is_loaded(
    size: tuple[int, int], sample_room: HostedRoom, open_page: OpenPage
) -> None:
    """Messages, totals, agents, how to join and the timeline appear in their places: the layout shift is zero."""
    width, height = size
    page = open_page(sample_room.url, script=OBSERVE_SHIFTS, viewport={"width": width, "height": height})
    live_room(page)
    expect(page.locator("#state")).to_have_text("live")
    page.evaluate(TWO_FRAMES)

    assert page.evaluate("shifts") == []
    # A page that moves is found out: the browser reports shifts here.
    page.locator("header").evaluate("header => { header.style.paddingBlock = '4rem'; }")
    page.evaluate(TWO_FRAMES)
    assert page.evaluate("shifts.length") == 1
