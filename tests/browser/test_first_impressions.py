"""What the page shows before there is anything to see, and when it cannot be reached."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from chatr.adapters.http.page.catalogue import text, texts
from chatr.domain.commands import agent_id
from chatr.domain.events import MessagePosted
from chatr.testing.clock import START
from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OWN_STREAM, OpenPage, OpenRoom
from tests.browser.figures import STANDARDS
from tests.browser.hosted_room import HostedRoom, host_room, registered, unlimited, write_log
from tests.conftest import Serve

HTML: Final = "<!doctype html><h1>502 Bad Gateway</h1><hr>nginx"
ABORTED: Final = (
    "connectionrefused",
    "namenotresolved",
    "connectionreset",
    "timedout",
    "failed",
    "aborted",
    "addressunreachable",
)
RESPONSES: Final[dict[str, dict[str, Any]]] = {
    "a proxy without a server": {"status": 502, "body": HTML, "content_type": "text/html"},
    "a proxy that waits": {"status": 504, "body": HTML, "content_type": "text/html"},
    "maintenance": {"status": 503, "body": "", "content_type": "text/plain"},
    "a firewall": {"status": 403, "body": "<html>Blocked</html>", "content_type": "text/html"},
    "another server": {"status": 404, "body": "Not Found", "content_type": "text/plain"},
    "a page to log in": {"status": 200, "body": "<html>Wi-Fi</html>", "content_type": "text/html"},
    "a response that is cut off": {
        "status": 200,
        "body": '{"success": true, "mess',
        "content_type": "application/json",
    },
    "JSON of another server": {"status": 200, "body": "[]", "content_type": "application/json"},
    "the room's error": {
        "status": 500,
        "body": json.dumps({"code": "internal", "error": "The room failed. Try again."}),
        "content_type": "application/json",
    },
}
"""By what happened: a response in place of the room's."""
TECHNICAL: Final = re.compile(
    r"fetch|NetworkError|Load failed|HTTP|JSON|undefined|null|token|<|Error\b|localhost", re.IGNORECASE
)


def failing(name: str) -> Callable[[Route], None]:
    """Return a handler that fails a request as `name` says."""
    if name in RESPONSES:
        return lambda route: route.fulfill(**RESPONSES[name])
    return lambda route: route.abort(name)


def loading_error(page: Page, message: int) -> str:
    """Follow a link to a message that is not on the page, and return the notice."""
    page.evaluate(f"document.getElementById('notice').textContent = ''; location.hash = '#m-{message}'")
    expect(page.locator("#notice")).not_to_be_empty()
    return page.locator("#notice").inner_text()


@pytest.mark.long
@pytest.mark.parametrize(("locale", "sentence"), [("en", r": [A-Z].*\.$"), ("zh-CN", r"\uff1a\S.*\u3002$")])
def test_errors_are_sentences(locale: str, sentence: str, room: HostedRoom, open_page: OpenPage) -> None:
    """However a request fails, the notice is whole sentences, without words of browsers and proxies."""
    page, found = open_page(room.url, locale=locale), {}
    expect(page.locator("#messages")).not_to_have_attribute("aria-busy", "true")
    for number, name in enumerate((*ABORTED, *RESPONSES)):
        page.unroute("**/api/messages*")
        page.route("**/api/messages*", failing(name))
        found[name] = loading_error(page, 1000 + number)
    page.unroute("**/api/messages*")
    page.context.set_offline(offline=True)
    found["offline"] = loading_error(page, 2000)
    if locale == "zh-CN":
        del found["the room's error"]  # errors of the API are English

    assert {name: each for name, each in found.items() if TECHNICAL.search(each) or not re.search(sentence, each)} == {}
    assert len({re.sub(r"\d+", "", each) for each in found.values()}) >= 5


@pytest.mark.long
def test_an_answer_that_does_not_come(room: HostedRoom, open_page: OpenPage) -> None:
    """After twenty seconds without an answer the page says so."""
    page = open_page(room.url)
    page.clock.install()
    page.reload()
    page.clock.run_for(1_000)
    expect(page.locator("#state")).to_have_text("live")
    page.route("**/api/messages*", lambda _: None)
    page.evaluate("location.hash = '#m-7'")
    page.clock.run_for(21_000)

    expect(page.locator("#notice")).to_have_text(
        "Message 7 could not be loaded: The server did not answer in time. Please try again in a minute."
    )


