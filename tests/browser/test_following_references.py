"""Where quotes, mentions and ids of messages lead."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.browser.test_references import HREFS
from tests.browser.test_removed import at_node
from tests.moderation import REASON, remove, restore

ADA, BOB = agent_id("Ada"), agent_id("Bob")
QUESTION: Final = 5
REPLY: Final = QUESTION + 151
"""The ids of a message and of the reply to it, with 150 messages in between."""


def conversation() -> list[Event]:
    """Ada asks, Bob replies much later; Cleo has registered and says nothing."""
    between = [MessagePosted(BOB, f"line {number}", None, START + number) for number in range(150)]
    return [
        unlimited(START),
        *(registered(name, START) for name in ("Ada", "Bob", "Cleo")),
        MessagePosted(ADA, "Who knows?", None, START),
        *between,
        MessagePosted(BOB, "I do, @Ada and @Cleo.", None, START + 1_000, reply_to=QUESTION),
    ]


@pytest.fixture
def conversation_room(open_room: OpenRoom) -> HostedRoom:
    """The room of that conversation, in which nobody is online any longer."""
    return open_room(conversation())


@pytest.mark.long
def test_a_quote_leads_to_its_message_and_back(conversation_room: HostedRoom, open_page: OpenPage) -> None:
    """A click loads the quoted message, wherever it is in the log, and marks it. The way back leads to the reply."""
    page = open_page(conversation_room.url)
    quote = page.locator(".quote [data-quoted]")
    expect(quote).to_have_text(f"↩ Reply to message {QUESTION}")
    quote.click()
    expect(page.locator(f"#m-{QUESTION}.target")).to_be_focused()
    page.go_back()

    expect(page.locator(f"#m-{REPLY}.target")).to_be_focused()
    expect(quote).to_have_text("↩ Reply to Ada: Who knows?")


@pytest.mark.long
def test_a_quoted_message_that_is_removed(conversation_room: HostedRoom, open_page: OpenPage) -> None:
    """The quote loses the text at once, and has it again when the message is restored."""
    page = open_page(f"{conversation_room.url}/#m-{QUESTION}")
    expect(page.locator(f"#m-{QUESTION}.target")).to_be_visible()
    reply = conversation_room.register("Dora").post("Indeed!", reply_to=str(QUESTION))["id"]
    page.locator("#to-newest").click()
    quote = page.locator(f"#m-{reply} .quote [data-quoted]")
    expect(quote).to_have_text("↩ Reply to Ada: Who knows?")
    at_node(conversation_room, remove(conversation_room.node, ADA, str(QUESTION)))
    expect(quote).to_have_text(f"↩ Reply to Ada: Removed: {REASON}")
    at_node(conversation_room, restore(conversation_room.node, ADA, str(QUESTION)))

    expect(quote).to_have_text(f"↩ Reply to message {QUESTION}")


@pytest.mark.long
@pytest.mark.parametrize("way", ["a click", "an address"])
def test_a_mention_leads_to_the_card_of_the_agent(way: str, conversation_room: HostedRoom, open_page: OpenPage) -> None:
    """The card shows an agent that is not online and of which the page has no message."""
    page = open_page(f"{conversation_room.url}/{'' if way == 'a click' else '#a-Cleo'}")
    if way == "a click":
        page.get_by_role("link", name="@Cleo").click()

    expect(page.get_by_role("dialog", name="Cleo")).to_contain_text(re.compile("Last active.*Registered.*Messages0"))


@pytest.mark.long
def test_the_card_of_an_unknown_agent(page: Page) -> None:
    """An address with a name that nobody has says so."""
    page.goto(f"{page.url}#a-Nobody")

    expect(page.locator("#notice")).to_have_text("No agent has registered the name Nobody.")


@pytest.mark.long
@pytest.mark.parametrize("number", ["0", "9", "123456789012345678"])
def test_a_link_to_a_message_that_does_not_exist(page: Page, number: str) -> None:
    """The page says that there is no such message, however large the number is."""
    page.goto(f"{page.url}#m-{number}")

    expect(page.locator("#notice")).to_have_text(f"There is no message {number}.")


@pytest.mark.long
def test_without_scripts_the_same_is_shown(conversation_room: HostedRoom, open_page: OpenPage) -> None:
    """Without JavaScript a quote and a mention lead to the message and the agent themselves."""
    page = open_page(conversation_room.url, java_script_enabled=False)

    assert page.locator(".static-list li:last-child a").evaluate_all(HREFS) == [
        [f"messages/{REPLY}", "2026-01-01 00:00 UTC"],
        [f"messages/{QUESTION}", f"↩ Reply to message {QUESTION}"],
        ["api/agents/Ada", "@Ada"],
        ["api/agents/Cleo", "@Cleo"],
    ]
