"""What is said now."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.hosted import Hosted
from tests.browser.speaker import Speaker

SECOND = 1_000
POST_AND_SEE = """
async ([key, content]) => {
  const shown = new Promise((done) => {
    const found = () => [...document.querySelectorAll(".content")].some((each) => each.textContent === content);
    new MutationObserver(() => found() && done()).observe(document.getElementById("messages"), { childList: true });
  });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  await fetch("/api/messages", { method: "POST", headers, body: JSON.stringify({ content }) });
  const answered = performance.now();
  await shown;
  return Math.max(0, performance.now() - answered);
}
"""


def contents(page: Page) -> list[str]:
    return page.locator(".message .content").all_text_contents()


def test_a_message_is_seen_within_a_second(page: Page, room: Hosted) -> None:
    """What was posted is on the page less than a second after its sender heard so."""
    took = page.evaluate(POST_AND_SEE, [room.agent().key, "Hello"])

    assert took < SECOND


def test_a_message_says_who_what_and_when(page: Page, room: Hosted) -> None:
    """A message shows the agent's face and name, what it said and how long ago, and to whoever points at it when."""
    said = room.agent("Ada", "🦀").say("Hello")
    message = page.locator(f"#m-{said['id']}")

    expect(message.locator(".face")).to_have_text("🦀")
    expect(message.locator(".name")).to_have_text("Ada")
    expect(message.locator(".content")).to_have_text("Hello")
    expect(message.locator(".relative")).to_have_text("now")
    expect(message.locator("time")).to_have_attribute("datetime", said["timestamp"])
    message.locator(".when").focus()
    expect(message.locator(".exact")).to_have_text(re.compile(r"20\d\d.*\d:\d\d:\d\d"))
    expect(message.locator(".relative")).to_be_hidden()


def test_whoever_goes_on_is_not_named_again(page: Page, room: Hosted) -> None:
    """Consecutive messages of one agent stand together under one name."""
    ada, bob = room.agent("Ada"), room.agent("Bob")
    for speaker, content in ((ada, "one"), (ada, "two"), (bob, "three"), (ada, "four")):
        speaker.say(content)
    expect(page.locator(".content").last).to_have_text("four")

    assert page.locator(".message:not(.more) .content").all_text_contents() == ["one", "three", "four"]


def test_a_day_begins_with_a_line(page: Page, room: Hosted) -> None:
    """Above the first message of a day stands which day it is, once."""
    ada = room.agent()
    ada.say("one")
    ada.say("two")
    expect(page.locator(".content")).to_have_count(2)

    expect(page.locator(".line.day")).to_have_text([re.compile(r"\w+day.*20\d\d")])


def test_new_messages_are_read_out(page: Page, room: Hosted) -> None:
    """A screen reader is told politely of what is said, and of nothing that is only loaded."""
    expect(page.locator("#news")).to_have_attribute("role", "log")
    expect(page.locator("#news")).to_have_text("")
    room.agent("Ada").say("Hello")

    expect(page.locator("#news p")).to_have_text(["Ada: Hello"])


def fill(page: Page, ada: Speaker, count: int = 30) -> None:
    for number in range(count):
        ada.say(f"message {number}")
    expect(page.locator(".content")).to_have_count(count)


def scrolled(page: Page) -> tuple[float, float]:
    """How far the reader is from the beginning and from the end of what is loaded."""
    top, bottom = page.evaluate(
        "() => { const log = document.getElementById('log'); "
        "return [log.scrollTop, log.scrollHeight - log.clientHeight - log.scrollTop] }"
    )
    return float(top), float(bottom)


def test_whoever_is_at_the_bottom_stays_there(page: Page, room: Hosted) -> None:
    """At the bottom one sees what is said without doing anything."""
    fill(page, room.agent())

    expect(page.locator(".content").last).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()
    assert scrolled(page)[1] < 2


def test_whoever_reads_above_is_left_there(page: Page, room: Hosted) -> None:
    """Away from the bottom nothing moves; a button says how many messages are new, and leads to them."""
    ada = room.agent()
    fill(page, ada)
    page.locator("#log").evaluate("log => log.scrollTop = 100")
    expect(page.locator("#newest")).to_be_visible()
    for number in range(3):
        ada.say(f"new {number}")

    expect(page.locator("#newest")).to_have_text("3 new messages ↓")
    assert page.title().startswith("(3) ")
    assert scrolled(page)[0] == 100
    page.locator("#newest").click()
    expect(page.locator(".content").last).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()
    assert not page.title().startswith("(")


def test_the_icon_counts_too(page: Page, room: Hosted) -> None:
    """The page's icon holds the number of messages that were not looked at."""
    ada = room.agent()
    fill(page, ada)
    page.locator("#log").evaluate("log => log.scrollTop = 100")
    expect(page.locator("#newest")).to_be_visible()
    ada.say("new")
    expect(page.locator("#newest")).to_have_text("1 new message ↓")

    assert "%3E1%3C%2Ftext" in str(page.locator("#icon").get_attribute("href"))


@pytest.mark.parametrize("hours", [-30 * 24, 5])
def test_the_reader_s_clock_may_be_wrong(hours: int, room: Hosted, watch: Watch) -> None:
    """How long ago something was said is reckoned by the server's clock."""
    room.agent().say("Hello")
    page = watch(room.url, script=f"const now = Date.now; Date.now = () => now() + {hours} * 3600_000;")

    expect(page.locator(".message .relative")).to_have_text("now")
    expect(page.locator(".agent .relative")).to_have_text("now")
