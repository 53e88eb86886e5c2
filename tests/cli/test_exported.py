"""The commands read an exported file as they read a log."""

from pathlib import Path

import pytest

from tests.cli.conftest import Chatr, File


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
def test_an_exported_log_says_the_same(
    chatr: Chatr, file: File, tmp_path: Path, command: tuple[str, ...], name: str
) -> None:
    """What is asked of a file is answered as the log that was exported would answer."""
    exported = tmp_path / name
    chatr("export", exported, "--log", file.url)

    assert chatr(*command, "--log", exported) == chatr(*command, "--log", file.url)
