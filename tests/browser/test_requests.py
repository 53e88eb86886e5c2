"""What the page requests by itself: at most two requests in any minute after it has loaded, whatever happens."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OWN_STREAM, OpenPage
from tests.browser.hosted_room import HostedRoom

MINUTES = 2
MOST_IN_A_MINUTE = 2
ONLINE = 5_000
FAKE_STREAM = """
window.opened = 0;
window.EventSource = class {
  static CONNECTING = 0; static OPEN = 1; static CLOSED = 2;
  constructor() { window.stream = this; this.connect(10); }
  connect(delay) { this.readyState = 0; setTimeout(() => this.readyState || this.open(), delay); }
  open() { window.opened += 1; this.readyState = 1; this.onopen(); this.send("history", []); }
  send(type, data) {
    if (this.readyState === 1) this.onmessage({ data: JSON.stringify({ type, data }), lastEventId: "" });
  }
  lose() { if (this.readyState === 1) { this.connect(3_000); this.onerror(); } }
  close() { this.readyState = 2; }
};
window.presence = (agentId, online) => stream.send("presence", { agentId, agentName: agentId, online });
window.total = (onlineAgents) => stream.send("stats", { totalAgents: 9_000, totalMessages: 0, onlineAgents });
window.message = (id) => stream.send("message", { id: String(id), agentId: `Poster${id}`, agentName: `Poster${id}`,
  avatar: null, content: "Hi", timestamp: new Date().toISOString(), createdAt: new Date().toISOString(),
  moltbookVerified: false, moltbookName: null, ownerTwitter: null, verified: false, verifiedBy: null });
"""
"""An EventSource without a network. Like a browser's it connects again three seconds after its connection was lost."""
EVENTS: dict[str, str] = {
    "one agent alternates": "presence('Crab', number % 2 === 0)",
    "new agents come and go": "presence(`New${number}`, true); presence(`New${number - 3}`, false)",
    "everybody posts": "message(number + 1)",
    "totals change": "total(5_000 + number)",
    "the connection is lost": "number % 5 || stream.lose()",
    "nothing": "",
}


def page_of_agents(route: Route) -> None:
    """Answer GET /api/agents as a room does in which thousands are online."""
    after = re.search(r"after=bot(\d+)", route.request.url)
    first = int(after[1]) + 1 if after else 0
    agent = {"avatar": None, "since": "2026-01-01T00:00:00.000Z", "lastSeen": "2026-01-01T00:00:00.000Z"}
    badge = {"moltbookVerified": False, "moltbookName": None, "ownerTwitter": None, "online": True}
    agents = [{"id": f"id{n}", "name": f"bot{n:04}", **agent, **badge} for n in range(first, first + 200)]
    stats = {"totalAgents": 9_000, "onlineAgents": ONLINE, "totalMessages": 0}
    route.fulfill(body=json.dumps({"success": True, "agents": agents, "stats": stats}), content_type="application/json")


@pytest.fixture
def requests_in_a_minute(room: HostedRoom, open_page: OpenPage) -> Callable[[str], list[int]]:
    """Returns how many requests the page sends in each minute in which a script runs every second."""

    def count(script: str) -> list[int]:
        page = open_page(room.url, script=OWN_STREAM + FAKE_STREAM)
        page.route("**/api/agents*", page_of_agents)
        # Playwright's clock replaces the page's, so that minutes pass at once.
        page.clock.install()
        page.reload()
        page.clock.run_for(1_000)
        expect(page.locator("#agents-more")).to_have_text("and 4,800 more")
        return [requests_sent(page, script, 60 * minute) for minute in range(MINUTES)]

    return count


def requests_sent(page: Page, script: str, first_second: int) -> int:
    """How many requests, and connections of the stream, are made in one minute."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    opened = page.evaluate("opened")
    for number in range(first_second, first_second + 60):
        page.evaluate(f"const number = {number}; {script}")
        page.clock.run_for(1_000)
    return len(sent) + int(page.evaluate("opened")) - int(opened)


@pytest.mark.long
@pytest.mark.parametrize("script", EVENTS.values(), ids=EVENTS)
def test_a_page_requests_little(requests_in_a_minute: Callable[[str], list[int]], script: str) -> None:
    """Whatever the stream reports, and however often it breaks, no minute has more than two requests."""
    sent = requests_in_a_minute(script)

    assert max(sent) <= MOST_IN_A_MINUTE, sent
