"""Reading back: to the very first message, without losing the place, in a document that does not grow."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import SECOND, Limit
from chatr.testing.clock import START
from tests.browser.conftest import Host, Watch
from tests.browser.hosted import began, registered
from tests.browser.speaker import Speaker

SPEAKERS = ("Ada", "Bob", "Cleo")
MOST_ITEMS = 300
STANDSTILL = """
let last = 0;
window.standstill = 0;
requestAnimationFrame(function frame(now) {
  standstill = Math.max(standstill, now - (last || now));
  last = now;
  requestAnimationFrame(frame);
});
"""


def said(count: int) -> Iterator[Event]:
    """So many messages, three seconds apart; message n has the id n + 5."""
    yield began(START)
    for name in SPEAKERS:
        yield registered(name, START)
    for number in range(count):
        author = agent_id(SPEAKERS[number % len(SPEAKERS)])
        yield MessagePosted(author, f"message {number}", None, START + 3 * SECOND * number)


ID = 5
"""That of message 0."""


def last_is(page: Page, content: str) -> None:
    expect(page.locator(".content").last).to_have_text(content)


def scroll_to(page: Page, top: int) -> None:
    page.locator("#log").evaluate("(log, top) => { log.scrollTop = top; }", top)


def numbers(page: Page) -> list[int]:
    return [int(text.split()[1]) for text in page.locator(".content").all_text_contents()]


def unbroken(page: Page) -> list[int]:
    """What is shown, which must be one bounded run of the log."""
    shown = numbers(page)
    assert shown == list(range(shown[0], shown[-1] + 1))
    assert page.locator("#messages > *").count() <= MOST_ITEMS
    return shown


def climb(page: Page) -> None:
    """Scroll up until nothing is older."""
    while first := unbroken(page)[0]:
        scroll_to(page, 0)
        expect(page.locator(".content").first).not_to_have_text(f"message {first}", timeout=20_000)


def test_to_the_first_message(host: Host, watch: Watch) -> None:
    """Scrolling up loads what is older, page by page, until the page says that the room begins there."""
    page = watch(host(said(1_000)).url)
    last_is(page, "message 999")
    climb(page)

    expect(page.locator("#edge")).to_have_text("The room begins here.")
    expect(page.locator("#older")).to_be_hidden()


def test_a_room_that_hands_out_no_history(host: Host, watch: Watch) -> None:
    """Where new watchers are sent nothing of what was said, the page asks for it, and goes on from there."""
    room = host(said(3), history=0)
    page = watch(room.url)
    expect(page.locator(".content")).to_have_text(["message 0", "message 1", "message 2"])
    Speaker.known(room.url, "Ada").say("message 3")

    last_is(page, "message 3")
    assert unbroken(page) == [0, 1, 2, 3]


def test_an_empty_room(page: Page) -> None:
    """Where nobody has said anything, the page says so."""
    expect(page.locator("#edge")).to_have_text("Nobody has said anything yet.")
    expect(page.locator("#timeline")).to_be_hidden()


@pytest.mark.long
def test_to_the_first_of_twenty_thousand(host: Host, watch: Watch) -> None:
    """However long the room is, its first message is reached, and the newest is one button away."""
    page = watch(host(said(20_000)).url)
    last_is(page, "message 19999")
    climb(page)
    page.locator("#newest").click()

    last_is(page, "message 19999")
    expect(page.locator(".content").last).to_be_in_viewport()


def test_nobody_loses_their_place(host: Host, watch: Watch) -> None:
    """What is loaded above, and what is said below meanwhile, moves nothing before the reader's eyes."""
    room = host(said(500))
    page = watch(room.url)
    last_is(page, "message 499")
    scroll_to(page, 60)
    first = page.locator(".content").filter(has_text="message 402")
    before = first.bounding_box()
    Speaker.known(room.url, "Ada").say("message 500")
    expect(page.locator("#newest")).to_have_text("1 new message ↓")
    expect(page.locator(".content").first).to_have_text("message 300")

    assert first.bounding_box() == pytest.approx(before, abs=1), "a browser scrolls by whole pixels"


def test_there_and_back_again(host: Host, watch: Watch) -> None:
    """Whoever went far back comes forward by scrolling, through everything, to what was said meanwhile."""
    room = host(said(700))
    page = watch(room.url)
    last_is(page, "message 699")
    climb(page)
    for number in range(700, 705):
        Speaker.known(room.url, "Ada").say(f"message {number}")
    while (last := unbroken(page)[-1]) < 704:
        scroll_to(page, 10**6)
        expect(page.locator(".content").last).not_to_have_text(f"message {last}")

    scroll_to(page, 10**6)
    last_is(page, "message 704")
    expect(page.locator("#newest")).to_be_hidden()
    Speaker.known(room.url, "Ada").say("message 705")
    last_is(page, "message 705")


@pytest.mark.parametrize("number", [0, 350, 999])
def test_an_address_of_a_message(number: int, host: Host, watch: Watch) -> None:
    """A link to a message opens the room there, wherever it is, and marks it; both directions go on from there."""
    page = watch(host(said(1_000)).url + f"/#m-{number + ID}")
    found = page.locator(".found .content")

    expect(found).to_have_text(f"message {number}")
    expect(found).to_be_in_viewport()
    unbroken(page)


def test_an_address_of_no_message(host: Host, watch: Watch) -> None:
    """A link to what is no message says so, and the room is open all the same."""
    page = watch(host(said(10)).url + "/#m-77")

    expect(page.locator("#notice")).to_have_text("There is no message 77.")
    last_is(page, "message 9")


def test_whoever_asks_too_often_waits(host: Host, watch: Watch) -> None:
    """Where the room takes no more questions for a while, the page says so, waits as long as it was told, goes on."""
    room = host(said(1_000), rate_requests=Limit(9, 3 * SECOND))
    page = watch(room.url)
    last_is(page, "message 999")
    room.tire()
    scroll_to(page, 0)
    expect(page.locator("#notice")).to_contain_text("asked too often")
    climb(page)

    expect(page.locator("#edge")).to_have_text("The room begins here.")


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_many_messages_weigh_no_more_than_three_hundred(count: int, host: Host, watch: Watch) -> None:
    """However much is said while a page is open, neither its document nor its memory grows, and it never stands still
    for as long as a second.
    """
    room = host(said(300))
    page = watch(room.url, script=STANDSTILL)
    last_is(page, "message 299")
    before = heap(page)
    room.flood(f"message {number}" for number in range(300, 300 + count))
    last_is(page, f"message {299 + count}")

    assert page.locator("#messages > *").count() <= MOST_ITEMS
    assert heap(page) < before + 8_000_000
    assert page.evaluate("standstill") < SECOND


def heap(page: Page) -> int:
    """Bytes of JavaScript that are in use."""
    client = page.context.new_cdp_session(page)
    client.send("HeapProfiler.collectGarbage")
    return int(client.send("Runtime.getHeapUsage")["usedSize"])
