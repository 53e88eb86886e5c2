"""Messages that an operator removes and restores while people watch, and agents for whom the operator vouches."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import HOUR, MINUTE
from chatr.domain.moderation_events import AgentApproved, MessageRemoved
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START
from tests.browser.conftest import OWN_STREAM, OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.browser.test_connection import disconnect, reconnect
from tests.moderation import OPERATOR, REASON, record_erasure, remove, restore

ADA = agent_id("Ada")
BY_OPERATOR = "verified by the operator of this room"


def at_node(room: HostedRoom, act: Coroutine[Any, Any, int]) -> None:
    """Let an operator act at the room's node."""
    asyncio.run_coroutine_threadsafe(act, room.loop).result(10)


def contents(page: Page) -> list[str]:
    return page.locator(".content").all_text_contents()


def post(page: Page, room: HostedRoom, *texts: str) -> list[str]:
    """Let Ada post messages, and return their ids once they are on the page."""
    ada = room.register()
    ids = [str(ada.post(text)["id"]) for text in texts]
    expect(page.locator(".content").last).to_have_text(texts[-1])
    return ids


@pytest.mark.long
def test_a_removed_message_leaves_the_page_at_once(page: Page, room: HostedRoom) -> None:
    """It is taken off the list, screen readers announce that, and the focus stays in the list."""
    _, spam, _ = post(page, room, "one", "spam", "three")
    page.locator(f"#m-{spam}").focus()
    at_node(room, remove(room.node, ADA, spam))
    expect(page.locator(f"#m-{spam}")).to_have_count(0)

    assert contents(page) == ["one", "three"]
    assert page.evaluate("document.activeElement.textContent").endswith("three")
    expect(page.locator("#announcements")).to_have_text(re.compile("1 message removed"))


@pytest.mark.long
def test_a_removed_message_is_not_announced(page: Page, room: HostedRoom) -> None:
    """A message that is removed before it was announced is not read out."""
    (spam,) = post(page, room, "spam")
    at_node(room, remove(room.node, ADA, spam))
    expect(page.locator("#announcements")).to_have_text("1 message removed")


@pytest.mark.long
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_restored_message_is_in_its_place_again(page: Page, room: HostedRoom, index: int) -> None:
    """It is loaded and put between its neighbours, below one separator with the day."""
    texts = ["one", "two", "three"]
    ids = post(page, room, *texts)
    at_node(room, remove(room.node, ADA, ids[index]))
    expect(page.locator(".content")).to_have_count(2)
    at_node(room, restore(room.node, ADA, ids[index]))
    expect(page.locator(".content")).to_have_text(texts)

    assert page.locator(".separator.day").count() == 1
    assert page.locator("#messages > li").first.get_attribute("class") == "separator day"
    assert page.locator(".message.continued .content").all_text_contents() == texts[1:]


@pytest.mark.long
def test_a_missed_message_that_was_restored_is_shown(room: HostedRoom, open_page: OpenPage) -> None:
    """A page that was offline while a message was posted, removed and restored shows its text."""
    page, ada = open_page(room.url, script=OWN_STREAM), room.register()
    ada.post("one")
    expect(page.locator(".content")).to_have_text("one")
    disconnect(page)
    expect(page.locator("#state")).not_to_have_text("live")
    two = ada.post("two")["id"]
    at_node(room, remove(room.node, ADA, two))
    at_node(room, restore(room.node, ADA, two))
    reconnect(page)

    expect(page.locator(".content")).to_have_text(["one", "two"])


@pytest.mark.long
def test_many_restored_messages_are_one_request(page: Page, room: HostedRoom) -> None:
    """However many messages are restored, the page loads them with one request."""
    texts = [f"message {number}" for number in range(10)]
    ids = post(page, room, *texts)
    for each in ids[2:8]:
        at_node(room, remove(room.node, ADA, each))
    expect(page.locator(".content")).to_have_count(4)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url) if "/api/messages" in request.url else None)
    for each in ids[2:8]:
        at_node(room, restore(room.node, ADA, each))
    expect(page.locator(".content")).to_have_text(texts)

    assert len(requested) == 1


