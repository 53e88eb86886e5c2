"""Reading the large room on any screen, on paper, in two languages and with the keyboard alone."""

import re
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chatr.domain.limits import HOUR
from chatr.domain.timestamps import iso_timestamp
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OpenPage
from tests.browser.figures import STANDARDS
from tests.browser.large_room_events import RARE_WORD
from tests.browser.large_room_facts import LargeLog
from tests.browser.large_room_figures import large_room_shown
from tests.browser.large_room_plan import BUSY_HOUR, DAYS
from tests.browser.large_room_server import LargeRoom
from tests.browser.test_notifications import RECORD, look_elsewhere, notified
from tests.browser.test_notifications import choose as choose_notifications
from tests.browser.test_past import seek

pytestmark = pytest.mark.long


def hashes(log: LargeLog) -> dict[str, tuple[str, str]]:
    """By view of the page: its hash, and a selector of what it shows when it is complete."""
    busy, name = log.begin_of(0) + BUSY_HOUR * HOUR, log.busiest_agent(log.begin_of(600))
    return {
        "live": ("", "#messages .message"),
        "message": (f"#m-{log.topic()}", ".target"),
        "removed": (f"#m-{log.removed()}", ".target .content.removed"),
        "past": (f"#t-{iso_timestamp(busy + HOUR)}", "html.past .message"),
        "search": ("#search?q=heron", ".results mark"),
        "nothing found": ("#search?q=nonsense", ".view-status:not(:empty)"),
        "agent": (f"#agent-{name}", ".facts"),
        "thread": (f"#thread-{log.topic()}", ".target"),
        "card": (f"#a-{name}", "#card[open]"),
    }


def dialogs(page: Page) -> dict[str, Callable[[], object]]:
    """By name of what opens over the page: how it is opened."""
    return {
        "context": page.get_by_role("button", name="Context").first.click,
        "moment": page.locator("#moment").click,
        "notifications": page.locator("#notify").click,
        "agents": lambda: page.locator("#query").fill("am"),
    }


def violations(page: Page) -> list[str]:
    """What axe finds on the page, with the first messages of each list: it takes seconds for all of them."""
    found = Axe().run(page, {"exclude": [[LATER_ITEMS]]}, {"runOnly": STANDARDS}).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


def test_axe_finds_no_violation_in_views(large_room: LargeRoom, log: LargeLog, open_page: OpenPage) -> None:
    """The tool axe finds nothing in any view of the room."""
    page = open_page(large_room.url, color_scheme="light", reduced_motion="reduce")
    found = {}
    for view, (address, shown) in hashes(log).items():
        page.goto(f"{large_room.url}/{address}")
        expect(page.locator(shown).first).to_be_visible()
        found[view] = violations(page)
        page.keyboard.press("Escape")

    assert found == {view: [] for view in found}


def test_axe_finds_no_violation_in_dialogs(large_room: LargeRoom, log: LargeLog, open_page: OpenPage) -> None:
    """The tool axe finds nothing on a phone in what opens over the room, and in the archive."""
    viewport = {"width": 360, "height": 800}
    page = open_page(
        f"{large_room.url}/#search?q=heron", color_scheme="dark", viewport=viewport, reduced_motion="reduce"
    )
    found = {}
    for name, opened in dialogs(page).items():
        if name == "notifications":
            page.locator("#open-side").click()
        opened()
        expect(page.locator(OPENED[name]).first).to_be_visible()
        found[name] = violations(page)
        page.keyboard.press("Escape")
    for path in ("archive", "archive/2025-12", f"messages/{log.removed()}"):
        page.goto(f"{large_room.url}/{path}")
        found[path] = violations(page)

    assert found == {view: [] for view in found}


LATER_ITEMS: Final = "li:nth-child(n + 12)"
OPENED: Final = {
    "context": ".context li",
    "moment": "#moment-dialog[open]",
    "notifications": "#notify-dialog[open]",
    "agents": "#found-agents [role=option]",
}


def test_searching_by_keyboard(large_room: LargeRoom, open_page: OpenPage) -> None:
    """Without a pointer a reader searches, reads the context of a result, follows it to its place and opens the view of
    its author.
    """
    page = open_page(large_room.url, timezone_id="UTC", locale="en-GB")
    large_room_shown(page)
    page.keyboard.press("/")
    page.keyboard.type(RARE_WORD)
    page.keyboard.press("Enter")
    expect(page.locator(".results > .message")).to_have_count(3)
    tab_to(page, ".results .permalink")
    tab_to(page, ".context-button")
    page.keyboard.press("Enter")
    expect(page.locator(".context li")).to_have_count(5)
    tab_to(page, ".results .permalink", backwards=True)
    page.keyboard.press("Enter")
    expect(page.locator("#messages .target")).to_be_focused()
    tab_to(page, "#messages .target button.name")
    page.keyboard.press("Enter")
    tab_to(page, "#card-view")
    page.keyboard.press("Enter")
    expect(page.locator(".facts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".view")).to_have_count(0)


def test_the_timeline_by_keyboard(large_room: LargeRoom, log: LargeLog, open_page: OpenPage) -> None:
    """Without a pointer a reader steps by a day, zooms, plays, goes to a moment and comes back to live."""
    page = open_page(large_room.url, timezone_id="UTC", locale="en-GB")
    large_room_shown(page)
    tab_to(page, "#handle")
    page.keyboard.press("PageDown")
    expect(page.locator("#state")).to_have_text("in the past")
    page.keyboard.press("+")
    expect(page.locator("#zoom")).to_have_value("")
    tab_to(page, "#speed")
    tab_to(page, "#play", backwards=True)
    page.keyboard.press("Enter")
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    tab_to(page, "#moment")
    page.keyboard.press("Enter")
    page.get_by_label("Date and time").fill(iso_timestamp(log.begin_of(300))[:19])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"#t-{iso_timestamp(log.begin_of(300))}$"))
    tab_to(page, "#back-to-live")
    page.keyboard.press("Enter")

    expect(page.locator("#state")).to_have_text("live")


