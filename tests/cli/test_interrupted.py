"""Ctrl-C stops a command without a traceback."""

import io
import signal
from contextlib import redirect_stderr, redirect_stdout

import pytest

from chatr.cli.output import progress
from tests.cli.conftest import Chatr, LogFile


class InterruptingTerminal(io.StringIO):
    """A terminal that sends SIGINT to this process when something is written to it for the first time."""

    def isatty(self) -> bool:
        """Make commands show a progress bar."""
        return True

    def write(self, text: str) -> int:
        """Send SIGINT before the first text."""
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
        ("doctor",),
    ],
    ids=" ".join,
)
def test_an_interrupted_command_ends_quietly(
    chatr: Chatr, log_file: LogFile, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """After Ctrl-C the exit code is 130, and neither a traceback nor a progress bar is left on the terminal."""
    # The commands take no such option: the bar has to appear at once, so that Ctrl-C comes in the midst of the work.
    monkeypatch.setattr(progress, "BAR_DELAY", 0)
    with redirect_stdout(InterruptingTerminal()), redirect_stderr(InterruptingTerminal()) as errors:
        result = chatr(*command, "--log", log_file.url)

    assert result.code == 130
    assert "Traceback" not in errors.getvalue()
    assert errors.getvalue().split("\r")[-1].strip() == ""
