"""Time travel: the room as it was, and on from there."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from chatr.adapters.http.render import iso
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentLeft, AgentVerified, Event, MessagePosted
from chatr.domain.limits import MINUTE, SECOND, Limit
from chatr.testing.clock import START
from tests.browser.conftest import Host, Watch
from tests.browser.hosted import Hosted, began, registered
from tests.browser.speaker import Speaker


def story() -> list[Event]:
    """Two hours: Ada and Bob in turn every two minutes, Cleo from the middle on; Bob is verified late and leaves."""
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
    start: list[Event] = [began(START), registered("Ada", START, "🦀"), registered("Bob", START)]
    return start + sorted(later, key=lambda event: event.at)


MOMENTS = (START + 29 * MINUTE, START + 61 * MINUTE + 1, START + 119 * MINUTE)


@pytest.fixture
def room(host: Host) -> Hosted:
    return host(story())


def seek(page: Page, at: int) -> None:
    """Bring the handle to a moment, as a hand would."""
    page.locator("#handle").evaluate(
        "(handle, at) => { handle.value = at; handle.dispatchEvent(new Event('input', { bubbles: true })); }", at
    )
    expect(page).to_have_url(re.compile(f"/#t-{iso(at)}$"))


def replay(room: Hosted, at: int) -> subprocess.Popen[bytes]:
    assert room.file is not None
    command = ["-m", "chatr", "replay", "--log", room.file.url, "--at", iso(at), "--messages", "100", "--json"]
    return subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE)


def shown(page: Page) -> dict[str, Any]:
    """What the page says, in the words of the command."""
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
def page(room: Hosted, watch: Watch) -> Page:
    page = watch(room.url)
    expect(page.locator(".content").last).to_have_text("message 58")
    expect(page.locator("#timeline")).to_be_visible()
    return page


def named(rows: list[dict[str, Any]], *fields: str) -> list[dict[str, Any]]:
    return [{field: row[field] for field in fields} for row in rows]


def test_the_past_is_what_replay_prints(room: Hosted, page: Page) -> None:
    """At every moment the messages, badges, who was online and the totals are those that `chatr replay --at` prints."""
    for at, printing in [(at, replay(room, at)) for at in MOMENTS]:
        seek(page, at)
        expected = json.loads(printing.communicate()[0])
        assert shown(page) == {
            "messages": named(expected["messages"], "id", "agentName", "content", "timestamp", "moltbookName"),
            "agents": named(expected["agents"], "name", "lastSeen", "moltbookName"),
            "stats": expected["stats"],
        }


def test_an_address_of_a_moment(room: Hosted, watch: Watch) -> None:
    """A link to a moment opens the room as it was then, and says so."""
    page = watch(f"{room.url}/#t-{iso(START + 61 * MINUTE)}")

    expect(page.locator(".content").last).to_have_text("message 30")
    expect(page.locator(".message .relative").last).to_have_text("1 min")
    expect(page.locator("#moment")).to_contain_text("2026")
    expect(page.get_by_role("slider", name="Moment")).to_have_attribute("aria-valuetext", re.compile("2026"))


def test_what_is_said_now_is_kept_out_of_the_past(room: Hosted, page: Page) -> None:
    """In the past nothing new appears, and nothing says that this is live; what is new is counted, and back in the
    present it is there.
    """
    seek(page, START + 10 * MINUTE)
    Speaker.known(room.url, "Ada").say("news")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator(".content").last).to_have_text("message 5")
    expect(page.locator("#state")).to_have_text("in the past")
    expect(page.get_by_role("heading", name="Here then 2")).to_be_visible()
    page.locator("#back").click()

    expect(page.locator("#state")).to_have_text("live")
    expect(page.get_by_role("heading", name="Here 1")).to_be_visible()
    expect(page.locator(".content").last).to_have_text("news")
    expect(page).to_have_title(re.compile("^chatr"))
    expect(page.locator("#back")).to_be_hidden()


def test_the_handle_is_moved_by_keys(page: Page) -> None:
    """The handle goes back and forth with the arrows, to the beginning and, at the end of its way, back to now."""
    handle = page.get_by_role("slider", name="Moment")
    expect(handle).to_have_attribute("aria-valuetext", "now, live")
    handle.press("Home")
    expect(page.locator(".content")).to_have_text(["message 0"])
    handle.press("PageUp")
    expect(page.locator(".content")).not_to_have_count(1)
    handle.press("End")

    expect(handle).to_have_attribute("aria-valuetext", "now, live")
    expect(page.locator(".content").last).to_have_text("message 58")


def test_the_past_is_played_on(page: Page) -> None:
    """Sixty times as fast as it was, message after message comes as it came; a second press stops it."""
    seek(page, START + 10 * MINUTE)
    page.locator("[name=speed][value='60']").check()
    page.locator("#play").click()
    expect(page.locator(".content").last).to_have_text("message 7", timeout=20_000)
    expect(page.locator("#play")).to_have_attribute("aria-pressed", "true")
    page.locator("#play").click()

    expect(page.locator("#play")).to_have_attribute("aria-pressed", "false")
    shown = page.locator(".content").all_text_contents()
    assert shown == [f"message {number}" for number in range(len(shown))]


def test_reading_back_from_a_moment(host: Host, watch: Watch) -> None:
    """In the past, too, scrolling up leads to the first message."""
    author = agent_id("Ada")
    said = (MessagePosted(author, f"message {number}", None, START + number * MINUTE) for number in range(400))
    room = host([began(START), registered("Ada", START), *said])
    page = watch(f"{room.url}/#t-{iso(START + 250 * MINUTE)}")
    expect(page.locator(".content").last).to_have_text("message 250")
    while (first := page.locator(".content").first.text_content()) != "message 0":
        page.locator("#log").evaluate("log => { log.scrollTop = 0; }")
        expect(page.locator(".content").first).not_to_have_text(str(first))

    expect(page.locator(".content")).to_have_text([f"message {number}" for number in range(251)])


def test_time_travel_waits_when_it_has_to(host: Host, watch: Watch) -> None:
    """Whoever drags faster than the room may be asked is told so, and comes where the handle was left."""
    room = host(story(), rate_requests=Limit(12, 3 * SECOND))
    page = watch(room.url)
    expect(page.locator("#timeline")).to_be_visible()
    room.tire()
    for minute in range(12):
        at = START + minute * 7 * MINUTE
        page.locator("#handle").evaluate(
            "(handle, at) => { handle.value = at; handle.dispatchEvent(new Event('input')); }", at
        )
    expect(page.locator("#notice")).to_contain_text("asked too often")

    expect(page).to_have_url(re.compile(f"/#t-{iso(START + 77 * MINUTE)}$"), timeout=20_000)
