"""Ctrl-C: a command stops where it is, without a traceback."""

import io
import signal
from contextlib import redirect_stderr, redirect_stdout

import pytest

from chatr.cli import progress
from tests.cli.conftest import Chatr, File


class Terminal(io.StringIO):
    """Somebody presses Ctrl-C as soon as there is something to see."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not self.getvalue():
            signal.raise_signal(signal.SIGINT)
        return super().write(text)


@pytest.mark.parametrize(
    "command",
    [
        ("log",),
        ("log", "--last", "1"),
        ("log", "--follow"),
        ("replay",),
        ("replay", "--diff", "1", "2026-01-01T00:02"),
        ("explain", "9"),
        ("audit",),
    ],
    ids=" ".join,
)
def test_control_c(chatr: Chatr, file: File, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    """The exit code is the shell's for Ctrl-C, and nothing is said of it."""
    monkeypatch.setattr(progress, "PATIENCE", 0)
    with redirect_stdout(Terminal()), redirect_stderr(Terminal()) as told:
        run = chatr(*command, "--log", file.url)

    assert run.code == 130
    assert "Traceback" not in told.getvalue()
    assert told.getvalue().split("\r")[-1].strip() == ""