@pytest.mark.long
def test_a_stopped_server(serve: Serve, open_page: OpenPage, tmp_path: Path) -> None:
    """When the server is stopped, the page says since when and marks what it shows as old. It recovers by itself."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db")
    server = serve(*flags)
    page, ada = open_page(server.url, locale="de-DE"), AgentClient.register(server.url, "Ada")
    ada.post("before")
    expect(page.locator(".content")).to_have_text("before")
    colour = page.locator(".content").evaluate("content => getComputedStyle(content).color")
    server.kill()
    expect(page.locator("#unreachable")).to_have_text(
        re.compile(r"^Not connected since \d\d:\d\d: what you see may be old\. The page connects again by itself\.$")
    )
    assert page.locator(".content").evaluate("content => getComputedStyle(content).color") != colour
    serve(*flags, "--port", server.url.rpartition(":")[2])

    expect(page.locator("#unreachable")).to_be_empty()
    expect(page.locator("html")).not_to_have_class("old")


@pytest.mark.long
def test_the_list_is_busy_until_messages_have_come(room: HostedRoom, open_page: OpenPage) -> None:
    """Until the first messages have come the list is busy and grey lines stand in their places."""
    page = open_page(room.url, script=OWN_STREAM + "window.EventSource = class { close() {} };")

    expect(page.locator("#messages")).to_have_attribute("aria-busy", "true")
    assert page.locator("#messages").evaluate("list => list.clientHeight") > 200


@pytest.mark.long
@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_the_header_has_one_line_in_every_state(locale: str, open_room: OpenRoom, open_page: OpenPage) -> None:
    """On the smallest phone the header is as high in the past, offline and in a demo as when it is live."""
    page = open_page(open_room(demo=True).url, locale=locale, viewport={"width": 320, "height": 568})
    language = "zh-Hans" if locale == "zh-CN" else "en"
    expect(page.locator("#state")).to_have_text(text(language, "state.live"))
    page.evaluate("document.querySelector('#open-side b').textContent = '12,345'")
    height = page.evaluate("document.querySelector('header').clientHeight")
    states = [text(language, key) for key in texts(language) if key.startswith("state.") and key != "state.unreachable"]

    for state in states:
        page.evaluate("words => { document.getElementById('state').textContent = words; }", state)
        assert page.evaluate("document.querySelector('header').clientHeight") == height
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_an_empty_room_shows_how_to_join(room: HostedRoom, open_page: OpenPage) -> None:
    """Until somebody posts, the middle of the page says how to join, on a phone too; then the side panel does."""
    page = open_page(room.url, viewport={"width": 360, "height": 740})
    expect(page.locator("#scroller #skills")).to_be_in_viewport()
    room.register().post("I am the first.")
    expect(page.locator("#scroller #join")).to_have_count(0)
    page.locator("#open-side").click()

    expect(page.locator("#side #skills")).to_be_in_viewport()


@pytest.mark.long
def test_the_place_of_how_to_join(open_room: OpenRoom, open_page: OpenPage) -> None:
    """How to join comes first where nobody is online, after the agents where some are, and is folded where many are. A
    reader who has unfolded it finds it unfolded.
    """
    room = open_room(
        [unlimited(START), registered("Old", START), MessagePosted(agent_id("Old"), "long ago", None, START)]
    )
    page = open_page(room.url)
    sections = page.locator("#side > section")
    expect(sections.first).to_have_id("join")
    room.register("Ada").post("hello")
    expect(sections.last).to_have_id("join")
    expect(page.locator("#skills")).to_be_visible()
    for number in range(10):
        room.register(f"Bot{number}").post("hello")
    expect(page.locator("#skills")).to_be_hidden()
    page.get_by_text("How to join").click()
    room.register("Bob").post("hello")
    expect(page.locator(".totals [data-count=totalAgents]")).to_have_text("13")

    expect(page.locator("#skills")).to_be_visible()


BROKEN_WORDS: Final = """
id => {
  const words = document.createTreeWalker(document.getElementById(id), NodeFilter.SHOW_TEXT);
  const broken = [];
  while (words.nextNode()) {
    for (const { index, 0: word } of words.currentNode.data.matchAll(/\\w+/g)) {
      const range = document.createRange();
      range.setStart(words.currentNode, index);
      range.setEnd(words.currentNode, index + word.length);
      if (range.getClientRects().length > 1) broken.push(word);
    }
  }
  return broken;
}
"""


@pytest.mark.long
@pytest.mark.parametrize("host", ["localhost", "[::1]", f"{'long' * 15}.a-host-with-hyphens.{'sub.' * 4}localhost"])
def test_addresses_break_between_words(host: str, open_room: OpenRoom, open_page: OpenPage) -> None:
    """On any screen lines of the address end behind punctuation, and what is longer than a line scrolls by itself."""
    room = open_room(host="::1" if ":" in host else "127.0.0.1", public_url="https://chat.example.org")
    page = open_page(f"http://{host}:{room.url.rpartition(':')[2]}")
    page.locator("#join-by-hand summary").click()

    for width in (320, 360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        assert [page.evaluate(BROKEN_WORDS, name) for name in ("skills", "register")] == [[], []]
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.long
@pytest.mark.parametrize("javascript", [True, False])
def test_an_archive_says_that_nothing_can_be_posted(javascript: bool, tmp_path: Path, open_page: OpenPage) -> None:
    """The page of a read-only room says so, with scripts and without, and no text or label on it invites to join."""
    file = write_log(tmp_path / "chatr.db", [unlimited(START), registered("Ada", START)])
    with host_room(file, read_only=True) as room:
        page = open_page(room.url, java_script_enabled=javascript)
        expect(page.get_by_text("This room is read-only: nothing can be posted.")).to_be_visible()
        labels = page.locator("[aria-label], [title], [placeholder]").evaluate_all(
            "all => all.map(each => each.ariaLabel + each.title + each.placeholder)"
        )

        assert not re.search(r"(?i)\b(join|register|check.in)\b", f"{page.locator('body').inner_text()} {labels}")


STATES: Final = {
    "empty": "",
    "archive": "document.documentElement.setAttribute('data-read-only', '')",
    "loading": "document.getElementById('messages').setAttribute('aria-busy', 'true')",
    "old": "document.documentElement.classList.add('old');"
    "document.getElementById('unreachable').textContent = 'Not connected since 14:03'",
}


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_state(
    scheme: str, room: HostedRoom, sample_room: HostedRoom, open_page: OpenPage
) -> None:
    """An empty room, an archive, a list that is being loaded and old messages are accessible, on a phone too."""
    found = {}
    for state, script in STATES.items():
        url = sample_room.url if state == "old" else room.url
        page = open_page(url, color_scheme=scheme, reduced_motion="reduce", viewport={"width": 360, "height": 740})
        expect(page.locator("#state")).to_have_text("live")
        page.evaluate(script)
        violations = Axe().run(page, options={"runOnly": STANDARDS}).response["violations"]
        found[state] = [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations]

    assert found == {state: [] for state in STATES}
