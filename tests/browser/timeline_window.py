"""What tests of the timeline share: a log of two years, and the window that the chart shows."""

from collections.abc import Callable, Iterator
from typing import Final

from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import HOUR, MINUTE
from tests.browser.hosted_room import registered, unlimited

DAY: Final = 24 * HOUR
BEGIN: Final = 1_704_067_200_000
"""2024-01-01T00:00:00Z. The page's clock is the server's, so the two years have passed when the tests run."""
BUSY_DAY: Final = BEGIN + 400 * DAY


def two_years() -> Iterator[Event]:
    """A message each day at noon for two years, and one in every ten minutes of one of these days."""
    ada = agent_id("Ada")
    times = [*(BEGIN + day * DAY for day in range(730)), *(BUSY_DAY + number * 10 * MINUTE for number in range(1, 144))]
    yield from (unlimited(BEGIN), registered("Ada", BEGIN))
    for number, at in enumerate(sorted(times)):
        yield MessagePosted(ada, f"message {number}", None, at)


def with_timeline(page: Page) -> Page:
    """The page, once its timeline is shown and the slider has loaded what it needs."""
    expect(page.locator(".content").last).to_have_text("message 872")
    expect(page.locator("#timeline")).to_be_visible()
    page.locator("#chart-area").hover(position={"x": 300, "y": 20})
    expect(page.locator("#pointed-time")).to_be_visible()
    return page


def shown_window(page: Page) -> tuple[float, float]:
    """The times at both ends of the chart, in milliseconds."""
    begin, end = page.evaluate("[Number(handle.min), Number(handle.max)]")
    return begin, end


def span(page: Page) -> float:
    """The milliseconds that the chart shows."""
    begin, end = shown_window(page)
    return end - begin


def moment(page: Page) -> float:
    """The moment at which the slider stands."""
    return float(page.evaluate("Number(handle.value)"))


def change(page: Page, action: Callable[[], object]) -> tuple[float, float]:
    """Do what changes the window, and return its times after that, in milliseconds."""
    before = str(page.locator("#handle").get_attribute("min"))
    action()
    expect(page.locator("#handle")).not_to_have_attribute("min", before)
    return shown_window(page)


def press(page: Page, key: str) -> Callable[[], None]:
    """An action that presses a key on the slider."""
    return lambda: page.locator("#handle").press(key)


def choose(page: Page, preset: str) -> Callable[[], object]:
    """An action that chooses a preset."""
    return lambda: page.locator("#zoom").select_option(preset)


def place_of(page: Page, x: int) -> tuple[float, float]:
    """Where a pixel of the chart is on the screen."""
    box = page.locator("#chart-area").bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + 20


def time_at(page: Page, x: int) -> float:
    """The time at a pixel of the chart."""
    begin, end = shown_window(page)
    box = page.locator("#chart").bounding_box()
    assert box is not None
    return begin + (place_of(page, x)[0] - box["x"]) / box["width"] * (end - begin)
