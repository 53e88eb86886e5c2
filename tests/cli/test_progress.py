"""The progress bar is shown on a terminal only, and removed at the end."""

import os
import re
import termios
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from chatr.cli.output.progress import print_above_bar, progress


@contextmanager
def terminal() -> Iterator[int]:
    """Connect standard output and standard error to a terminal of 80 columns; yields the end that reads from it."""
    reader, writer = os.openpty()
    termios.tcsetwinsize(writer, (24, 80))
    with Path(os.ttyname(writer)).open("w", buffering=1) as screen, redirect_stdout(screen), redirect_stderr(screen):
        yield reader
    os.close(writer)
    os.close(reader)


def written_to(reader: int) -> str:
    """Return what has been written to the terminal since the last call."""
    os.set_blocking(reader, False)
    pieces = []
    with suppress(BlockingIOError):
        while piece := os.read(reader, 65536):
            pieces.append(piece)
    return b"".join(pieces).decode()


def test_a_terminal_shows_a_bar() -> None:
    """The bar shows share, count, time left and rate."""
    with terminal() as reader, progress("replaying", 2_000_000, delay=0):
        written = written_to(reader)

    assert re.search(r"replaying: +0%.* 0\.00/2\.00M \[00:00<\?, \? records/s\]", written)


def test_the_bar_is_removed_at_the_end() -> None:
    """After success or Ctrl-C nothing of the bar is left."""
    with terminal() as reader:
        with suppress(KeyboardInterrupt), progress("replaying", 10, delay=0) as show_position:
            show_position(5)
            raise KeyboardInterrupt
        *_, before, last = written_to(reader).split("\r")

    assert (before.strip(), last) == ("", "")


def test_a_line_is_printed_above_the_bar() -> None:
    """A line that is printed while the bar is shown stands on its own line above it."""
    with terminal() as reader, progress("auditing", 10, delay=0) as show_position:
        show_position(5)
        print_above_bar("position 5: It is wrong.")
        written = written_to(reader)

    assert re.search(r"\rposition 5: It is wrong\.\r\n\r?auditing: +50%", written)


def test_a_pipe_shows_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written if standard output is not a terminal."""
    with progress("replaying", 10, delay=0) as show_position:
        show_position(5)

    assert capsys.readouterr() == ("", "")
