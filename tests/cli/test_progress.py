"""The bar of long work: on a terminal, nowhere else, and gone in the end."""

import os
import re
import termios
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from chatr.cli import progress as bar
from chatr.cli.progress import progress, tell


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every work is long enough for a bar."""
    monkeypatch.setattr(bar, "PATIENCE", 0)


@contextmanager
def on_a_terminal() -> Iterator[int]:
    """The end of a terminal at which one looks."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with Path(os.ttyname(theirs)).open("w", buffering=1) as screen, redirect_stdout(screen), redirect_stderr(screen):
        yield ours
    os.close(theirs)
    os.close(ours)


def shown(terminal: int) -> str:
    os.set_blocking(terminal, False)
    pieces = []
    with suppress(BlockingIOError):
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    return b"".join(pieces).decode()


def test_a_terminal_shows_how_far_it_is() -> None:
    """Share, count, time left and rate are there."""
    with on_a_terminal() as terminal, progress("replaying", 2_000_000):
        seen = shown(terminal)

    assert re.search(r"replaying: +0%.* 0\.00/2\.00M \[00:00<\?, \? records/s\]", seen)


def test_a_bar_is_gone_in_the_end() -> None:
    """Neither success nor Ctrl-C leaves half a bar behind."""
    with on_a_terminal() as terminal:
        with suppress(KeyboardInterrupt), progress("replaying", 10) as reached:
            reached(5)
            raise KeyboardInterrupt
        *_, before, last = shown(terminal).split("\r")

    assert (before.strip(), last) == ("", "")


def test_a_line_is_told_above_the_bar() -> None:
    """What is found meanwhile stands on a line of its own."""
    with on_a_terminal() as terminal, progress("auditing", 10) as reached:
        reached(5)
        tell("position 5: It is wrong.")
        seen = shown(terminal)

    assert re.search(r"\rposition 5: It is wrong\.\r\n\r?auditing: +50%", seen)


def test_a_pipe_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no terminal gets no bar."""
    with progress("replaying", 10) as reached:
        reached(5)

    assert capsys.readouterr() == ("", "")
