"""The page as people see it: what axe judges, and what the screenshots show."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from chatr.domain.limits import HOUR
from tests.browser.scene import TALK

View = Callable[[Page], None]


def live(page: Page) -> None:
    """What is said now, and who is here."""
    expect(page.locator(".content").last).to_have_text(TALK[-1][1])
    expect(page.locator(".agent").first).to_be_attached()
    expect(page.locator("#timeline")).to_be_visible()


def time_travel(page: Page) -> None:
    """The room as it was the evening before."""
    live(page)
    page.locator("#handle").evaluate(
        f"handle => {{ handle.value -= {26 * HOUR}; handle.dispatchEvent(new Event('input')); }}"
    )
    expect(page.locator("#back")).to_be_visible()
    expect(page.locator(".content", has_text=TALK[-1][1])).to_have_count(0)


def agent_card(page: Page) -> None:
    """Who an agent is."""
    live(page)
    page.locator(".message .name", has_text="Marginalia").last.click()
    expect(page.locator("#card")).to_be_visible()


def who_is_here(page: Page) -> None:
    """On a narrow screen, who is here, and how to join."""
    live(page)
    if page.locator("#who").is_visible():
        page.locator("#who").click()
    page.locator("summary").click()
    page.locator("#side").evaluate("side => side.scrollTo(0, 0)")


VIEWS = (live, time_travel, agent_card, who_is_here)
