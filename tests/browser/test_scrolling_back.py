"""Scrolling back: to the first message, without losing the reader's place, in a document of bounded size."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import HOUR, SECOND, Limit
from chatr.testing.clock import START, SettableClock
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import registered, unlimited

AUTHORS = ("Ada", "Bob", "Cleo")
MOST_ITEMS = 300
FIRST_ID = 5
"""The id of message 0."""


def events_with_messages(count: int) -> Iterator[Event]:
    """So many messages, three seconds apart; message n has the id n + FIRST_ID."""
    yield unlimited(START)
    for name in AUTHORS:
        yield registered(name, START)
    for number in range(count):
        author = agent_id(AUTHORS[number % len(AUTHORS)])
        yield MessagePosted(author, f"message {number}", None, START + 3 * SECOND * number)


def expect_last(page: Page, content: str) -> None:
    """Wait until this message is the last one in the list."""
    expect(page.locator(".content").last).to_have_text(content)


def scroll_to(page: Page, top: int) -> None:
    """Scroll the list to so many pixels below its top."""
    page.locator("#scroller").evaluate("(scroller, top) => { scroller.scrollTop = top; }", top)


def shown_numbers(page: Page) -> list[int]:
    """The numbers of the messages in the list, which must be an unbroken range of the log and bounded."""
    numbers = [int(text.split()[1]) for text in page.locator(".content").all_text_contents()]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert page.locator("#messages > *").count() <= MOST_ITEMS
    return numbers


def scroll_to_first(page: Page) -> None:
    """Scroll up until message 0 is loaded."""
    while first := shown_numbers(page)[0]:
        scroll_to(page, 0)
        expect(page.locator(".content").first).not_to_have_text(f"message {first}")


@pytest.mark.long
def test_scrolling_up_leads_to_the_first_message(open_room: OpenRoom, open_page: OpenPage) -> None:
    """Scrolling up loads older messages page by page, until the page says that the room begins there."""
    page = open_page(open_room(events_with_messages(1_000)).url)
    expect_last(page, "message 999")
    scroll_to_first(page)

    expect(page.locator("#list-status")).to_have_text("The room begins here.")
    expect(page.locator("#older")).to_be_hidden()


@pytest.mark.long
def test_a_room_that_sends_no_history(open_room: OpenRoom, open_page: OpenPage) -> None:
    """If new watchers are sent no messages (--history 0), the page requests them, and goes on with the stream."""
    room = open_room(events_with_messages(3), history=0)
    page = open_page(room.url)
    expect(page.locator(".content")).to_have_text(["message 0", "message 1", "message 2"])
    AgentClient.already_registered(room.url, "Ada").post("message 3")

    expect_last(page, "message 3")
    assert shown_numbers(page) == [0, 1, 2, 3]


def test_an_empty_room(page: Page) -> None:
    """A page of a room without messages says so, and shows no timeline."""
    expect(page.locator("#list-status")).to_have_text("No messages yet.")
    expect(page.locator("#timeline")).to_be_hidden()


@pytest.mark.long
def test_to_the_first_of_many_messages(open_room: OpenRoom, open_page: OpenPage) -> None:
    """However long the log is, its first message is reached, and a button leads back to the newest."""
    page = open_page(open_room(events_with_messages(1_500)).url)
    expect_last(page, "message 1499")
    scroll_to_first(page)
    page.locator("#to-newest").click()

    expect_last(page, "message 1499")
    expect(page.locator(".content").last).to_be_in_viewport()


@pytest.mark.long
def test_loading_does_not_move_what_is_read(open_room: OpenRoom, open_page: OpenPage) -> None:
    """Messages that are loaded above or posted below do not move the messages that the reader sees."""
    room = open_room(events_with_messages(500))
    page = open_page(room.url)
    expect_last(page, "message 499")
    scroll_to(page, 60)
    first = page.locator(".content").filter(has_text="message 402")
    before = first.bounding_box()
    AgentClient.already_registered(room.url, "Ada").post("message 500")
    expect(page.locator("#to-newest")).to_have_text("1 new message ↓")
    expect(page.locator(".content").first).to_have_text("message 300")

    assert first.bounding_box() == pytest.approx(before, abs=1), "a browser scrolls by whole pixels"


@pytest.mark.long
def test_scrolling_back_and_forth(open_room: OpenRoom, open_page: OpenPage) -> None:
    """From the first message, scrolling down leads through all messages to those that were posted meanwhile."""
    room = open_room(events_with_messages(700))
    page = open_page(room.url)
    expect_last(page, "message 699")
    scroll_to_first(page)
    for number in range(700, 705):
        AgentClient.already_registered(room.url, "Ada").post(f"message {number}")
    while (last := shown_numbers(page)[-1]) < 704:
        scroll_to(page, 10**6)  # browsers stop at the end
        expect(page.locator(".content").last).not_to_have_text(f"message {last}")

    scroll_to(page, 10**6)
    expect_last(page, "message 704")
    expect(page.locator("#to-newest")).to_be_hidden()
    AgentClient.already_registered(room.url, "Ada").post("message 705")
    expect_last(page, "message 705")


@pytest.mark.long
@pytest.mark.parametrize("number", [0, 350, 999])
def test_a_link_to_a_message(number: int, open_room: OpenRoom, open_page: OpenPage) -> None:
    """A link to a message opens the page there and marks the message, wherever in the log it is."""
    page = open_page(open_room(events_with_messages(1_000)).url + f"/#m-{number + FIRST_ID}")
    target = page.locator(".target .content")

    expect(target).to_have_text(f"message {number}")
    expect(target).to_be_in_viewport()
    shown_numbers(page)


@pytest.mark.long
def test_a_link_to_no_message(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A link to an id that is no message's shows a notice and the newest messages."""
    page = open_page(open_room(events_with_messages(10)).url + "/#m-77")

    expect(page.locator("#notice")).to_have_text("There is no message 77.")
    expect_last(page, "message 9")


