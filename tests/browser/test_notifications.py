"""Desktop notifications of words and agents that the reader has chosen."""

import re
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from tests.browser.conftest import OpenPage
from tests.browser.figures import STANDARDS
from tests.browser.hosted_room import HostedRoom
from tests.browser.test_removed import at_node
from tests.moderation import remove

# A browser without a desktop shows no notification, so what the page asks for is recorded.
RECORD: Final = """
window.notifications = [];
window.Notification = class {
  static permission = sessionStorage.getItem("permission") ?? "default";
  static async requestPermission() {
    window.asked = (window.asked ?? 0) + 1;
    sessionStorage.setItem("permission", Notification.permission = window.answer ?? "granted");
  }
  constructor(title, options) { Object.assign(this, options, { title }); notifications.push(this); }
  close() { this.isClosed = true; }
};
let isFocused = true;
Document.prototype.hasFocus = () => isFocused;
window.setFocused = (value) => { isFocused = value; };
"""
LAST: Final = "notifications[notifications.length - 1]"


def choose(page: Page, words: str = "", agents: str = "") -> None:
    """Save words and agents in the settings, and look elsewhere."""
    page.get_by_role("button", name="Notifications…").click()
    page.get_by_label("Words, separated by commas").fill(words)
    page.get_by_label("Agents, separated by commas").fill(agents)
    page.get_by_role("button", name="Save").click()


def look_elsewhere(*pages: Page) -> None:
    """Take the focus from pages."""
    for page in pages:
        page.evaluate("setFocused(false)")


def notified(page: Page, count: int) -> list[dict[str, Any]]:
    """Wait until there were so many notifications, and return them."""
    page.wait_for_function(f"() => notifications.length >= {count}")
    found: list[dict[str, Any]] = page.evaluate("notifications.map(({ onclick, ...each }) => each)")
    assert len(found) == count
    return found


@pytest.mark.long
def test_chosen_words_and_agents_notify(room: HostedRoom, open_page: OpenPage) -> None:
    """Whole words in any case and messages of chosen agents notify, a burst once and without sound; a click shows the
    message. What is read, and what was not chosen, does not notify.
    """
    page = open_page(room.url, script=RECORD)
    expect(page.locator("#state")).to_have_text("live")
    assert page.evaluate("window.asked") is None
    choose(page, "crab, 螃蟹, C++, don't", "bob")
    expect(page.locator("#notice")).to_have_text("Notifications are on while this page is open in a tab.")
    ada, bob = room.register("Ada"), room.register("Bob")
    ada.post("a crab that is read at once")
    expect(page.locator(".content")).to_have_count(1)
    look_elsewhere(page)
    for content in ("crabs", "scrabble", "crab_1", "C", "no 蟹"):
        ada.post(content)
    for content in ("A CRAB!", "看这只螃蟹吧", "I write C++.", "crab's", "Don\u2019t!"):
        ada.post(content)
    bob.post("anything")
    [several] = notified(page, 1)
    assert (several["title"], several["silent"]) == ("6 messages", True)
    assert several["body"] == "Ada: A CRAB!\nAda: 看这只螃蟹吧\nAda: I write C++."
    page.evaluate(f"{LAST}.onclick()")
    expect(page.locator(".target .content")).to_have_text("A CRAB!")
    bob.post("one more")
    one = notified(page, 2)[1]

    assert (one["title"], one["body"], one["tag"]) == ("Bob", "one more", several["tag"])


