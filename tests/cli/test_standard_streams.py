"""Standard streams that are closed, full, or not what a terminal gives, for every command."""

import fcntl
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from chatr.cli.standard_streams import ESCAPES, escaped_as_in_json, open_standard_streams
from tests.cli.conftest import LogFile

F_SETPIPE_SZ: Final = 1031
PROGRAM: Final = [sys.executable, "-m", "chatr"]
COMMANDS: Final = {"help": ["--help"], "reference": ["reference"], "log": ["log", "--json"]}
"""Commands that print something and end."""
WRONG: Final = ["log", "--nope"]
linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")


def run(command: list[str], log: LogFile, **streams: Any) -> "subprocess.CompletedProcess[bytes]":
    """Run a command in a process of its own with these standard streams."""
    environ = os.environ | {"CHATR_LOG": log.url} | streams.pop("environ", {})
    return subprocess.run([*PROGRAM, *command], env=environ, check=False, **streams)


def test_characters_that_the_encoding_lacks_are_escaped() -> None:
    """The escape is one of JSON, so that JSON stays JSON also where the terminal has another encoding."""
    open_standard_streams()
    buffer = io.BytesIO()
    text = io.TextIOWrapper(buffer, "ascii", ESCAPES)
    text.write('"Grüße ☃ 😀 \udcff"')
    text.flush()

    assert buffer.getvalue() == b'"Gr\\u00fc\\u00dfe \\u2603 \\ud83d\\ude00 \\udcff"'
    assert json.loads(buffer.getvalue()) == "Grüße ☃ 😀 \udcff"


def test_bytes_that_cannot_be_read_are_an_error() -> None:
    """The escapes are for writing only."""
    with pytest.raises(UnicodeDecodeError):
        escaped_as_in_json(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"))


def full() -> int:
    """A disk that is always full."""
    return os.open("/dev/full", os.O_WRONLY)


def reader_ended() -> int:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def peer_ended() -> int:
    """A socket whose other end is closed."""
    here, there = socket.socketpair()
    there.close()
    return here.detach()


def for_reading_only() -> int:
    """A descriptor that cannot be written to."""
    return os.open(os.devnull, os.O_RDONLY)


@linux
@pytest.mark.long
@pytest.mark.parametrize("command", ["help", "log"])
@pytest.mark.parametrize(
    ("output", "code", "error"),
    [
        (full, 1, b"chatr: No space left on device.\n"),
        (for_reading_only, 1, b"chatr: Bad file descriptor.\n"),
        (reader_ended, 141, b""),
        (peer_ended, 141, b""),
    ],
)
def test_output_that_is_cut_is_no_success(
    log_file: LogFile, command: str, output: Callable[[], int], code: int, error: bytes
) -> None:
    """One sentence and exit code 1; 141 without a word if the reader has ended, as in `chatr log | head`."""
    descriptor = output()
    ended = run(COMMANDS[command], log_file, stdout=descriptor, stderr=subprocess.PIPE)
    os.close(descriptor)

    assert (ended.returncode, ended.stderr) == (code, error)


@linux
@pytest.mark.long
@pytest.mark.parametrize("errors", [full, reader_ended])
def test_errors_that_cannot_be_written_change_no_exit_code(log_file: LogFile, errors: Callable[[], int]) -> None:
    """A script sees that the command was wrong, although nobody can read why."""
    descriptor = errors()
    ended = run(["log", "--log", "sqlite:////nowhere/x.db"], log_file, stdout=subprocess.PIPE, stderr=descriptor)
    os.close(descriptor)

    assert (ended.returncode, ended.stdout) == (2, b"")


@linux
@pytest.mark.long
def test_a_pipe_that_does_not_block_gets_everything(log_file: LogFile) -> None:
    """Programs such as node make the pipes to their children non-blocking. A slow reader must not lose output."""
    expected = run(COMMANDS["reference"], log_file, stdout=subprocess.PIPE)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    received: list[bytes] = []

    def read() -> None:
        while data := os.read(reading, 1_000):
            received.append(data)
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    ended = run(COMMANDS["reference"], log_file, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    reader.join()
    os.close(reading)

    assert len(expected.stdout) > 3 * 4096
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"".join(received) == expected.stdout


@pytest.mark.long
@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), [(["audit"], 0), (WRONG, 2)], ids=str)
def test_closed_streams_get_no_other_file(log_file: LogFile, closed: str, command: list[str], code: int) -> None:
    """Some supervisors start programs without them. Whatever is opened next would get their descriptors."""
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM, *command]
    environ = os.environ | {"CHATR_LOG": log_file.url}
    ended = subprocess.run(shell, capture_output=True, env=environ, check=False)

    assert ended.returncode == code
    assert not ended.stderr or code == 2


@pytest.mark.long
@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONUNBUFFERED": "1", "COLUMNS": "0", "TERM": "dumb", "TZ": "Odd/Zone"},
    ],
    ids=str,
)
def test_output_is_json_in_every_encoding(log_file: LogFile, environ: dict[str, str]) -> None:
    """What a terminal cannot show is escaped, and no error."""
    ended = run(COMMANDS["log"], log_file, capture_output=True, environ=environ)

    assert (ended.returncode, ended.stderr) == (0, b"")
    records = [json.loads(line) for line in ended.stdout.decode("latin-1").splitlines()]
    assert records[1]["data"]["avatar"] == "🦀" or "PYTHONUNBUFFERED" in environ
