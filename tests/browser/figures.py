"""What the page weighs, and how soon the first message is there.

Usage: python -m tests.browser.figures. A first visit, then a second one with what the browser kept, in a room of two
thousand messages; times are medians of seven visits on this machine.
"""

import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from attrs import define
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.hosted import hosted, written
from tests.browser.scene import scene
from tests.browser.views import VIEWS, live

VISITS: Final = 7
STANDARDS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FIRST_MESSAGE: Final = """
new MutationObserver((_, seeing) => {
  if (!document.querySelector(".message")) return;
  window.firstMessage = performance.now();
  seeing.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


@define
class Visit:
    """Bytes as they came over the wire, with their headers: what the page is made of, and what the room answered."""

    requests: int = 0
    page_bytes: int = 0
    answer_bytes: int = 0
    first_message_ms: float = 0

    def watch(self, page: Page) -> None:
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        urls: dict[str, str] = {}

        def count(event: dict[str, Any]) -> None:
            """The room's answers are not compressed, and of a stream that goes on Chromium tells only what it holds."""
            if "/api/" in urls.get(event["requestId"], ""):
                self.answer_bytes += event.get("dataLength", event["encodedDataLength"])
            else:
                self.page_bytes += event["encodedDataLength"]

        def answered(event: dict[str, Any]) -> None:
            urls[event["requestId"]] = event["response"]["url"]
            self.requests += 1
            count({**event, **event["response"]})

        client.on("Network.responseReceived", answered)
        client.on("Network.dataReceived", count)


def visit(page: Page, url: str) -> Visit:
    found = Visit()
    found.watch(page)
    page.goto(url)
    live(page)
    page.wait_for_timeout(500)
    found.first_message_ms = page.evaluate("firstMessage")
    return found


def visits(browser: Browser, url: str) -> tuple[Visit, Visit]:
    """By one who never was here, and again by the same."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(FIRST_MESSAGE)
    first = visit(context.new_page(), url)
    second = visit(context.new_page(), url)
    context.close()
    return first, second


def violations(browser: Browser, url: str) -> int:
    """Those of WCAG 2.2 AA and of axe's best practices in all views, in light and dark, on a phone and on a desk."""
    found = 0
    for scheme in ("light", "dark"):
        for width in (360, 1280):
            for view in VIEWS:
                page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
                page.goto(url)
                view(page)
                found += len(Axe().run(page, options={"runOnly": STANDARDS}).response["violations"])
                page.close()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = written(Path(folder) / "chatr.db", scene(int(time.time() * 1000)))
        with hosted(file) as room, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
            pairs = [visits(browser, room.url) for _ in range(VISITS)]
            for name, seen in zip(("first visit ", "second visit"), zip(*pairs, strict=True), strict=True):
                took = median(each.first_message_ms for each in seen)
                print(
                    f"{name}  requests {seen[0].requests}  page {seen[0].page_bytes:,} bytes"
                    f"  answers and history {seen[0].answer_bytes:,} bytes  first message {took:.0f} ms"
                )
            print(f"axe: {violations(browser, room.url)} violations in {4 * len(VIEWS)} views")


if __name__ == "__main__":
    main()
