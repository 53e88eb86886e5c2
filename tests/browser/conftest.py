"""Debian's Chromium in front of a real server. No page of a test may report an error or request anything elsewhere."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

from chatr.domain.events import Event, MessagePosted
from chatr.domain.limits import HOUR
from tests.browser.chromium import chromium
from tests.browser.hosted_room import HostedRoom, host_room, write_log
from tests.browser.large_room_facts import LargeLog
from tests.browser.large_room_server import LONGEST_MAKING, LargeRoom, large_room_in
from tests.browser.sample_room import sample_events
from tests.requirements import skip_or_fail

REPORT_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  console.error("policy", violatedDirective, blockedURI, sample));
"""
OWN_STREAM: Final = "delete window.SharedWorker;"
"""A script for pages whose stream a test intercepts or replaces: what a worker requests is out of its reach."""
ERROR_RESPONSE: Final = "Failed to load resource"
"""How the browser reports a failed request or an error response. Tests stop servers and cause such responses."""
LONGEST_WAIT: Final = 20_000
"""Milliseconds after which an expectation fails. Playwright's five seconds are too few on a busy machine."""


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Its event loop runs in this thread while it is open, so it is closed before the tests of another package."""
    with sync_playwright() as started:
        expect.set_options(timeout=LONGEST_WAIT)
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests; each page has a context of its own."""
    program = chromium()
    if program is None:
        skip_or_fail("there is no Chromium here: apt-get install chromium-headless-shell")
    # There is no GPU, and drawing as one would takes more of the CPU than drawing without.
    browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
    yield browser
    browser.close()


@define(slots=False)  # playwright sets an attribute on the owner of a callback
class PageMonitor:
    """Collects errors and warnings of pages, and the origins that they request."""

    errors: list[str] = field(factory=list)
    origins: set[str] = field(factory=set)

    def monitor(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(ERROR_RESPONSE):
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        # The icon with the number of unread messages is a data: address, which requests nothing.
        if not request.url.startswith("data:"):
            self.origins.add(origin(request.url))


def origin(url: str) -> str:
    """Scheme, host and port of a URL."""
    return "/".join(url.split("/")[:3])


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens the page at an address, each time as a new visitor. `script` runs before the page's scripts; the other
    options are those of a browser context.
    """
    monitor, contexts, expected_origins = PageMonitor(), [], set[str]()

    def open_one(url: str, *, script: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(LONGEST_WAIT)
        # A violation of the page's policy is not an error for the browser: the script reports it as one.
        context.add_init_script(REPORT_VIOLATIONS + script)
        contexts.append(context)
        page = context.new_page()
        monitor.monitor(page)
        expected_origins.add(origin(url))
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert monitor.errors == []
    assert monitor.origins <= expected_origins


OpenRoom = Callable[..., HostedRoom]


@pytest.fixture
def open_room(tmp_path: Path) -> Iterator[OpenRoom]:
    """Opens rooms. `events` are in the log already; limits are out of the way unless a setting says otherwise."""
    with ExitStack() as stack:

        def open_one(events: Iterable[Event] = (), **options: Any) -> HostedRoom:
            file = write_log(tmp_path / f"{len(list(tmp_path.iterdir()))}.db", events) if events else None
            return stack.enter_context(host_room(file, **options))

        yield open_one


@pytest.fixture
def room(open_room: OpenRoom) -> HostedRoom:
    """An empty room."""
    return open_room()


@pytest.fixture
def page(room: HostedRoom, open_page: OpenPage) -> Page:
    """The page of that room, connected to the stream."""
    page = open_page(room.url)
    expect(page.locator("#state")).to_have_text("live")
    return page


@pytest.fixture(scope="package")
def sample_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedRoom]:
    """The room of sample_room.py, with the messages of two hours only: axe checks each of them."""
    now = int(time.time() * 1000)
    hours = (range(now - 27 * HOUR, now - 26 * HOUR), range(now - HOUR, now))
    events = [
        event
        for event in sample_events(now)
        if not isinstance(event, MessagePosted) or any(event.at in hour for hour in hours)
    ]
    file = write_log(tmp_path_factory.mktemp("sample") / "chatr.db", events)
    with host_room(file) as room:
        yield room


@pytest.fixture(scope="package")
def large_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LargeRoom]:
    """The room of large_room.py, a million messages over two years, for `long` tests that keep its past."""
    folder = tmp_path_factory.getbasetemp()
    # Processes of pytest-xdist have folders of their own in that of the run.
    with large_room_in((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "large_room") as room:
        yield room


@pytest.fixture
def log(large_room: LargeRoom) -> LargeLog:
    """The log of the large room."""
    return LargeLog(large_room.path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of the large room the time in which a busy machine makes it."""
    for item in items:
        if "large_room" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(LONGEST_MAKING))
