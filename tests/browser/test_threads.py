"""The view of a thread: a message, what it replies to, the replies to it and the replies to those."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.moderation_events import MessageRemoved
from chatr.testing.clock import START
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.moderation import OPERATOR, REASON

ADA, BOB = agent_id("Ada"), agent_id("Bob")
ROOT: Final = 4
QUESTION: Final = ROOT + 14
"""The last message of a chain of replies, which begins with the root. Each is a reply to the one before it."""
REPLIES: Final = 120


def conversation() -> list[Event]:
    """Ada and Bob reply to one another; then 120 replies to the last message stand among others. One was removed."""
    chain = [
        MessagePosted((ADA, BOB)[number % 2], f"chain {number}", None, START + number, reply_to=ROOT + number - 1)
        for number in range(1, QUESTION - ROOT + 1)
    ]
    replies = [
        MessagePosted(
            BOB, ("reply {}", "other {}")[turn].format(number), None, START + 100 + number,
            reply_to=None if turn else QUESTION,
        )
        for number in range(REPLIES)
        for turn in (0, 1)
    ]  # fmt: skip
    return [
        unlimited(START),
        registered("Ada", START),
        registered("Bob", START),
        MessagePosted(ADA, "root", None, START),
        *chain,
        *replies,
        MessageRemoved(BOB, QUESTION + 1, REASON, OPERATOR, START + 1_000),
    ]


@pytest.fixture
def room(open_room: OpenRoom) -> HostedRoom:
    """The room of that conversation."""
    return open_room(conversation())


def contents(page: Page) -> list[str]:
    return page.locator("#messages .content").all_text_contents()


@pytest.mark.long
def test_a_thread(room: HostedRoom, open_page: OpenPage) -> None:
    """The view has the message, ten above it and all replies, page by page; removed ones are shown as such."""
    page = open_page(f"{room.url}/#thread-{QUESTION}")
    expect(page.locator(f"#m-{QUESTION}.target")).to_be_focused()
    chain = [f"chain {number}" for number in range(4, 15)]
    assert contents(page)[:13] == [*chain, f"Removed by {OPERATOR}: {REASON}", "reply 1"]
    while contents(page)[-1] != f"reply {REPLIES - 1}":
        last = contents(page)[-1]
        page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = scroller.scrollHeight; }")
        expect(page.locator("#messages .content").last).not_to_have_text(last)

    assert contents(page)[12:] == [f"reply {number}" for number in range(1, REPLIES)]


@pytest.mark.long
def test_links_to_threads_are_large_enough(room: HostedRoom, open_page: OpenPage) -> None:
    """The links above a reply and below a message with replies are targets of 24 pixels: buttons may be beside them."""
    page = open_page(f"{room.url}/#m-{QUESTION}")
    expect(page.locator(f"#m-{QUESTION} .replies a")).to_be_visible()
    heights = page.locator(":is(.quote, .replies) > a").evaluate_all(
        "links => links.map(link => link.getBoundingClientRect().height)"
    )

    assert min(heights) >= 24


@pytest.mark.long
def test_the_top_of_a_thread(room: HostedRoom, open_page: OpenPage) -> None:
    """Links lead further up to the first message of all."""
    page = open_page(f"{room.url}/#thread-{QUESTION}")
    page.get_by_role("link", name="Further up in the thread").click()
    expect(page.locator("#messages .content").first).to_have_text("root")

    expect(page.locator("#messages .target .content")).to_have_text("chain 4")
    expect(page.get_by_role("link", name="Further up in the thread")).to_have_count(0)


@pytest.mark.long
def test_replies_to_replies(room: HostedRoom, open_page: OpenPage) -> None:
    """Below the message are the replies to it and the replies to those, oldest first, by at most three requests. After
    the part of a long thread that the room finds come the other replies to the message.
    """
    page = open_page(room.url)
    expect(page.locator("#messages .content").last).to_have_text(f"other {REPLIES - 1}")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url) if "/api/messages" in request.url else None)
    page.goto(f"{room.url}/#thread-{ROOT}")
    expect(page.locator("#messages .content").first).to_have_text("root")
    expect(page.locator("#messages .content").nth(15)).to_have_text(f"Removed by {OPERATOR}: {REASON}")
    assert contents(page)[:15] == ["root", *(f"chain {number}" for number in range(1, 15))]
    assert len(requested) <= 3
    page.route(re.compile("[?&]thread="), lambda route: route.fulfill(json={"messages": [], "hasMore": False}))
    page.reload()

    expect(page.locator("#messages .content")).to_have_text(["root", "chain 1"])


@pytest.mark.long
def test_a_live_reply(room: HostedRoom, open_page: OpenPage) -> None:
    """New replies appear, also to a reply, but no other message; a message counts the replies that were on the page."""
    root = QUESTION + 2
    page = open_page(f"{room.url}/#thread-{root}")
    expect(page.locator("#messages .content")).to_have_text(["other 0"])
    ada = AgentClient.already_registered(room.url, "Ada")
    ada.post("another thing")
    reply = ada.post("late", reply_to=str(root))["id"]
    ada.post("later", reply_to=reply)
    thread = ["other 0", "late", "later"]
    expect(page.locator("#messages .content")).to_have_text(thread)
    page.reload()
    expect(page.locator("#messages .content")).to_have_text(thread)
    page.locator(f"#m-{reply} .quote > a").first.click()
    expect(page.locator(f"#m-{root} .replies")).to_have_text("1 reply")
    page.locator(f"#m-{root} .replies a").click()

    expect(page.locator("#messages .content")).to_have_text(thread)


@pytest.mark.long
def test_a_thread_of_nothing(room: HostedRoom, open_page: OpenPage) -> None:
    """The view says that there is no such message, or that nobody has replied to it."""
    page = open_page(room.url)
    for number in ("2", "999", "nonsense", "123456789012345678"):
        page.goto(f"{room.url}/#thread-{number}")
        expect(page.locator("#list-status")).to_have_text(f"There is no message {number}.")
    page.goto(f"{room.url}/#thread-{QUESTION + 2}")

    expect(page.locator("#list-status")).to_have_text("Nobody has replied.")
    expect(page.locator("#messages .content")).to_have_text(["other 0"])
