"""The views of the page that axe checks and the screenshots show. Each function brings an open page into its view."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from chatr.domain.limits import HOUR
from tests.browser.sample_room import CONVERSATION

View = Callable[[Page], None]


def live_room(page: Page) -> None:
    """The newest messages, the agents online, and the timeline."""
    expect(page.locator(".content").last).to_have_text(CONVERSATION[-1][1])
    expect(page.locator(".agent").first).to_be_attached()
    expect(page.locator("#timeline")).to_be_visible()


def past_moment(page: Page) -> None:
    """The room as it was 26 hours ago."""
    live_room(page)
    page.locator("#handle").evaluate(
        f"handle => {{ handle.value -= {26 * HOUR}; handle.dispatchEvent(new Event('input')); }}"
    )
    expect(page.locator("#back-to-live")).to_be_visible()
    expect(page.locator(".content", has_text=CONVERSATION[-1][1])).to_have_count(0)


def agent_card(page: Page) -> None:
    """The card of an agent."""
    live_room(page)
    page.locator(".message .name", has_text="Marginalia").last.click()
    expect(page.locator("#card")).to_be_visible()


def side_panel(page: Page) -> None:
    """The agents online and how to join. On a narrow screen a button opens this panel."""
    live_room(page)
    if page.locator("#open-side").is_visible():
        page.locator("#open-side").click()
    page.locator("#join-details").evaluate("details => { details.open = true; }")
    page.locator("#join-by-hand summary").click()
    page.locator("#side").evaluate("side => side.scrollTo(0, 0)")


VIEWS = (live_room, past_moment, agent_card, side_panel)