@pytest.mark.long
def test_rejected_requests_are_repeated(open_room: OpenRoom, open_page: OpenPage) -> None:
    """When the room rejects the page's requests (429), it says so, waits as long as Retry-After asks, and goes on."""
    # The clock stands still: the quota stays used up, however slow the machine is, until the test advances the clock.
    clock = SettableClock(START + HOUR)
    room = open_room(events_with_messages(500), clock=clock, rate_requests=Limit(9, SECOND))
    page = open_page(room.url)
    expect_last(page, "message 499")
    room.use_up_requests()
    scroll_to(page, 0)
    expect(page.locator("#notice")).to_contain_text("Too many requests")
    clock.advance(SECOND)
    scroll_to_first(page)

    expect(page.locator("#list-status")).to_have_text("The room begins here.")


@pytest.mark.long
def test_many_new_messages(open_room: OpenRoom, open_page: OpenPage, browser: Browser) -> None:
    """However many messages are posted while a page is open, its document and memory stay bounded, and nothing that it
    does takes the browser a second.
    """
    room = open_room(events_with_messages(300))
    page = open_page(room.url)
    expect_last(page, "message 299")
    before = heap(page)
    # Chromium's trace has the CPU time of each task; the time between two frames would depend on the machine's load.
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    room.post_many(f"message {number}" for number in range(300, 3_000))
    expect_last(page, "message 2999")
    trace = json.loads(browser.stop_tracing())

    assert page.locator("#messages > *").count() <= MOST_ITEMS
    assert heap(page) < before + 8_000_000
    assert 0 < longest_task(trace["traceEvents"]) < SECOND


def heap(page: Page) -> int:
    """Bytes of JavaScript in use."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    return int(client.send("Runtime.getHeapUsage")["usedSize"])


def longest_task(events: list[dict[str, object]]) -> float:
    """Milliseconds of the longest task of any thread, in CPU time: a busy machine does not make it longer."""
    return max(float(str(event["tdur"])) for event in events if event["name"] == "RunTask" and "tdur" in event) / 1000
