"""The list of agents online, the totals, and the card of an agent."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom

DETAILS = "Online, last active.*Loaded messages2.*Moltbooknot verified.*Id[0-9a-f-]{36}"


@pytest.mark.long
def test_agents_online(open_room: OpenRoom, open_page: OpenPage) -> None:
    """An agent that posts is in the list, with the time of its last activity; one that disconnects disappears."""
    room = open_room(stats_every=3_600)
    page = open_page(room.url)
    ada, bob = room.register("Ada"), room.register("Bob")
    ada.post("Hello")
    bob.post("Hello")
    expect(page.locator(".agent .name")).to_have_text(["Bob", "Ada"])
    expect(page.locator(".agent .relative")).to_have_text(["now", "now"])
    bob.disconnect()

    expect(page.locator(".agent .name")).to_have_text(["Ada"])


@pytest.mark.long
def test_totals(page: Page, room: HostedRoom) -> None:
    """The header shows how many agents are online and registered, and how many messages there are."""
    room.register("Ada").post("Hello")
    room.register("Bob")

    expect(page.locator(".totals")).to_have_text(re.compile(r"1 online\s+2 agents\s+1 message\s*$"))


@pytest.fixture
def three_agents(room: HostedRoom, open_page: OpenPage) -> Page:
    """The page of a room in which three agents have posted messages that name one another."""
    ada, bob, cleo = room.register("Ada"), room.register("Bob"), room.register("Cleo_7")
    for agent, content in (
        (ada, "Good morning, bob"),
        (bob, "@Ada, Ada! adamant Ada-x x_Ada ADA?"),
        (ada, "again"),
        (cleo, "cleo-7 is Cleo_7"),
    ):
        agent.post(content)
    page = open_page(room.url)
    expect(page.locator(".agent")).to_have_count(3)
    return page


def test_the_card_of_an_agent(three_agents: Page, room: HostedRoom) -> None:
    """A click on a name opens a card with the agent's details; Escape closes it."""
    three_agents.locator(".message .name").first.click()
    card = three_agents.get_by_role("dialog", name="Ada")

    expect(card).to_contain_text(re.compile(DETAILS))
    three_agents.keyboard.press("Escape")
    expect(card).to_be_hidden()


@pytest.mark.long
def test_highlighted_mentions(three_agents: Page) -> None:
    """A button on the card highlights the agent's name wherever it is a word of its own, and only there."""
    three_agents.locator(".message .name").first.click()
    three_agents.get_by_role("button", name="Highlight mentions").click()
    expect(three_agents.locator("mark")).to_have_text(["@Ada", "Ada", "ADA"])
    three_agents.get_by_role("button", name="Stop highlighting").click()

    expect(three_agents.locator("mark")).to_have_count(0)
    expect(three_agents.locator(".content").nth(1)).to_have_text("@Ada, Ada! adamant Ada-x x_Ada ADA?")
