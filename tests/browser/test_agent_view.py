"""The view of an agent: what the room knows of it, and all its messages and mentions."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import MINUTE
from chatr.domain.moderation_events import MessageRemoved
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.moderation import OPERATOR, REASON

ADA, BOB = agent_id("Ada"), agent_id("Bob")
PAIRS: Final = 200
REMOVED: Final = 200
"""The pair whose message of Ada was removed."""


def two_agents() -> list[Event]:
    """Ada and Bob take turns. The last message of Ada was removed; one of Bob mentions Ada."""
    posted = [
        MessagePosted(author, f"{text} {number}", None, START + (2 * number + turn) * MINUTE)
        for number in range(1, PAIRS + 1)
        for turn, (author, text) in enumerate(((ADA, "mine"), (BOB, "yours")))
    ]
    mention = MessagePosted(BOB, "Is that so, @Ada?", None, START + 1_000 * MINUTE)
    removal = MessageRemoved(ADA, 4 + 2 * (REMOVED - 1), REASON, OPERATOR, START + 1_001 * MINUTE)
    agents = [registered(name, START) for name in ("Ada", "Bob")]
    return [unlimited(START), *agents, *posted, mention, removal]


@pytest.fixture
def two(open_room: OpenRoom) -> HostedRoom:
    return open_room(two_agents())


def contents(page: Page) -> list[str]:
    return page.locator("#messages .content").all_text_contents()


@pytest.mark.long
def test_the_messages_of_an_agent(two: HostedRoom, open_page: OpenPage) -> None:
    """The view has all messages of an agent to the very first one, removed ones as such, and what the room knows."""
    page = open_page(two.url)
    page.locator(".message .name", has_text="Bob").first.click()
    page.keyboard.press("Escape")
    page.goto(f"{two.url}/#agent-Ada")
    expect(page.locator("#messages .content").last).to_have_text(f"Removed by {OPERATOR}: {REASON}")
    expect(page.get_by_role("heading", name="Ada")).to_be_focused()
    expect(page.locator(".facts")).to_have_text(
        re.compile(r"Last active.*Registered.*2026.*Messages199.*Replies to it0.*First message#4.*Key changednever")
    )
    while (first := contents(page)[0]) != "mine 1":
        page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = 0; }")
        expect(page.locator("#messages .content").first).not_to_have_text(first)

    expect(page.locator("#list-status")).to_have_text("This is its first message.")
    assert contents(page)[:199] == [f"mine {number}" for number in range(1, 200)]


@pytest.mark.long
def test_an_agent_that_was_active_long_ago(two: HostedRoom, open_page: OpenPage) -> None:
    """On a phone, too, the view names the day of the last activity."""
    page = open_page(f"{two.url}/#agent-Ada", viewport={"width": 360, "height": 740}, locale="en-GB", timezone_id="UTC")

    expect(page.locator(".facts dd").first).to_be_visible()
    assert page.locator(".facts dd").first.inner_text().startswith(iso_timestamp(START)[8:10].lstrip("0"))


@pytest.mark.long
def test_a_message_of_the_view_in_its_place(two: HostedRoom, open_page: OpenPage) -> None:
    """The time of a message leads to it among the messages of all, and the browser goes back to it in the view."""
    page = open_page(f"{two.url}/#agent-Ada")
    expect(page.locator("#messages .content").last).to_have_text(re.compile("^Removed"))
    page.locator("#messages .permalink").nth(-30).click()
    expect(page.locator(".view")).to_have_count(0)
    expect(page.locator("#messages .target .content")).to_have_text("mine 171")
    assert "yours 171" in contents(page)
    page.go_back()
    expect(page.locator("#messages .target .content")).to_have_text("mine 171")
    expect(page.locator(".view")).to_have_count(1)

    assert not any(each.startswith("yours") for each in contents(page))


@pytest.mark.long
def test_mentions_of_an_agent_and_replies(two: HostedRoom, open_page: OpenPage) -> None:
    """Tabs show the messages that mention the agent and those that reply to it; new ones appear, others do not."""
    page = open_page(f"{two.url}/#agent-Ada")
    page.get_by_role("link", name="Mentions", exact=True).click()
    expect(page.locator("#messages .content")).to_have_text(["Is that so, @Ada?"])
    bob = AgentClient.already_registered(two.url, "Bob")
    bob.post("nothing")
    mention = bob.post("@Ada again")["id"]
    expect(page.locator("#messages .content")).to_have_text(["Is that so, @Ada?", "@Ada again"])
    expect(page.get_by_role("link", name="Mentions", exact=True)).to_have_attribute("aria-current", "page")
    page.goto(f"{two.url}/#agent-Bob?show=replies")
    expect(page.locator("#list-status")).to_have_text("Nobody has replied to Bob.")
    AgentClient.already_registered(two.url, "Ada").post("Yes", reply_to=mention)

    expect(page.locator("#messages .content")).to_have_text(["Yes"])
    page.reload()
    expect(page.locator("#messages .content")).to_have_text(["Yes"])


@pytest.mark.long
def test_the_card_leads_to_the_view(two: HostedRoom, open_page: OpenPage) -> None:
    """The card of an agent leads to the view, Escape to the room, with what was posted meanwhile."""
    page = open_page(two.url)
    page.locator(".message .name", has_text="Bob").last.click()
    page.get_by_role("link", name="All its messages").click()
    expect(page.get_by_role("heading", name="Bob")).to_be_focused()
    expect(page.locator("#messages .content").last).to_have_text("Is that so, @Ada?")
    AgentClient.already_registered(two.url, "Ada").post("news")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    page.keyboard.press("Escape")

    expect(page.locator("#messages .content").last).to_have_text("news")
    expect(page.locator(".view")).to_have_count(0)
    expect(page).to_have_title(re.compile("^chatr"))


@pytest.mark.long
def test_an_unknown_agent(two: HostedRoom, open_page: OpenPage) -> None:
    """The view says that nobody has registered the name, whatever it contains."""
    page = open_page(f"{two.url}/#agent-%3Cb%3EX")
    expect(page.locator("#list-status")).to_have_text("No agent has registered the name <b>X.")
    page.goto(f"{two.url}/#agent-%E0%A4%A")

    expect(page.locator("#list-status")).to_have_text("No agent has registered the name %E0%A4%A.")


@pytest.mark.long
def test_an_agent_at_a_moment_of_the_past(two: HostedRoom, open_page: OpenPage) -> None:
    """At a moment of the past the view has the messages of before, and its link leads back to the moment."""
    moment = f"#t-{iso_timestamp(START + 21 * MINUTE)}"
    page = open_page(f"{two.url}/{moment}")
    expect(page.locator("#messages .content").last).to_have_text("yours 10")
    page.locator(".message .name", has_text="Ada").last.click()
    page.get_by_role("link", name="All its messages").click()
    expect(page.locator("#messages .content")).to_have_text([f"mine {number}" for number in range(1, 11)])
    page.get_by_role("link", name="Back to the room").click()
    expect(page.locator("#messages .content").last).to_have_text("yours 10")

    expect(page.locator("#messages .content")).to_have_count(20)
    assert page.url.endswith(moment)
