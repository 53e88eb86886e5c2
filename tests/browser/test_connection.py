"""Whatever interrupts the stream, the page shows every message once and in order."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import Event, MessagePosted
from chatr.testing.clock import START
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OWN_STREAM, OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited, write_log
from tests.conftest import Serve

SET_HIDDEN = """
let hidden = false;
Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
window.setHidden = (value) => { hidden = value; document.dispatchEvent(new Event("visibilitychange")); };
"""
DISCONNECTED = re.compile("reconnecting|offline")
"""After three failures in a row "reconnecting" becomes "offline"."""


def contents(page: Page) -> list[str]:
    """The messages in the list, in order."""
    return page.locator(".message .content").all_text_contents()


def numbered(count: int) -> list[str]:
    """So many different messages."""
    return [f"message {number}" for number in range(count)]


def expect_live(page: Page) -> None:
    """Wait until the page is connected."""
    expect(page.locator("#state")).to_have_text("live")


@pytest.mark.long
def test_the_page_reconnects_after_a_restart(serve: Serve, open_page: OpenPage, tmp_path: Path) -> None:
    """When the server is killed and started again, the page says so, reconnects, and has every message once."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", "--rate-unverified", "100000/1")
    server = serve(*flags)
    page, ada = open_page(server.url), AgentClient.register(server.url, "Ada")
    for content in numbered(4)[:2]:
        ada.post(content)
    expect(page.locator(".content")).to_have_count(2)
    server.kill()
    expect(page.locator("#state")).to_have_text(DISCONNECTED)
    serve(*flags, "--port", server.url.rpartition(":")[2])
    ada.post("message 2")
    expect_live(page)
    ada.post("message 3")

    expect(page.locator(".content").last).to_have_text("message 3")
    assert contents(page) == numbered(4)


@pytest.mark.long
def test_the_page_reconnects_when_the_network_is_back(room: HostedRoom, open_page: OpenPage) -> None:
    """When the browser is offline and online again, the messages posted meanwhile appear once and in order, and items
    that were in the list are not made anew.
    """
    page, ada = open_page(room.url, script=OWN_STREAM), room.register()
    ada.post("first of all")
    page.locator(".content").evaluate("content => { content.dataset.untouched = true; }")
    for number in range(3):
        disconnect(page)
        expect(page.locator("#state")).not_to_have_text("live")
        ada.post(f"message {2 * number}")
        reconnect(page)
        expect_live(page)
        ada.post(f"message {2 * number + 1}")
        expect(page.locator(".content").last).to_have_text(f"message {2 * number + 1}")

    assert contents(page) == ["first of all", *numbered(6)]
    expect(page.locator("[data-untouched]")).to_have_text("first of all")


def disconnect(page: Page) -> None:
    """Tell the page that it is offline, and fail its requests. Chromium alone may let the first request pass."""
    page.context.route("**/*", lambda route: route.abort())
    page.context.set_offline(offline=True)


def reconnect(page: Page) -> None:
    """Let requests pass again, and tell the page that it is online."""
    page.context.unroute("**/*")
    page.context.set_offline(offline=False)


@pytest.mark.long
def test_another_log_replaces_the_list(serve: Serve, open_page: OpenPage, tmp_path: Path) -> None:
    """When the server comes back with another log, the page shows that log's messages, and that some may be missing."""
    old: list[Event] = [
        unlimited(START),
        registered("Ada", START),
        MessagePosted(agent_id("Ada"), "before", None, START),
    ]
    new: list[Event] = [
        unlimited(START),
        registered("Bob", START),
        registered("Ada", START),
        MessagePosted(agent_id("Bob"), "first", None, START),
    ]
    write_log(tmp_path / "old.db", old)
    write_log(tmp_path / "new.db", new)
    server = serve("--log", f"sqlite:///{tmp_path}/old.db")
    page = open_page(server.url)
    expect(page.locator(".content")).to_have_text(["before"])
    server.kill()
    serve("--log", f"sqlite:///{tmp_path}/new.db", "--port", server.url.rpartition(":")[2])

    expect(page.locator(".gap")).to_contain_text("Messages may be missing here")
    expect(page.locator(".content")).to_have_text(["first"])


@pytest.mark.long
def test_two_tabs_show_the_same(room: HostedRoom, open_page: OpenPage) -> None:
    """Two tabs of a room show all messages, each once."""
    pages, ada = [open_page(room.url), open_page(room.url)], room.register()
    for page in pages:
        expect_live(page)
    for content in numbered(5):
        ada.post(content)
    for page in pages:
        expect(page.locator(".content")).to_have_text(numbered(5))


@pytest.mark.long
def test_a_hidden_tab_pauses(room: HostedRoom, open_page: OpenPage) -> None:
    """A hidden tab counts new messages in its title. After five minutes it closes the stream and requests nothing; when
    it is shown it catches up, with a line above the first unread message.
    """
    page = open_page(room.url, script=SET_HIDDEN)
    # Playwright's clock replaces the page's, so that hours pass at once.
    page.clock.install()
    page.reload()
    expect_live(page)
    ada = room.register()
    page.evaluate("setHidden(true)")
    ada.post("message 0")
    expect(page).to_have_title("(1) chatr: agents speak, humans watch")
    page.clock.run_for("05:01")
    expect(page.locator("#state")).to_have_text("paused")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    ada.post("message 1")
    page.clock.run_for("24:00:00")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert (page.title()[:4], requested) == ("(1) ", [])
    page.evaluate("setHidden(false)")
    page.clock.run_for(1_000)

    expect(page.locator(".content")).to_have_text(numbered(2))
    expect(page.locator(".unread .content")).to_have_text("message 0")
    expect(page).to_have_title("chatr: agents speak, humans watch")


@pytest.mark.long
def test_a_rejected_stream_is_requested_again(open_room: OpenRoom, open_page: OpenPage) -> None:
    """When an address has too many streams (429), the page says that it is not live, and tries until it is."""
    room = open_room(max_streams_per_ip=1)
    first = open_page(room.url)
    expect_live(first)
    second = open_page(room.url)
    expect(second.locator("#state")).to_have_text(DISCONNECTED)
    first.close()

    expect_live(second)
