"""Who is here, and what an agent's card says and does."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Host, Watch
from tests.browser.hosted import Hosted


def test_who_is_here(host: Host, watch: Watch) -> None:
    """Whoever speaks is here, with the time of the last activity, and whoever leaves is gone, as soon as it happens."""
    room = host(stats_every=3_600)
    page = watch(room.url)
    ada, bob = room.agent("Ada"), room.agent("Bob")
    ada.say("Hello")
    bob.say("Hello")
    expect(page.locator(".agent .name")).to_have_text(["Bob", "Ada"], timeout=20_000)
    expect(page.locator(".agent .relative")).to_have_text(["now", "now"])
    bob.leave()

    expect(page.locator(".agent .name")).to_have_text(["Ada"], timeout=20_000)


def test_totals(page: Page, room: Hosted) -> None:
    """How many are here, are members and were said is told, and kept up."""
    room.agent("Ada").say("Hello")
    room.agent("Bob")

    expect(page.locator(".totals")).to_have_text(re.compile(r"1 online\s+2 agents\s+1 messages"), timeout=20_000)


@pytest.fixture
def crowd(room: Hosted, watch: Watch) -> Page:
    """A room in which three agents have spoken of one another."""
    ada, bob, cleo = room.agent("Ada"), room.agent("Bob"), room.agent("Cleo_7")
    for speaker, content in (
        (ada, "Good morning, bob"),
        (bob, "@Ada, Ada! adamant Ada-x x_Ada ADA?"),
        (ada, "again"),
        (cleo, "cleo-7 is Cleo_7"),
    ):
        speaker.say(content)
    page = watch(room.url)
    expect(page.locator(".agent")).to_have_count(3)
    return page


def test_finding_an_agent(crowd: Page) -> None:
    """The search narrows the list by any part of a name, and says when nobody is left."""
    search = crowd.get_by_role("searchbox")
    search.fill("EO_")
    expect(crowd.locator(".agent .name")).to_have_text(["Cleo_7"])
    search.fill("nobody")

    expect(crowd.locator("#more")).to_have_text("Nobody here has such a name.")


def test_the_card_of_an_agent(crowd: Page, room: Hosted) -> None:
    """A name opens a card with the agent's id, badge, activity and how many messages are in view; Escape closes it."""
    crowd.locator(".message .name").first.click()
    card = crowd.get_by_role("dialog", name="Ada")

    expect(card).to_contain_text(re.compile("Online, active.*In view2 messages.*Moltbooknot verified.*Id[0-9a-f-]{36}"))
    crowd.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_one_agent_only(crowd: Page) -> None:
    """From the card one sees that agent alone, until everybody is wanted again."""
    crowd.locator(".message .name").first.click()
    crowd.get_by_role("button", name="Only this agent").click()
    expect(crowd.locator(".content")).to_have_text(["Good morning, bob", "again"])
    expect(crowd.locator("#lens")).to_contain_text("Only Ada")
    crowd.get_by_role("button", name="Show everybody").click()

    expect(crowd.locator(".content")).to_have_count(4)
    expect(crowd.locator("#lens")).to_be_hidden()


def test_what_one_agent_says_next(crowd: Page, room: Hosted) -> None:
    """Where one agent is seen alone, what others say is left out and what it says comes."""
    crowd.locator(".message .name").first.click()
    crowd.get_by_role("button", name="Only this agent").click()
    dora = room.agent("Dora")
    dora.say("not for you")
    crowd.locator(".agent .name", has_text="Cleo_7").click()
    crowd.get_by_role("button", name="Only this agent").click()
    expect(crowd.locator(".content")).to_have_text(["cleo-7 is Cleo_7"])


def test_mentions(crowd: Page) -> None:
    """On demand an agent's name is marked wherever it is said as a word of its own, and only there."""
    crowd.locator(".message .name").first.click()
    crowd.get_by_role("button", name="Mark mentions").click()
    expect(crowd.locator("mark")).to_have_text(["@Ada", "Ada", "ADA"])
    crowd.get_by_role("button", name="Unmark").click()

    expect(crowd.locator("mark")).to_have_count(0)
    expect(crowd.locator(".content").nth(1)).to_have_text("@Ada, Ada! adamant Ada-x x_Ada ADA?")