@pytest.mark.long
def test_unread_messages_that_are_removed_do_not_count(page: Page, room: HostedRoom) -> None:
    """The number of new messages is that of those that the reader will find."""
    room.post_many([f"line {number}" for number in range(60)])
    expect(page.locator(".content").last).to_have_text("line 59")
    page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = 0; }")
    expect(page.locator("#to-newest")).to_be_visible()
    ada = room.register()
    spam, _ = ada.post("spam"), ada.post("news")
    expect(page.locator("#to-newest")).to_have_text("2 new messages ↓")
    at_node(room, remove(room.node, ADA, spam["id"]))

    expect(page.locator("#to-newest")).to_have_text("1 new message ↓")


def an_hour() -> list[Event]:
    """Ada posts three messages; the second is removed an hour later."""
    posted = [MessagePosted(ADA, text, None, START + n * MINUTE) for n, text in enumerate(("one", "spam", "three"))]
    return [
        unlimited(START),
        registered("Ada", START),
        *posted,
        MessageRemoved(ADA, 4, REASON, OPERATOR, START + HOUR),
        AgentApproved(ADA, OPERATOR, START + HOUR),
        MessagePosted(ADA, "see https://example.com/", None, START + HOUR + MINUTE),
    ]


@pytest.fixture
def moderated(open_room: OpenRoom) -> HostedRoom:
    return open_room(an_hour())


@pytest.mark.long
def test_the_past_says_by_whom_and_why(moderated: HostedRoom, open_page: OpenPage) -> None:
    """At a moment before its removal a message says who removed it and why, and what is removed meanwhile says so."""
    page = open_page(f"{moderated.url}/#t-{iso_timestamp(START + 5 * MINUTE)}")
    expect(page.locator(".content")).to_have_text(["one", f"Removed by {OPERATOR}: {REASON}", "three"])
    at_node(moderated, remove(moderated.node, ADA, "5"))
    expect(page.locator(".content").last).to_have_text(f"Removed: {REASON}")
    at_node(moderated, restore(moderated.node, ADA, "4"))

    expect(page.locator(".content")).to_have_text(["one", "spam", f"Removed: {REASON}"])


@pytest.mark.long
def test_a_link_to_a_removed_message_says_so(moderated: HostedRoom, open_page: OpenPage) -> None:
    """A permalink to a removed message shows it in its place, and says who removed it and why."""
    page = open_page(f"{moderated.url}/#m-4")
    expect(page.locator("#m-4.target .content")).to_have_text(f"Removed by {OPERATOR}: {REASON}")

    assert contents(page)[:3] == ["one", f"Removed by {OPERATOR}: {REASON}", "three"]


@pytest.mark.long
def test_an_erased_message_says_so(moderated: HostedRoom, open_page: OpenPage) -> None:
    """Where a message whose text was erased is shown, and quoted, it says so and why."""
    reply = moderated.register("Bob").post("Well!", reply_to="3")["id"]
    at_node(moderated, record_erasure(moderated.node, ADA, "3"))
    page = open_page(f"{moderated.url}/#thread-3")
    expect(page.locator("#m-3 .content")).to_have_text(f"Erased: {REASON}")
    page.goto(f"{moderated.url}/#m-{reply}")

    expect(page.locator(f"#m-{reply} [data-quoted]")).to_have_text(f"↩ Reply to Ada: Erased: {REASON}")


@pytest.mark.long
def test_the_label_of_the_operator(moderated: HostedRoom, open_page: OpenPage) -> None:
    """It has a name for screen readers and stands on the card, too; the URLs of the agent are links."""
    page = open_page(moderated.url)
    expect(page.locator(".message")).to_have_count(3)
    label = page.locator(".message .badge").first.get_by_role("img", name=BY_OPERATOR)
    expect(label).to_be_visible()
    expect(page.locator(".content a")).to_have_attribute("href", "https://example.com/")
    page.locator(".message .name").first.click()

    expect(page.locator("#card-details")).to_contain_text(BY_OPERATOR)
