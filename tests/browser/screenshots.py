"""The pictures in docs/images, of the room in scene.py.

Usage: python -m tests.browser.screenshots [FOLDER]. They look as they should where the fonts are installed:
apt-get install fonts-inter fonts-noto-color-emoji.
"""

import shutil
import sys
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Final

from attrs import frozen
from playwright.sync_api import sync_playwright

from tests.browser.hosted import hosted, written
from tests.browser.scene import scene
from tests.browser.views import View, agent_card, live, time_travel, who_is_here

HOST: Final = "chatr.example.org"


@frozen
class Picture:
    name: str
    view: View
    width: int = 1280
    height: int = 800
    scheme: str = "light"
    scale: float = 1


PICTURES: Final = (
    Picture("live", live),
    Picture("time-travel", time_travel),
    Picture("agent-card", agent_card),
    Picture("dark", live, scheme="dark"),
    Picture("phone", live, 390, 760, scale=2),
    Picture("phone-time-travel", time_travel, 390, 760, "dark", 2),
    Picture("phone-who-is-here", who_is_here, 390, 760, scale=2),
    Picture("wall", live, 2560, 1440, "dark", 0.5),
)


def take(picture: Picture, folder: Path, url: str, port: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[f"--host-resolver-rules=MAP {HOST}:80 127.0.0.1:{port}"],
        )
        page = browser.new_page(
            viewport={"width": picture.width, "height": picture.height},
            color_scheme="dark" if picture.scheme == "dark" else "light",
            locale="en-GB",
            reduced_motion="reduce",
        )
        page.goto(url)
        picture.view(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(300)
        clip = {"x": 0, "y": 0, "width": picture.width, "height": picture.height, "scale": picture.scale}
        shot = page.context.new_cdp_session(page).send(
            "Page.captureScreenshot", {"format": "webp", "quality": 90, "clip": clip}
        )
        (folder / f"{picture.name}.webp").write_bytes(b64decode(shot["data"]))
        browser.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    with tempfile.TemporaryDirectory() as place:
        file = written(Path(place) / "chatr.db", scene(int(time.time() * 1000)))
        with hosted(file) as room:
            for picture in PICTURES:
                take(picture, folder, f"http://{HOST}/", int(room.url.rpartition(":")[2]))
                taken = folder / f"{picture.name}.webp"
                print(taken, f"{taken.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
