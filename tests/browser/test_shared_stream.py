"""All tabs of a room in one browser share one stream, so that six connections are enough for any number of them."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, Route, expect

from chatr.domain.commands import agent_id
from chatr.testing.clock import START
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, host_room, unlimited, write_log
from tests.browser.private_room import private
from tests.browser.test_connection import SET_HIDDEN, contents, expect_live, numbered
from tests.browser.test_removed import at_node
from tests.moderation import remove

SEVEN = 7
"""One more than the connections of a browser."""


def open_tabs(page: Page, count: int) -> list[Page]:
    """Return the page and further tabs of the same browser."""
    tabs = [page, *(page.context.new_page() for _ in range(count - 1))]
    for tab in tabs[1:]:
        tab.goto(page.url)
    for tab in tabs:
        expect_live(tab)
    return tabs


def expect_contents(tabs: list[Page], expected: list[str]) -> None:
    """Wait until each tab shows these messages, and no other."""
    for tab in tabs:
        expect(tab.locator(".message .content")).to_have_text(expected)


def workers(page: Page) -> list[str]:
    """The addresses and names of the workers of a page's browser."""
    targets = page.context.new_cdp_session(page).send("Target.getTargets", {"filter": [{"type": "shared_worker"}]})
    return [
        f"{each['url']} {each['title']}" for each in targets["targetInfos"] if page.url.split("/")[2] in each["url"]
    ]


@pytest.mark.long
def test_seven_tabs_use_one_stream(open_room: OpenRoom, open_page: OpenPage) -> None:
    """With one stream allowed for their address all are live, show a message once, and load what they need."""
    room = open_room(max_streams_per_ip=1)
    tabs = open_tabs(open_page(room.url), SEVEN)
    room.register().post("message 0")

    expect_contents(tabs, numbered(1))
    for tab in tabs:
        expect(tab.locator(".agent .name")).to_have_text(["Ada"])


def crash(tab: Page) -> None:
    """Crash the process of a tab, which also runs the worker if the tab was the first one."""
    with suppress(Error):
        tab.goto("chrome://crash")


@pytest.mark.long
def test_the_first_tab_may_end(page: Page, room: HostedRoom) -> None:
    """When it crashes or is closed, the others show the messages that were posted then and later, each of them once."""
    tabs, ada = open_tabs(page, 3), room.register()
    ada.post("message 0")
    expect_contents(tabs, numbered(1))
    crash(tabs[0])
    ada.post("message 1")
    expect_contents(tabs[1:], numbered(2))
    tabs[1].close()
    ada.post("message 2")

    expect_contents(tabs[2:], numbered(3))


@pytest.mark.long
def test_tabs_come_and_go(page: Page, room: HostedRoom) -> None:
    """A tab that is opened late, reloaded, or navigated away and back, has all messages once and the present agents."""
    ada, bob = room.register("Ada"), room.register("Bob")
    ada.post("message 0")
    room.post_many(numbered(300)[1:])
    expect(page.locator(".message .content").last).to_have_text("message 299")
    late = page.context.new_page()
    late.goto(page.url)
    bob.disconnect()
    late.reload()
    late.goto("about:blank")
    ada.post("last of all")
    late.go_back()

    expect(late.locator(".message .content").last).to_have_text("last of all")
    shown = contents(late)
    assert shown == [*numbered(300), "last of all"][-len(shown) :]
    expect(late.locator(".agent .name")).to_have_text(["Ada"])
    expect(page.locator(".agent .name")).to_have_text(["Ada"])


@pytest.mark.long
def test_a_tab_that_was_paused_catches_up(room: HostedRoom, open_page: OpenPage) -> None:
    """What it missed appears once and in order, while another tab holds the stream open."""
    page = open_page(room.url, script=SET_HIDDEN)
    other, ada = open_tabs(page, 2)[1], room.register()
    page.clock.install()
    ada.post("message 0")
    page.evaluate("setHidden(true)")
    page.clock.run_for("05:01")
    expect(page.locator("#state")).to_have_text("paused")
    ada.post("message 1")
    expect_contents([other], numbered(2))
    page.evaluate("setHidden(false)")
    page.clock.run_for(1_000)

    expect_contents([page, other], numbered(2))
    expect_live(page)


