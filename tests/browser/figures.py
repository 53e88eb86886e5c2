"""Measure how many bytes a visit transfers, when the first message is shown, and how smoothly the timeline is dragged.

Usage: python -m tests.browser.figures. Makes a first visit and a second one with the browser's cache, in a room of two
thousand messages and in one of a million; times are medians of seven visits. Counts the violations that axe finds in
all views. In the large room, it measures frames while the timeline is dragged, and how long requests take.
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
from tests.browser.large_room_figures import (
    activity_times,
    frames_at_rest,
    frames_while_dragging,
    large_room_shown,
    moment_times,
    search_times,
)
from tests.browser.large_room_server import large_room_in
from tests.browser.sample_room import sample_events
from tests.browser.views import VIEWS, View, live_room

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


def measure_visit(page: Page, url: str, view: View) -> Visit:
    """Open the page and wait until it has loaded everything; `view` waits for its messages."""
    visit = Visit()
    visit.measure(page)
    page.goto(url)
    view(page)
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


def measure_visits(browser: Browser, url: str, view: View) -> tuple[Visit, Visit]:
    """A first visit, and a second one with the same cache, which joins the worker of the first."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(RECORD_FIRST_MESSAGE)
    first = measure_visit(context.new_page(), url, view)
    first.page_bytes += worker_bytes(url)
    second = measure_visit(context.new_page(), url, view)
    context.close()
    return first, second


def count_violations(browser: Browser, url: str) -> int:
    """Violations of WCAG 2.2 AA and of axe's best practices in all views, light and dark, narrow and wide."""
    count = 0
    for scheme in ("light", "dark"):
        for width in (360, 1280):
            for view in VIEWS:
                # A message that fades in has less contrast while it does.
                page = browser.new_page(
                    viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
                )
                page.goto(url)
                view(page)
                count += len(Axe().run(page, options={"runOnly": STANDARDS}).response["violations"])
                page.close()
    return count


def print_visits(browser: Browser, room: str, url: str, view: View) -> None:
    """Print a line for a first visit to a room, and one for a second visit."""
    pairs = [measure_visits(browser, url, view) for _ in range(VISITS)]
    for name, visits in zip(("first visit", "second visit"), zip(*pairs, strict=True), strict=True):
        first_message = median(each.first_message_ms for each in visits)
        print(
            f"{room}: {name:<12}  requests {visits[0].requests}  page {visits[0].page_bytes:,} bytes"
            f"  API and history {visits[0].api_bytes:,} bytes  first message {first_message:.0f} ms"
        )


def print_large_room(browser: Browser, url: str, end: int) -> None:
    """Print the figures of the large room, which ends at `end`."""
    print_visits(browser, "a million messages", url, large_room_shown)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(url)
    large_room_shown(page)
    print(f"frames at rest: {frames_at_rest(page)}")
    print(f"frames while dragging: {frames_while_dragging(page)}")
    page.close()
    print(f"requests for a zoomed timeline: {activity_times(url, end)}")
    print(f"requests for moments: {moment_times(url, end)}")
    print(f"searches: {search_times(url)}")


def main() -> None:
    """Print the figures of both rooms, and the number of violations."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.figures", description=__doc__)
    parser.parse_args()
    now = int(time.time() * 1000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        # Not the headless shell, which requests no icon.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        with host_room(write_log(Path(folder) / "chatr.db", sample_events(now))) as room:
            print_visits(browser, "two thousand messages", room.url, live_room)
            print(f"axe: {count_violations(browser, room.url)} violations in {4 * len(VIEWS)} views")
        with large_room_in(Path(folder) / "large") as large_room:
            print_large_room(browser, large_room.url, now)


if __name__ == "__main__":
    main()
