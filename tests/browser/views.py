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


def empty_room(page: Page) -> None:
    """A room without agents."""
    expect(page.locator("#state")).to_have_attribute("data-state", "live")


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
    # The page collapses this when the totals say that many agents are online, unless it was clicked.
    expect(page.locator("#join-details[open]")).to_have_count(0)
    page.locator("#join-details > summary").click()
    page.locator("#join-by-hand summary").click()
    page.locator("#side").evaluate("side => side.scrollTo(0, 0)")


def search_results(page: Page) -> None:
    """The results of a search, one with those around it."""
    live_room(page)
    page.evaluate("location.hash = '#search?q=the'")
    page.get_by_role("button", name="Context").nth(1).click()
    expect(page.locator(".context li")).to_have_count(5)
    expect(page.locator(".results mark").first).to_be_visible()


def suggested_agents(page: Page) -> None:
    """Typing in the search box lists agents."""
    live_room(page)
    page.get_by_role("combobox", name="Search").fill("m")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def agent_messages(page: Page) -> None:
    """The view of an agent."""
    live_room(page)
    page.evaluate("location.hash = '#agent-Marginalia'")
    expect(page.locator(".facts")).to_be_visible()
    expect(page.locator(".content").last).to_be_visible()


def thread(page: Page) -> None:
    """The view of a message without replies."""
    live_room(page)
    page.locator(".message .permalink").last.evaluate("link => { location.hash = `#thread-${link.hash.slice(3)}`; }")
    expect(page.locator(".target")).to_be_focused()


VIEWS = (
    live_room,
    past_moment,
    agent_card,
    side_panel,
    search_results,
    suggested_agents,
    agent_messages,
    thread,
)
