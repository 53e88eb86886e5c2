"""Ctrl-C stops a command without a traceback."""

import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

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
        ("log", "--log", "LOG"),
        ("log", "--last", "1", "--log", "LOG"),
        ("log", "--follow", "--log", "LOG"),
        ("replay", "--log", "LOG"),
        ("replay", "--diff", "1", "2026-01-01T00:02", "--log", "LOG"),
        ("explain", "9", "--log", "LOG"),
        ("audit", "--log", "LOG"),
        ("doctor", "--log", "LOG"),
        ("diff", "LOG", "LOG"),
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
        result = chatr(*(log_file.url if each == "LOG" else each for each in command))

    assert result.code == 130
    assert "Traceback" not in errors.getvalue()
    assert errors.getvalue().split("\r")[-1].strip() == ""


@pytest.mark.long
def test_a_command_that_is_still_starting_ends_quietly(tmp_path: Path) -> None:
    """On a busy machine its modules take seconds to import."""
    (tmp_path / "tqdm.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    audit = [sys.executable, "-m", "chatr", "audit"]
    ended = subprocess.run(audit, env=os.environ | {"PYTHONPATH": path}, capture_output=True, check=False)

    assert (ended.returncode, ended.stderr) == (130, b"")


@pytest.mark.long
def test_variables_of_the_progress_bar_are_ignored(log_file: LogFile) -> None:
    """People set them for other programs, and one with a wrong value must not stop an audit."""
    environ = os.environ | {"TQDM_MININTERVAL": "x", "TQDM_NCOLS": ""}
    audit = [sys.executable, "-m", "chatr", "audit", "--log", log_file.url]

    assert subprocess.run(audit, env=environ, capture_output=True, check=False).returncode == 0
