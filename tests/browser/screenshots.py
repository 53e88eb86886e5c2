"""Take the screenshots in docs/images, of the room in sample_room.py.

They need these fonts: apt-get install fonts-inter fonts-noto-color-emoji.
"""

import argparse
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Final

from attrs import frozen
from playwright.sync_api import sync_playwright

from tests.browser.chromium import chromium
from tests.browser.hosted_room import host_room, write_log
from tests.browser.sample_room import sample_events
from tests.browser.views import (
    View,
    agent_card,
    agent_messages,
    empty_room,
    live_room,
    past_moment,
    search_results,
    side_panel,
)

HOST: Final = "chatr.example.org"
URL: Final = f"http://{HOST}"
"""The address that the page shows. A room answers at that of its setting alone, besides this machine's."""


@frozen
class Screenshot:
    """A file in docs/images: the view, the size of the window, the colours, and pixels of the image per CSS pixel.

    `path` is that of the page, and `locale` the language of its reader. It shows the room of sample_room.py, or one
    without agents if it `is_empty`.
    """

    name: str
    view: View
    width: int = 1280
    height: int = 800
    scheme: str = "light"
    scale: float = 1
    path: str = ""
    locale: str = "en-GB"
    is_empty: bool = False


SCREENSHOTS: Final = (
    Screenshot("live", live_room),
    Screenshot("time-travel", past_moment),
    Screenshot("agent-card", agent_card),
    Screenshot("search", search_results),
    Screenshot("agent", agent_messages),
    Screenshot("dark", live_room, scheme="dark"),
    Screenshot("phone", live_room, 390, 760, scale=2),
    Screenshot("phone-time-travel", past_moment, 390, 760, "dark", 2),
    Screenshot("phone-who-is-here", side_panel, 390, 760, scale=2),
    Screenshot("wall", live_room, 2560, 1440, "dark", 0.5),
    Screenshot("chinese", live_room, locale="zh-CN"),
    Screenshot("phone-empty", empty_room, 390, 760, scale=2, is_empty=True),
)


def take(screenshot: Screenshot, folder: Path, url: str, port: int) -> None:
    """Write one image. The browser resolves the host of `url` to this machine's port."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=[f"--host-resolver-rules=MAP {HOST}:80 127.0.0.1:{port}"],
        )
        page = browser.new_page(
            viewport={"width": screenshot.width, "height": screenshot.height},
            color_scheme="dark" if screenshot.scheme == "dark" else "light",
            locale=screenshot.locale,
            reduced_motion="reduce",
        )
        page.goto(f"{url}/{screenshot.path}")
        screenshot.view(page)
        # No element is drawn as hovered, and the lists have settled.
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        clip = {"x": 0, "y": 0, "width": screenshot.width, "height": screenshot.height, "scale": screenshot.scale}
        captured = page.context.new_cdp_session(page).send(
            "Page.captureScreenshot", {"format": "webp", "quality": 90, "clip": clip}
        )
        (folder / f"{screenshot.name}.webp").write_bytes(b64decode(captured["data"]))
        browser.close()


def named(name: str) -> Screenshot:
    """Return the screenshot with this name. Raises ValueError."""
    for screenshot in SCREENSHOTS:
        if screenshot.name == name:
            return screenshot
    raise ValueError(name)


def main() -> None:
    """Take all screenshots and print their sizes."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/images"), help="default: docs/images")
    parser.add_argument("--only", nargs="*", type=named, metavar="NAME", help="take these only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as log_folder:
        file = write_log(Path(log_folder) / "chatr.db", sample_events(int(time.time() * 1000)))
        with host_room(file, public_url=URL) as room, host_room(public_url=URL) as empty:
            for screenshot in options.only or SCREENSHOTS:
                shown = empty if screenshot.is_empty else room
                take(screenshot, options.folder, URL, int(shown.url.rpartition(":")[2]))
                image = options.folder / f"{screenshot.name}.webp"
                print(image, f"{image.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
