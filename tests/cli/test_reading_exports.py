"""The commands read an exported file as they read a log."""

from pathlib import Path

import pytest

from tests.cli.conftest import Chatr, LogFile


@pytest.mark.parametrize("name", ["chatr.jsonl", "chatr.jsonl.gz"])
@pytest.mark.parametrize(
    "command",
    [
        ("log", "--agent", "Ada"),
        ("replay", "--at", "2026-01-01T00:02", "--agent", "Ada"),
        ("replay", "--diff", "3", "9"),
        ("explain", "9"),
        ("audit",),
    ],
    ids=" ".join,
)
def test_an_export_is_read_like_its_log(
    chatr: Chatr, log_file: LogFile, tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    """A command prints the same for an exported file as for the log that was exported."""
    export = tmp_path / name
    chatr("export", export, "--log", log_file.url)

    assert chatr(*command, "--log", export) == chatr(*command, "--log", log_file.url)