@pytest.mark.long
def test_one_tab_notifies(room: HostedRoom, open_page: OpenPage) -> None:
    """Of several tabs one notifies, none while one of them is read, and each knows what another one has saved."""
    first = open_page(room.url, script=RECORD + "sessionStorage.setItem('permission', 'granted');")
    second = first.context.new_page()
    second.goto(room.url)
    expect(second.locator("#state")).to_have_text("live")
    choose(first, "crab")
    second.wait_for_function("() => performance.getEntriesByName(`${location.origin}/page/notifications.js`).length")
    ada = room.register()
    look_elsewhere(second)
    ada.post("a crab that the first tab reads")
    expect(first.locator(".content")).to_have_count(1)
    look_elsewhere(first)
    ada.post("another crab")
    first.wait_for_function("() => Object.keys(localStorage).some(key => key.endsWith(' until'))")
    first.wait_for_timeout(2_000)
    counts = [page.evaluate("notifications.map(each => each.body)") for page in (first, second)]

    assert sorted(counts) == [[], ["another crab"]]


@pytest.mark.long
def test_an_empty_word_is_not_chosen(room: HostedRoom, open_page: OpenPage) -> None:
    """An empty word in the stored choice, which this page does not write, matches no message and stops nothing."""
    page = open_page(room.url, script=RECORD)
    choose(page, "crab")
    expect(page.locator("#notice")).to_have_text("Notifications are on while this page is open in a tab.")
    page.evaluate("localStorage.setItem('chatr-notify /', JSON.stringify({ words: ['', 'crab'], agents: [''] }))")
    page.reload()
    expect(page.locator("#state")).to_have_text("live")
    look_elsewhere(page)
    ada = room.register("Ada")
    ada.post("anything")
    ada.post("a crab")

    assert [each["body"] for each in notified(page, 1)] == ["a crab"]


@pytest.mark.long
def test_a_removed_message_leaves_the_desktop(room: HostedRoom, open_page: OpenPage) -> None:
    """The notification of a removed message is closed. The choice is there after a reload, until it is turned off."""
    page = open_page(room.url, script=RECORD)
    choose(page, "crab")
    page.reload()
    expect(page.locator("#state")).to_have_text("live")
    page.wait_for_function("() => performance.getEntriesByName(`${location.origin}/page/notifications.js`).length")
    look_elsewhere(page)
    crab = str(room.register().post("a crab")["id"])
    notified(page, 1)
    at_node(room, remove(room.node, agent_id("Ada"), crab))
    page.wait_for_function("() => notifications[0].isClosed")
    page.get_by_role("button", name="Notifications…").click()
    expect(page.get_by_label("Words, separated by commas")).to_have_value("crab")
    page.get_by_role("button", name="Turn off").click()

    expect(page.locator("#notice")).to_have_text("Notifications are off.")
    assert page.evaluate("Object.keys(localStorage).filter(key => !key.endsWith(' until'))") == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("window.answer = 'denied';", "blocks notifications from this site"),
        ("window.answer = 'default';", "has not allowed notifications yet"),
        ("delete window.Notification;", "does not support notifications of pages"),
        ("Object.defineProperty(window, 'isSecureContext', { value: false });", "only for pages with https://"),
    ],
)
def test_the_reason_for_no_notifications(script: str, sentence: str, room: HostedRoom, open_page: OpenPage) -> None:
    """Where the browser shows no notifications, a sentence says why, and nothing is stored."""
    page = open_page(room.url, script=RECORD + script)
    choose(page, "crab")

    expect(page.locator("#notify-status")).to_have_text(re.compile(sentence))
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_the_settings(scheme: str, room: HostedRoom, open_page: OpenPage) -> None:
    """The dialog has names for everything, and contrast, also with an error in it; Escape closes it."""
    page = open_page(room.url, script=RECORD + "window.answer = 'denied';", color_scheme=scheme, locale="zh-CN")
    page.get_by_role("button", name="通知…").click()
    page.locator("#notify-words").fill("crab")
    page.locator("#notify-words").press("Enter")
    expect(page.locator("#notify-status")).not_to_be_empty()
    result = Axe().run(page, options={"runOnly": STANDARDS})
    page.keyboard.press("Escape")

    assert [each["id"] for each in result.response["violations"]] == []
    expect(page.locator("#notify-dialog")).to_be_hidden()