@pytest.mark.long
def test_a_tab_that_is_loaded_again_connects_at_once(tmp_path: Path, open_page: OpenPage) -> None:
    """After two lost connections the next one would be opened a minute later, but not while a reader waits for it."""
    file = write_log(tmp_path / "chatr.db", [unlimited(START)])
    with host_room(file) as room:
        tabs = open_tabs(open_page(room.url), 2)
    port = int(room.url.rpartition(":")[2])
    with host_room(file, port=port):
        expect_live(tabs[0])
    with host_room(file, port=port):
        expect(tabs[0].locator("#state")).not_to_have_text("live")
        tabs[1].reload()

        for tab in tabs:
            expect_live(tab)


@pytest.mark.long
def test_what_was_removed_is_not_sent_to_a_later_tab(page: Page, room: HostedRoom) -> None:
    """A tab that is opened after a removal does not get the text from the tabs that had it."""
    ada = room.register()
    posted = [ada.post(each) for each in numbered(2)]
    expect_contents([page], numbered(2))
    at_node(room, remove(room.node, agent_id("Ada"), posted[0]["id"]))
    expect_contents([page], ["message 1"])

    expect_contents(open_tabs(page, 2), ["message 1"])


@pytest.mark.long
def test_tabs_with_other_keys_share_nothing(room: HostedRoom, open_page: OpenPage) -> None:
    """In a private room a tab without a key stays locked beside one that has a key, and one with a wrong key too."""
    ada = room.register()
    ada.post("behind the door")
    with private(room) as front:
        page = open_page(front.url)
        tabs = [page, page.context.new_page(), page.context.new_page()]
        for tab, key in zip(tabs, (ada.key, "", f"chatr_{'x' * 43}"), strict=True):
            tab.goto(front.url)
            expect(tab.get_by_role("dialog")).to_be_visible()
            if key:
                tab.get_by_label("Key", exact=True).fill(key)
                tab.get_by_role("button", name="Read the room").click()
        ada.post("also behind it")

        expect_contents(tabs[:1], ["behind the door", "also behind it"])
        expect(tabs[2].get_by_role("alert")).to_contain_text("This key does not open the room.")
        expect_contents(tabs[1:], [])


@pytest.mark.long
def test_other_rooms_and_versions_have_other_workers(open_room: OpenRoom, open_page: OpenPage) -> None:
    """Tabs share with those of the same path and the same version of the page only."""
    room = open_room(public_url="https://example.org/chat")
    page = open_page(f"{room.url}/")
    below, older = page.context.new_page(), page.context.new_page()
    below.goto(f"{room.url}/chat/")

    def as_older(route: Route) -> None:
        response = route.fetch()
        body = re.sub('data-version="[^"]+"', 'data-version="older"', response.text())
        route.fulfill(response=response, body=body)

    older.route(f"{room.url}/", as_older)
    older.goto(f"{room.url}/")
    for tab in (page, below, older):
        expect_live(tab)
    room.register().post("message 0")

    expect_contents([page, below, older], numbered(1))
    assert len(set(workers(page))) == 3


SILENT = ""
FORBIDDEN = "throw new DOMException('no', 'SecurityError')"
FAKE_WORKER = "window.SharedWorker = class {{ port = {{ postMessage() {{}}, close() {{}} }}; constructor() {{ {} }} }};"


@pytest.mark.long
def test_a_tab_that_cannot_share_has_a_stream_of_its_own(room: HostedRoom, open_page: OpenPage) -> None:
    """Where a worker does not answer, or must not be started, the tab is live all the same."""
    tabs = [open_page(room.url, script=FAKE_WORKER.format(start)) for start in (SILENT, FORBIDDEN)]
    tabs[0].clock.install()
    tabs[0].reload()
    tabs[0].clock.run_for(10_000)
    for tab in tabs:
        expect_live(tab)
    room.register().post("message 0")

    expect_contents(tabs, numbered(1))


BUSY_WORKER = """
window.started = 0;
window.SharedWorker = class {
  port = {
    close() {},
    postMessage() {},
    set onmessage(hear) {
      const messages = [{ joined: "" }, { lock: "busy" }, { open: true }];
      queueMicrotask(() => messages.forEach((data) => hear({ data })));
    },
  };
  constructor() {
    window.started += 1;
    navigator.locks.request("busy", () => new Promise(() => {}));
  }
};
"""
"""A worker that holds its lock and answers no more after a tab has joined."""


@pytest.mark.long
def test_a_busy_worker_is_not_joined_again(room: HostedRoom, open_page: OpenPage) -> None:
    """Each time a tab joins, it loads the list of agents again, which is the one request of that minute."""
    page = open_page(room.url, script=BUSY_WORKER)
    page.clock.install()
    page.reload()
    expect_live(page)
    page.clock.run_for("02:00")

    assert page.evaluate("started") == 1
