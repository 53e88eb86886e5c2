"""Debian's Chromium before a real server. Whatever a test does, no page may complain or ask anybody but its server."""

import shutil
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
from tests.able import unable
from tests.browser.hosted import Hosted, hosted, written
from tests.browser.scene import scene

REPORT_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  console.error("policy", violatedDirective, blockedURI, sample));
"""
UNREACHABLE: Final = "Failed to load resource"
"""What the browser says of an answer other than 200; tests stop servers and refuse requests."""


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Its loop runs in this thread as long as it is open, so no test of another package may find it so."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        unable("there is no chromium here: apt-get install chromium")
    browser = playwright.chromium.launch(executable_path=program)
    yield browser
    browser.close()


@define(slots=False)  # playwright leaves a mark on whose method it calls
class Complaints:
    """What a page had to say for itself, and whom it asked."""

    said: list[str] = field(factory=list)
    asked: list[str] = field(factory=list)

    def hear(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(UNREACHABLE):
            self.said.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.asked.append("/".join(request.url.split("/")[:3]))


Watch = Callable[..., Page]


@pytest.fixture
def watch(browser: Browser) -> Iterator[Watch]:
    """Opens the page at an address, each time as a visitor of its own. `script` runs before those of the page; the
    other options are those of a browser context.
    """
    complaints, contexts, hosts = Complaints(), [], set[str]()

    def open_page(url: str, *, script: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(20_000)
        context.add_init_script(REPORT_VIOLATIONS + script)
        contexts.append(context)
        page = context.new_page()
        complaints.hear(page)
        hosts.add("/".join(url.split("/")[:3]))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.said == []
    assert set(complaints.asked) <= hosts


Host = Callable[..., Hosted]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Opens rooms, in which these events have happened if any are given; no limit is in the way unless one is set."""
    with ExitStack() as stack:

        def open_room(events: Iterable[Event] = (), **given: Any) -> Hosted:
            file = written(tmp_path / f"{len(list(tmp_path.iterdir()))}.db", events) if events else None
            return stack.enter_context(hosted(file, **given))

        yield open_room


@pytest.fixture
def room(host: Host) -> Hosted:
    return host()


@pytest.fixture
def page(room: Hosted, watch: Watch) -> Page:
    """The page before that room, once it is live."""
    page = watch(room.url)
    expect(page.locator("#state")).to_have_text("live")
    return page


@pytest.fixture(scope="package")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """The room of scene.py, for an hour now and one a day ago: axe looks at everything."""
    now = int(time.time() * 1000)
    shown = (range(now - 27 * HOUR, now - 26 * HOUR), range(now - HOUR, now))
    few = [each for each in scene(now) if not isinstance(each, MessagePosted) or any(each.at in at for at in shown)]
    file = written(tmp_path_factory.mktemp("lively") / "chatr.db", few)
    with hosted(file) as room:
        yield room
