"""`chatr view` shows a log in the browser, whatever form it has, and changes nothing."""

import asyncio
import gzip
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import pytest
from aiohttp import ClientSession
from attrs import frozen

from chatr.adapters.stores.urls import open_unchanged
from chatr.cli.commands import view
from chatr.cli.commands.view import served
from chatr.cli.viewed_log import log_url
from chatr.domain.commands import Post
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import ADA, COMMANDS, Chatr, LogFile, StartChatr

MINUTE_THREE: Final = "2026-01-01T00:03:00.000Z"


@frozen
class Viewed:
    """A running `chatr view`, and the two lines that it has printed."""

    process: subprocess.Popen[str]
    summary: str
    address: str

    def get(self, path: str) -> Any:
        """Return the JSON at a path."""
        with urlopen(self.address.partition("#")[0].rstrip("/") + path) as response:
            return json.load(response)

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send a signal, and return exit code and standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err


View = Callable[..., Viewed]


@pytest.fixture
def start_view(start_chatr: StartChatr) -> View:
    def start(*arguments: object) -> Viewed:
        process = start_chatr("view", "--no-browser", *arguments)
        assert process.stdout is not None
        summary, address = process.stdout.readline(), process.stdout.readline()
        assert address.startswith("Watch it: "), process.communicate()
        return Viewed(process, summary.strip(), address.split()[2])

    return start


def contents(folder: Path) -> dict[str, str]:
    """Return the digest of each file in a folder."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()}


def kinds(chatr: Chatr, log_file: LogFile, folder: Path) -> dict[str, object]:
    """Return the same log in each form that chatr view opens, by name."""
    chatr("export", folder / "room.jsonl", "--log", log_file.url)
    chatr("export", folder / "room.jsonl.gz", "--log", log_file.url)
    chatr("backup", folder / "backup.db", "--log", log_file.url)
    shutil.copy(folder / "room.jsonl.gz", folder / "monday")
    shutil.copy(log_file.path, folder / "protected.db")
    (folder / "protected.db").chmod(0o400)
    return {
        "an export": folder / "room.jsonl",
        "a gzipped export": folder / "room.jsonl.gz",
        "an export of another name": folder / "monday",
        "a backup": folder / "backup.db",
        "a write-protected file": folder / "protected.db",
        "a stopped log": log_file.path,
        "a URL": log_file.url,
    }


async def shown(file: object) -> tuple[int, bytes]:
    """Return what `chatr view` shows of a log: its head, and its messages as bytes."""
    async with (
        open_unchanged(log_url(str(file))) as log,
        served(log, 0) as room,
        ClientSession(room.url) as http,
        http.get("/api/messages") as response,
    ):
        return room.node.room.position, await response.read()


def test_each_kind_of_log_is_shown_and_not_changed(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Each form of a log shows the same messages, and no file in its folder is created or changed."""
    files = kinds(chatr, log_file, tmp_path)
    before = contents(tmp_path)
    found = {name: asyncio.run(shown(file)) for name, file in files.items()}

    assert set(found.values()) == {found["a URL"]}
    assert (found["a URL"][0], found["a URL"][1].count(b'"content"')) == (10, 3)
    assert contents(tmp_path) == before


@pytest.mark.long
def test_a_running_log_is_followed(start_view: View, log_file: LogFile) -> None:
    """A record that a server appends is shown within a second or so."""
    shown = start_view(log_file.url)
    log_file.append(records_after((*COMMANDS, Post(ADA, "One more", START + 10 * 60_000))))
    waited = shown.get("/api/messages?after=9&wait=20")

    assert [message["content"] for message in waited["messages"]] == ["One more"]
    assert shown.end(signal.SIGTERM) == (0, "")


@pytest.mark.long
def test_an_export_on_standard_input_is_shown(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """`-` is an export that another program writes; its temporary copy is gone when the command has ended."""
    chatr("export", tmp_path / "room.jsonl", "--log", log_file.url)
    (tmp_path / "tmp").mkdir()
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(tmp_path / "tmp")}
    with (tmp_path / "room.jsonl").open("rb") as export:
        process = subprocess.Popen(
            ["chatr", "view", "-", "--no-browser"], stdin=export, stdout=subprocess.PIPE, env=environ
        )
    assert process.stdout is not None
    summary = process.stdout.readline()
    process.kill()
    process.communicate()

    assert (summary[:10], list((tmp_path / "tmp").iterdir())) == (b"10 records", [])


