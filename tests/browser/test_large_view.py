"""`chatr view` of an export of the large room: a million messages in the browser, from a file alone."""

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import requests
from attrs import frozen
from playwright.sync_api import expect

from chatr.domain.timestamps import iso_timestamp
from tests.browser.conftest import OpenPage
from tests.browser.large_room_events import RARE_WORD
from tests.browser.large_room_facts import LargeLog
from tests.browser.large_room_figures import large_room_shown
from tests.browser.large_room_server import LONGEST_MAKING, LargeRoom

LONGEST_OPENING: Final = 90
"""Seconds on a busy machine. An idle one needs eight at most."""


@frozen
class ViewedExport:
    """A running `chatr view`: where it is watched, the seconds until then, and what it wrote on its terminal."""

    url: str
    seconds: float
    written: str
    process: subprocess.Popen[bytes]


@contextmanager
def viewed(export: Path) -> Iterator[ViewedExport]:
    """Run `chatr view` on a terminal, which shows its progress, until the context ends."""
    began = time.perf_counter()
    reader, writer = os.openpty()
    termios.tcsetwinsize(writer, (24, 100))
    program = [sys.executable, "-m", "chatr", "view", str(export), "--no-browser"]
    process = subprocess.Popen(program, stdout=writer, stderr=writer)
    os.close(writer)
    written = b""
    try:
        while (found := re.search(rb"Watch it: (http://[^/]+)/.*\n", written)) is None:
            written += os.read(reader, 65536)
        yield ViewedExport(found[1].decode(), time.perf_counter() - began, written.decode(), process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        os.close(reader)


@pytest.mark.long
@pytest.mark.timeout(LONGEST_MAKING)
def test_an_export_of_a_million_messages(large_room: LargeRoom, open_page: OpenPage, tmp_path: Path) -> None:
    """It is ready in seconds, and says meanwhile how far it is. The page shows all messages, finds them, and is for
    reading only; when the command has ended the page says since when, and that what it shows may be old.
    """
    log, export = LargeLog(large_room.path), tmp_path / "room.jsonl"
    subprocess.run(
        [sys.executable, "-m", "chatr", "export", export, "--log", f"sqlite:///{large_room.path}"], check=True
    )
    found = log.messages("data like ? order by position desc", f'%"content":"%{RARE_WORD}%')
    with viewed(export) as view:
        assert view.seconds < LONGEST_OPENING
        shares = [int(each) for each in re.findall(r"reading: +(\d+)%", view.written)]
        assert shares == sorted(shares)
        assert len(set(shares)) >= 3
        page = open_page(view.url, locale="en-GB", timezone_id="UTC")
        large_room_shown(page)
        expect(page.get_by_text("This room is read-only: nothing can be posted.")).to_be_visible()
        answer = requests.post(f"{view.url}/api/register", json={"name": "Ada"}, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (403, "read_only")
        page.goto(f"{view.url}/#search?q={RARE_WORD}")
        expect(page.locator(".results > .message")).to_have_count(len(found), timeout=LONGEST_OPENING * 1000)
        page.goto(f"{view.url}/#t-{iso_timestamp(found[1].at)}")
        expect(page.locator("#messages .message").last).to_have_id(f"m-{found[1].position}")
        view.process.send_signal(signal.SIGINT)
        expect(page.locator("#unreachable")).to_have_text(re.compile(r"^Not connected since \d\d:\d\d: .*may be old\."))
    export.unlink()  # it is as large as the log