def tab_to(page: Page, selector: str, *, backwards: bool = False) -> None:
    """Press the Tab key until the focus is at an element that a selector matches."""
    for _ in range(100):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"The Tab key does not lead to {selector}.")


def test_a_chinese_reader(large_room: LargeRoom, log: LargeLog, open_page: OpenPage) -> None:
    """All sentences, dates and numbers are Chinese, in the room, its past, a search and an agent's view; a link changes
    them to English.
    """
    page = open_page(large_room.url, locale="zh-CN", timezone_id="Asia/Shanghai")
    large_room_shown(page)
    expect(page.locator("#ticks")).to_have_text(re.compile("年.*月"))
    expect(page.locator(".separator.day").first).to_have_text(re.compile(r"20\d\d年\d+月\d+日"))
    found = {}
    for view, (address, shown) in hashes(log).items():
        page.goto(f"{large_room.url}/{address}")
        expect(page.locator(shown).first).to_be_visible()
        found[view] = [word for word in page.evaluate(PAGE_WORDS) if not re.fullmatch(NOT_TRANSLATED, word)]
        page.keyboard.press("Escape")
    seek(page, log.begin_of(400))
    expect(page.locator("#moment")).to_have_text(re.compile(r"^20\d\d年\d+月\d+日 08:00:00$"))
    page.goto(f"{large_room.url}/#search?q=heron")
    expect(page.locator(".view-status")).to_contain_text("30")
    page.get_by_role("link", name="English").click()

    expect(page.locator(".view-status")).to_contain_text("messages that were found")
    assert found == {view: [] for view in found}


PAGE_WORDS: Final = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const written = "bdi, .content, .avatar, code, script, style, noscript, input, [lang=en], .mention";
  const words = new Set();
  while (texts.nextNode()) {
    const { parentElement, data } = texts.currentNode;
    if (parentElement.closest(written) || !parentElement.checkVisibility()) continue;
    for (const [word] of data.matchAll(/[A-Za-z]{2,}/g)) words.add(word);
  }
  return [...words];
}"""
"""Returns the Latin words that a page shows, without those that agents wrote."""
NOT_TRANSLATED: Final = "chatr|Moltbook|Atom|Shift|Page|Down|Up|Home|End"


def test_phone_print_and_wall(large_room: LargeRoom, log: LargeLog, open_page: OpenPage) -> None:
    """On a phone the header keeps its height in the past, on a wall larger type fills the width, and on paper each
    message has its date and time.
    """
    page = open_page(large_room.url, viewport={"width": 360, "height": 740}, locale="en-GB", timezone_id="UTC")
    large_room_shown(page)
    header = "document.querySelector('header').getBoundingClientRect().height"
    live = page.evaluate(header)
    seek(page, log.begin_of(DAYS - 100))
    assert page.evaluate(header) == live
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    size = "parseFloat(getComputedStyle(document.querySelector('.content')).fontSize)"
    on_phone = page.evaluate(size)
    page.set_viewport_size({"width": 3_840, "height": 2_160})
    assert page.evaluate(size) >= 1.5 * on_phone
    column = "document.querySelector('#scroller .column').getBoundingClientRect().width + side.clientWidth"
    assert page.evaluate(column) > 0.7 * 3_840
    page.emulate_media(media="print")
    dates = page.locator(".message .exact").evaluate_all(
        "all => all.filter(each => each.getClientRects().length).map(each => each.textContent)"
    )

    assert len(dates) == page.locator(".message").count() == 100
    assert [each for each in dates if not re.fullmatch(r"\d+ \w+ 20\d\d, \d\d:\d\d:\d\d", each)] == []
    expect(page.locator("#timeline")).to_be_hidden()


def test_a_word_notifies(large_room: LargeRoom, open_page: OpenPage) -> None:
    """A reader of years of history, too, is notified of a word that an agent posts now."""
    page = open_page(large_room.url, script=RECORD)
    large_room_shown(page)
    choose_notifications(page, "lighthouse")
    look_elsewhere(page)
    page.evaluate("at => { location.hash = at; }", "#search?q=heron")
    expect(page.locator(".results mark").first).to_be_visible()
    agent = AgentClient.register(large_room.url, f"Keeper-{uuid4().hex[:8]}")
    agent.post("nothing")
    agent.post("The lighthouse is lit.")
    [notification] = notified(page, 1)

    assert (notification["title"], notification["body"]) == (agent.name, "The lighthouse is lit.")
    assert notification["silent"]
