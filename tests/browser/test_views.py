"""What searches, agents' views and threads share: title, keyboard, address, and messages that the stream left out."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.testing.clock import START
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OWN_STREAM, OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited
from tests.browser.test_requests import FAKE_STREAM

POST_DURING_RESPONSE: Final = """
key => {
  const send = window.fetch;
  window.fetch = async (...request) => {
    const response = await send(...request);
    if (!String(request[0]).includes("after=")) return response;
    window.fetch = send;
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const posted = await send("/api/messages", { method: "POST", headers, body: '{"content": "meanwhile"}' });
    stream.send("message", (await posted.json()).message);
    return response;
  };
}
"""
"""Posts a message, which arrives by the stream, before the page gets the response to its next request of newer ones."""

VIEW_OF: Final = {"sea": ".search", "age": ".agent-view", "thr": ".thread-view"}
"""Selectors of the views, by how their addresses begin."""


@pytest.fixture
def tides(open_room: OpenRoom) -> HostedRoom:
    """A room in which Ada has posted two messages."""
    posted = [MessagePosted(agent_id("Ada"), f"tide {number}", None, START + number) for number in (1, 2)]
    return open_room([unlimited(START), registered("Ada", START), *posted])


def view_of(page: Page, address: str) -> None:
    """Open the view of an address, and wait until it has its messages."""
    page.evaluate("address => { location.hash = address; }", address)
    expect(page.locator(VIEW_OF[address[1:4]])).to_be_visible()
    expect(page.locator(".content:visible").last).to_have_text(re.compile("^tide"))


@pytest.mark.long
def test_the_title_names_the_view(tides: HostedRoom, open_page: OpenPage) -> None:
    """The title of the page begins with that of the view, and is the room's again without one."""
    page = open_page(tides.url)
    room = page.title()
    titles = []
    for address in ("#search?q=tide&from=Ada", "#agent-Ada", "#thread-3"):
        view_of(page, address)
        titles.append(page.title())
    page.keyboard.press("Escape")
    expect(page).to_have_title(room)

    assert titles == [
        f"{view} \u2013 {room}" for view in ("tide from:Ada \u2013 Search", "Ada", "Thread of message #3")
    ]


@pytest.mark.long
def test_escape_and_the_skip_link(tides: HostedRoom, open_page: OpenPage) -> None:
    """The skip link leads to the results that cover the list, else to the list, and the address stays. Escape closes a
    view also after a click beside all controls, but not while a dialog is open.
    """
    page = open_page(tides.url)
    skip = page.get_by_role("link", name="Skip to the messages")
    for address, target in (("#search?q=tide", ".search h2"), ("#agent-Ada", "#scroller")):
        view_of(page, address)
        skip.focus()
        page.keyboard.press("Enter")
        expect(page.locator(target)).to_be_focused()
        assert page.url.endswith(address)
    page.locator(".message .name").first.click()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(page.locator(".view")).to_have_count(1)
    page.locator(".tagline").click()
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Escape")

    expect(page.locator(".view")).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize(
    ("others", "address"),
    [(["#search-tide", "#search", "#thread?3", "#a?Ada"], "#agent-Ada"), (["#agent?Ada", "#agent-"], "#search?q=tide")],
)
def test_only_addresses_of_views_open_them(
    others: list[str], address: str, tides: HostedRoom, open_page: OpenPage
) -> None:
    """An address opens a view only in its own form: a search has a question mark, an agent and a thread a hyphen."""
    page = open_page(tides.url)
    expect(page.locator(".content")).to_have_count(2)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url.rpartition("/")[2]))
    for other in others:
        page.evaluate("address => { location.hash = address; }", other)
    view_of(page, address)

    views = {each for each in requested if re.fullmatch("(agent|search|thread)_view.js", each)}
    assert views == {f"{address[1:].partition('-')[0].partition('?')[0]}_view.js"}
    expect(page.locator("#card")).to_be_hidden()


@pytest.mark.long
def test_a_view_has_what_the_stream_left_out(tides: HostedRoom, open_page: OpenPage) -> None:
    """When the stream has left out messages, those of the view are loaded, with one that is posted meanwhile."""
    page = open_page(tides.url, script=OWN_STREAM + FAKE_STREAM)
    view_of(page, "#agent-Ada")
    ada = AgentClient.already_registered(tides.url, "Ada")
    ada.post("missed")
    page.evaluate(POST_DURING_RESPONSE, ada.key)
    page.evaluate("stream.send('reset', { reason: 'too_many_missed' })")

    expect(page.locator("#messages .content")).to_have_text(["tide 1", "tide 2", "missed", "meanwhile"])