def test_a_broken_chain_is_reported(
    chatr: Chatr, log_file: LogFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export whose records are not those that were exported is shown, with a warning."""
    export = tmp_path / "room.jsonl"
    chatr("export", export, "--log", log_file.url)
    lines = export.read_bytes().splitlines(keepends=True)
    closing = json.loads(lines[-1]) | {"head": "00" * 32}
    export.write_bytes(b"".join(lines[:-1]) + json.dumps(closing).encode() + b"\n")
    monkeypatch.setattr(view, "until_signal", no_wait)
    result = chatr("view", export, "--no-browser")

    assert (result.code, result.lines[0].startswith("10 records")) == (0, True)
    assert "do not lead to the head in its last line" in result.err


DAMAGED: Final[dict[str, tuple[Callable[[bytes], bytes], str]]] = {
    "empty": (lambda _: b"", "is no exported log"),
    "cut off": (lambda whole: whole[:-300], "is cut off after record"),
    "a picture": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(2_000_000), "is no exported log"),
    "a cut gzip file": (lambda whole: gzip.compress(whole)[:200], "is cut off or damaged"),
    "random": (lambda whole: bytes(255 - byte for byte in whole), "is no exported log"),
    "a line lost": (lambda whole: whole[whole.index(b"\n") + 1 :], "holds 9 records and should hold 10"),
    "a foreign database": (lambda _: b"SQLite format 3\0" + bytes(4080), "cannot be opened"),
    "a short database": (lambda _: b"SQLite format 3\0", "cannot be opened"),
}
"""What is done to an export, and a part of the sentence."""


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_file_that_cannot_be_shown_is_refused(chatr: Chatr, log_file: LogFile, tmp_path: Path, damage: str) -> None:
    """A damaged or foreign file is refused with one sentence that names it, and exit code 2."""
    export = tmp_path / "room.jsonl"
    chatr("export", export, "--log", log_file.url)
    change, sentence = DAMAGED[damage]
    export.write_bytes(change(export.read_bytes()))
    result = chatr("view", export, "--no-browser")

    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert sentence in result.err
    assert str(export) in result.err


@pytest.mark.parametrize(
    "argument", ["nowhere.jsonl", "memory:", "https://chat.example.org", "sqlite:///nowhere.db", "."]
)
def test_what_is_no_log_is_refused(chatr: Chatr, argument: str) -> None:
    """A name that leads to no log is refused with one sentence."""
    result = chatr("view", argument, "--no-browser")

    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("moment", ["0", "11", "2025-01-01"])
def test_a_moment_outside_of_the_log_is_refused(chatr: Chatr, log_file: LogFile, moment: str) -> None:
    """A moment that the log does not reach is refused with the sentence of other commands."""
    result = chatr("view", log_file.url, "--at", moment)

    assert (result.code, result.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("flags", "environ", "is_opened"),
    [
        (["--at", "9"], {"DISPLAY": ":0"}, True),
        (["--at", "2026-01-01T00:03"], {"BROWSER": "firefox"}, True),
        ([], {}, False),
        (["--no-browser"], {"DISPLAY": ":0"}, False),
    ],
)
def test_a_browser_is_opened_where_there_is_a_display(
    chatr: Chatr,
    log_file: LogFile,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    environ: dict[str, str],
    is_opened: bool,
) -> None:
    """The browser is opened at the moment of --at, unless there is no display, or it is not wanted."""
    opened: list[str] = []
    for name in view.DISPLAY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(view, "until_signal", no_wait)
    result = chatr("view", log_file.url, *flags)

    assert (result.code, [each.partition("#")[2] for each in opened]) == (0, [f"t-{MINUTE_THREE}"] * is_opened)


async def no_wait(_tasks: object) -> None:
    """Return at once."""
