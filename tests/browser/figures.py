"""Measure how many bytes a visit transfers, and when the first message is shown.

Usage: python -m tests.browser.figures. Makes a first visit and a second one with the browser's cache, in a room of two
thousand messages; times are medians of seven visits. Then counts the violations that axe finds in all views.
"""

import argparse
import shutil
import socket
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from attrs import define
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from yarl import URL

from tests.browser.hosted_room import host_room, write_log
from tests.browser.sample_room import sample_events
from tests.browser.views import VIEWS, live_room

VISITS: Final = 7
STANDARDS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RECORD_FIRST_MESSAGE: Final = """
new MutationObserver((_, observer) => {
  if (!document.querySelector(".message")) return;
  window.firstMessage = performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


@define
class Visit:
    """What a visit transferred, in bytes on the wire with headers: the page's files, and responses of the API."""

    requests: int = 0
    page_bytes: int = 0
    api_bytes: int = 0
    first_message_ms: float = 0

    def measure(self, page: Page) -> None:
        """Count what this page transfers from now on."""
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        urls: dict[str, str] = {}

        def count(event: dict[str, Any]) -> None:
            # Chromium reports no encoded length for a stream that is open; the API's responses are not compressed.
            if "/api/" in urls.get(event["requestId"], ""):
                self.api_bytes += event.get("dataLength", event["encodedDataLength"])
            else:
                self.page_bytes += event["encodedDataLength"]

        def response_received(event: dict[str, Any]) -> None:
            urls[event["requestId"]] = event["response"]["url"]
            self.requests += 1
            count({**event, **event["response"]})

        client.on("Network.responseReceived", response_received)
        client.on("Network.dataReceived", count)


def measure_visit(page: Page, url: str) -> Visit:
    """Open the page and wait until it has loaded everything."""
    visit = Visit()
    visit.measure(page)
    page.goto(url)
    live_room(page)
    page.wait_for_function("timeline.hidden === false && state.textContent === 'live'")
    visit.first_message_ms = page.evaluate("firstMessage")
    return visit


def response_bytes(url: URL, header: str) -> int:
    """The bytes of a compressed response."""
    head = f"GET {url.path} HTTP/1.1\r\nHost: {url.host}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n{header}\r\n"
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(head.encode())
        return sum(map(len, iter(lambda: connection.recv(65536), b"")))


def worker_bytes(url: str) -> int:
    """What the worker of a first visit transfers, which Chromium reports to no page: its script, and status 304 for the
    module that the page loads too.
    """
    files = URL(url) / "page"
    return response_bytes(files / "stream_worker.js", "") + response_bytes(files / "client.js", "If-None-Match: *\r\n")


def measure_visits(browser: Browser, url: str) -> tuple[Visit, Visit]:
    """A first visit, and a second one with the same cache, which joins the worker of the first."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(RECORD_FIRST_MESSAGE)
    first = measure_visit(context.new_page(), url)
    first.page_bytes += worker_bytes(url)
    second = measure_visit(context.new_page(), url)
    context.close()
    return first, second


def count_violations(browser: Browser, url: str) -> int:
    """Violations of WCAG 2.2 AA and of axe's best practices in all views, light and dark, narrow and wide."""
    count = 0
    for scheme in ("light", "dark"):
        for width in (360, 1280):
            for view in VIEWS:
                page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
                page.goto(url)
                view(page)
                count += len(Axe().run(page, options={"runOnly": STANDARDS}).response["violations"])
                page.close()
    return count


def main() -> None:
    """Print a line for each of the two visits, and the number of violations."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.figures", description=__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = write_log(Path(folder) / "chatr.db", sample_events(int(time.time() * 1000)))
        with host_room(file) as room, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
            pairs = [measure_visits(browser, room.url) for _ in range(VISITS)]
            for name, visits in zip(("first visit ", "second visit"), zip(*pairs, strict=True), strict=True):
                first_message = median(each.first_message_ms for each in visits)
                print(
                    f"{name}  requests {visits[0].requests}  page {visits[0].page_bytes:,} bytes"
                    f"  API and history {visits[0].api_bytes:,} bytes  first message {first_message:.0f} ms"
                )
            print(f"axe: {count_violations(browser, room.url)} violations in {4 * len(VIEWS)} views")


if __name__ == "__main__":
    main()
