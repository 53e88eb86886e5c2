"""The past: the room at a moment, and playing from there."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatr.domain.commands import agent_id
from chatr.domain.events import AgentLeft, AgentVerified, Event, MessagePosted
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit
from chatr.domain.timestamps import iso_timestamp
from chatr.testing.clock import START, SettableClock
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OpenPage, OpenRoom
from tests.browser.hosted_room import HostedRoom, registered, unlimited


def two_hours() -> list[Event]:
    """Two agents post every two minutes, and later a third one. One is verified early, one late and leaves."""
    ada, bob, cleo = map(agent_id, ("Ada", "Bob", "Cleo"))
    later: list[Event] = [
        registered("Cleo", START + 60 * MINUTE),
        AgentVerified(ada, "ada_l", "ada_on_x", "1", START + 30 * MINUTE),
        AgentVerified(bob, "bob_b", None, "2", START + 90 * MINUTE),
        AgentLeft(bob, START + 119 * MINUTE),
    ]
    for number in range(59):
        author = (ada, bob)[number % 2] if number < 35 else (ada, bob, cleo)[number % 3]
        later.append(MessagePosted(author, f"message {number}", None, START + number * 2 * MINUTE))
    start: list[Event] = [unlimited(START), registered("Ada", START, "🦀"), registered("Bob", START)]
    return start + sorted(later, key=lambda event: event.at)


MOMENTS = (START + 29 * MINUTE, START + 61 * MINUTE + 1, START + 119 * MINUTE)


@pytest.fixture
def room(open_room: OpenRoom) -> HostedRoom:
    """The room of `two_hours`."""
    return open_room(two_hours())


def seek(page: Page, at: int) -> None:
    """Move the slider to a moment, and wait until the room is shown as it was then."""
    page.locator("#handle").evaluate(
        "(handle, at) => { handle.value = at; handle.dispatchEvent(new Event('input', { bubbles: true })); }", at
    )
    expect(page).to_have_url(re.compile(f"/#t-{iso_timestamp(at)}$"))


def replay(room: HostedRoom, at: int) -> subprocess.Popen[bytes]:
    """Start `chatr replay` at a moment."""
    assert room.file is not None
    arguments = ["--log", room.file.url, "--at", iso_timestamp(at), "--messages", "100", "--json"]
    return subprocess.Popen([sys.executable, "-m", "chatr", "replay", *arguments], stdout=subprocess.PIPE)


def shown(page: Page) -> dict[str, Any]:
    """Messages, agents and totals on the page, with the field names of `chatr replay --json`."""
    found: dict[str, Any] = page.evaluate("""() => {
      const text = (root, selector) => root.querySelector(selector)?.textContent ?? null;
      const badge = (root) => text(root, ".badge bdi");
      const count = (name) => Number(document.querySelector(`[data-count="${name}"]`).textContent.replaceAll(",", ""));
      return {
        messages: [...document.querySelectorAll(".message")].map((item) => ({
          id: item.id.slice(2), agentName: text(item, ".name"), content: text(item, ".content"),
          timestamp: item.querySelector("time").dateTime, moltbookName: badge(item) })),
        agents: [...document.querySelectorAll(".agent")].map((item) => ({
          name: text(item, ".name"), lastSeen: item.querySelector("time").dateTime, moltbookName: badge(item) })),
        stats: { totalAgents: count("totalAgents"), onlineAgents: count("onlineAgents"),
          totalMessages: count("totalMessages") } };
    }""")
    found["agents"].sort(key=lambda agent: agent["name"].lower())
    return found


@pytest.fixture
def page(room: HostedRoom, open_page: OpenPage) -> Page:
    """The page of that room, with its timeline."""
    page = open_page(room.url)
    expect(page.locator(".content").last).to_have_text("message 58")
    expect(page.locator("#timeline")).to_be_visible()
    return page


def fields_of(rows: list[dict[str, Any]], *fields: str) -> list[dict[str, Any]]:
    """The rows with these fields only."""
    return [{field: row[field] for field in fields} for row in rows]


@pytest.mark.long
def test_the_page_shows_what_replay_prints(room: HostedRoom, page: Page) -> None:
    """Messages, badges, agents online and totals at a moment are those that `chatr replay --at` prints."""
    # All commands are started before the first response is compared, because a process takes longer than the page.
    for at, process in [(at, replay(room, at)) for at in MOMENTS]:
        seek(page, at)
        expected = json.loads(process.communicate()[0])
        assert shown(page) == {
            "messages": fields_of(expected["messages"], "id", "agentName", "content", "timestamp", "moltbookName"),
            "agents": fields_of(expected["agents"], "name", "lastSeen", "moltbookName"),
            "stats": expected["stats"],
        }


def test_a_link_to_a_moment(room: HostedRoom, open_page: OpenPage) -> None:
    """A link to a moment opens the room as it was then, and shows the time."""
    page = open_page(f"{room.url}/#t-{iso_timestamp(START + 61 * MINUTE)}")

    expect(page.locator(".content").last).to_have_text("message 30")
    expect(page.locator(".message .relative").last).to_have_text("1 min")
    expect(page.locator("#moment")).to_contain_text("2026")
    expect(page.get_by_role("slider", name="Moment")).to_have_attribute("aria-valuetext", re.compile("2026"))


@pytest.mark.long
def test_new_messages_do_not_appear_in_the_past(room: HostedRoom, page: Page) -> None:
    """While the past is shown, new messages are only counted, and the state is not "live". Back in the present the new
    messages are shown.
    """
    seek(page, START + 10 * MINUTE)
    AgentClient.already_registered(room.url, "Ada").post("news")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator(".content").last).to_have_text("message 5")
    expect(page.locator("#state")).to_have_text("in the past")
    expect(page.get_by_role("heading", name="Online then 2")).to_be_visible()
    page.locator("#back-to-live").click()

    expect(page.locator("#state")).to_have_text("live")
    expect(page.get_by_role("heading", name="Online 1")).to_be_visible()
    expect(page.locator(".content").last).to_have_text("news")
    expect(page).to_have_title(re.compile("^chatr"))
    expect(page.locator("#back-to-live")).to_be_hidden()


@pytest.mark.long
def test_returning_to_live(room: HostedRoom, open_page: OpenPage) -> None:
    """The button keeps the language of the address and leads the focus to the messages, the browser's back leads to
    live, too, and a moment that is still to come is explained.
    """
    page = open_page(f"{room.url}/?language=zh-Hans#t-{iso_timestamp(START + 61 * MINUTE)}")
    expect(page.locator("#back-to-live")).to_be_visible()
    page.locator("#back-to-live").press("Enter")
    expect(page).to_have_url(f"{room.url}/?language=zh-Hans")
    expect(page.locator("#scroller")).to_be_focused()
    page.evaluate("at => { location.hash = at; }", f"#t-{iso_timestamp(START + 61 * MINUTE)}")
    expect(page.locator("#back-to-live")).to_be_visible()
    page.go_back()
    expect(page.locator("#back-to-live")).to_be_hidden()
    page.evaluate("location.hash = '#t-2999-01-01T00:00:00Z'")

    expect(page.locator("#notice")).to_contain_text("尚未到来")
    expect(page).to_have_url(f"{room.url}/?language=zh-Hans")
    expect(page.locator("#moment")).to_have_text("前往某一时刻")


@pytest.mark.long
def test_a_link_to_no_moment(room: HostedRoom, open_page: OpenPage) -> None:
    """Where a link should have a moment and has none, the page says how such a link ends, and stays live."""
    page = open_page(f"{room.url}/#t-yesterday")

    expect(page.locator("#notice")).to_contain_text(
        "This link names no moment. One that does ends with a time, such as #t-20"
    )
    expect(page.locator("#state")).to_have_text("live")


@pytest.mark.long
def test_the_first_message_of_a_room_shows_the_timeline(open_room: OpenRoom, open_page: OpenPage) -> None:
    """An empty room has no timeline; its first message shows it, without a request."""
    empty = open_room()
    page = open_page(empty.url)
    with page.expect_response("**/api/activity?*"):
        page.reload()
    expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("#timeline")).to_be_hidden()
    empty.register("Ada").post("first")

    expect(page.locator("#timeline")).to_be_visible()


@pytest.mark.long
def test_a_moment_that_cannot_be_loaded(room: HostedRoom, open_page: OpenPage) -> None:
    """The page says why, and the slider is where it was: at the present or at the moment that is still shown."""
    page = open_page(room.url)
    expect(page.locator("#timeline")).to_be_visible()
    rejected = {"success": False, "error": "Not today.", "code": "forbidden"}
    page.route("**/api/at?*", lambda route: route.fulfill(status=403, json=rejected))
    page.locator("#handle").press("Home")
    expect(page.locator("#notice")).to_have_text("That moment could not be loaded: Not today.")
    expect(page.locator("#handle")).to_have_attribute("aria-valuetext", "now, live")
    expect(page.locator("#moment")).to_have_text("Go to a moment")
    page.unroute("**/api/at?*")
    seek(page, START + 61 * MINUTE)
    shown = str(page.locator("#moment").text_content())
    page.route("**/api/at?*", lambda route: route.fulfill(status=403, json=rejected))
    with page.expect_response("**/api/at?*"):
        page.locator("#handle").press("Home")

    expect(page.locator("#moment")).to_have_text(shown)
    expect(page.locator("#handle")).to_have_attribute("aria-valuetext", shown)


@pytest.mark.long
def test_an_empty_room_has_no_moments(open_room: OpenRoom, open_page: OpenPage) -> None:
    """A link to a moment of a room without messages says so, and the page stays live."""
    page = open_page(f"{open_room().url}/#t-2026-01-31T12:00:00Z")

    expect(page.locator("#notice")).to_have_text("That moment could not be loaded: No messages yet.")
    expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("#moment")).to_have_text("Go to a moment")


@pytest.mark.long
def test_scrolling_back_from_a_moment(open_room: OpenRoom, open_page: OpenPage) -> None:
    """While the past is shown, too, scrolling up leads to the first message."""
    author = agent_id("Ada")
    posted = (MessagePosted(author, f"message {number}", None, START + number * MINUTE) for number in range(400))
    room = open_room([unlimited(START), registered("Ada", START), *posted])
    page = open_page(f"{room.url}/#t-{iso_timestamp(START + 250 * MINUTE)}")
    expect(page.locator(".content").last).to_have_text("message 250")
    while (first := page.locator(".content").first.text_content()) != "message 0":
        page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = 0; }")
        expect(page.locator(".content").first).not_to_have_text(str(first))

    expect(page.locator(".content")).to_have_text([f"message {number}" for number in range(251)])


@pytest.mark.long
def test_rejected_requests_for_moments_are_repeated(open_room: OpenRoom, open_page: OpenPage) -> None:
    """When requests are rejected (429) while the slider is dragged, the page says so, then shows the last moment."""
    # The clock stands still: the quota stays used up, however slow the machine is, until the test advances the clock.
    clock = SettableClock(START + 3 * HOUR)
    room = open_room(two_hours(), clock=clock, rate_requests=Limit(12, SECOND))
    page = open_page(room.url)
    expect(page.locator("#timeline")).to_be_visible()
    room.use_up_requests()
    for minute in range(12):
        at = START + minute * 7 * MINUTE
        page.locator("#handle").evaluate(
            "(handle, at) => { handle.value = at; handle.dispatchEvent(new Event('input')); }", at
        )
    expect(page.locator("#notice")).to_contain_text("Too many requests")
    clock.advance(SECOND)

    expect(page).to_have_url(re.compile(f"/#t-{iso_timestamp(START + 77 * MINUTE)}$"))


DRAG = """
async ([from, to]) => {
  const drawn = [];
  const observer = new MutationObserver(() => drawn.push(document.querySelectorAll(".message").length));
  observer.observe(messages, { childList: true });
  for (let frame = 0; frame <= 90; frame += 1) {
    handle.value = from + (to - from) * frame / 90;
    handle.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame);
  }
  observer.disconnect();
  return drawn;
}
"""
"""Drags the slider for 90 frames, and returns how many messages were in the list whenever it was filled meanwhile."""


@pytest.mark.long
def test_a_drag_draws_what_fits_into_a_frame(page: Page) -> None:
    """While the slider is dragged, moments are shown with few messages, so that the page keeps up. At rest the list has
    all of them.
    """
    _, *drawn = page.evaluate(DRAG, [START + 90 * MINUTE, START + 119 * MINUTE])

    assert 0 < max(drawn, default=0) <= 25
    expect(page.locator(".message")).to_have_count(59)
    expect(page.get_by_role("heading", name="Online then 2")).to_be_visible()
