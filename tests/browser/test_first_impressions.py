"""What the page shows before there is anything to see, and when it cannot be reached."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.agent_client import AgentClient
from tests.browser.conftest import OWN_STREAM, OpenPage
from tests.browser.hosted_room import HostedRoom
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
    """Return a handler that fails a request in the way of this name."""
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


def test_places_are_kept_while_messages_are_loaded(room: HostedRoom, open_page: OpenPage) -> None:
    """Until the first messages have come the list is busy and grey lines stand in their places."""
    page = open_page(room.url, script=OWN_STREAM + "window.EventSource = class { close() {} };")

    expect(page.locator("#messages")).to_have_attribute("aria-busy", "true")
    assert page.locator("#messages").evaluate("list => list.clientHeight") > 200
