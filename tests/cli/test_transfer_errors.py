"""Logs that are not copied, imported or exported: the error is one sentence, and no log or file changes."""

from pathlib import Path

import pytest

from chatr.domain.commands import Command
from chatr.testing.records import records_after
from tests.cli.conftest import COMMANDS, Chatr, LogFile
from tests.cli.steps import NEXT_POST, OTHER_POST, error_of, exported, stored_records


@pytest.fixture
def export(chatr: Chatr, log_file: LogFile) -> Path:
    """The log of COMMANDS as an exported file."""
    return exported(chatr, log_file)


@pytest.mark.parametrize(
    ("target_commands", "sentence"),
    [
        ([*COMMANDS, OTHER_POST], "Record 11 is not the same in both logs"),
        (COMMANDS[:1] + COMMANDS[3:], "Record 2 is not the same"),
    ],
    ids=["another end", "another beginning"],
)
def test_nothing_is_appended_to_another_log(
    chatr: Chatr, log_file: LogFile, tmp_path: Path, target_commands: list[Command], sentence: str
) -> None:
    """A target that holds other records is an error, and it stays as it is."""
    log_file.append(records_after([*COMMANDS, NEXT_POST]))
    target = LogFile(tmp_path / "other.db")
    target.append(records_after(target_commands))
    before = stored_records(target.path)

    assert sentence in error_of(chatr, "copy", log_file.url, target.url)
    assert stored_records(target.path) == before


def test_nothing_is_removed_from_a_longer_log(chatr: Chatr, log_file: LogFile, export: Path) -> None:
    """A target that holds more records than the source is an error."""
    log_file.append(records_after([*COMMANDS, NEXT_POST]))

    assert "holds 11 records and the source only 10" in error_of(chatr, "import", export, "--log", log_file.url)


@pytest.mark.parametrize("command", ["copy", "import"])
def test_a_truncated_export_creates_no_log(chatr: Chatr, export: Path, tmp_path: Path, command: str) -> None:
    """A file whose end is missing is an error, and no log is created."""
    export.write_bytes(export.read_bytes()[:-1000])
    target = f"sqlite:///{tmp_path}/again.db"
    error = error_of(chatr, command, export, *(["--log"] if command == "import" else []), target)

    assert "is cut off after record" in error
    assert not (tmp_path / "again.db").exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"Hello, Bob!", b"Hello, Eve!", "Record 5 does not match its record hash"),
        (b'"head":"', b'"head":"00', "do not lead to the head in its last line"),
    ],
)
def test_a_changed_export_creates_no_log(
    chatr: Chatr, export: Path, tmp_path: Path, old: bytes, new: bytes, sentence: str
) -> None:
    """A file that was changed after the export is an error, and no log is created."""
    export.write_bytes(export.read_bytes().replace(old, new))

    assert sentence in error_of(chatr, "import", export, "--log", f"sqlite:///{tmp_path}/again.db")
    assert not (tmp_path / "again.db").exists()


def test_an_existing_file_is_not_overwritten(chatr: Chatr, log_file: LogFile, export: Path) -> None:
    """The error names the file that exists, and it stays as it is."""
    before = export.read_bytes()

    assert f"{export} exists" in error_of(chatr, "export", export, "--log", log_file.url)
    assert export.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("export", "room.jsonl", "--log", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("import", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("copy", "nowhere.jsonl", "sqlite:///copy.db"), "nowhere.jsonl cannot be read"),
        (("copy", "memory:", "sqlite:///copy.db"), "memory: is no log that can be read"),
        (("copy", "room.jsonl", "again.jsonl"), "again.jsonl is a file: write it with chatr export"),
        (("backup", "copy.db", "--log", "memory:"), "not a SQLite log"),
        (("backup", "copy.db", "--log", "sqlite:///nowhere.db"), "nowhere.db cannot be opened"),
    ],
    ids=" ".join,
)
def test_a_source_or_target_that_cannot_be_used(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    """The error names the source or the target, and no file is created."""
    monkeypatch.chdir(tmp_path)

    assert sentence in error_of(chatr, *arguments)
    assert list(tmp_path.iterdir()) == []
