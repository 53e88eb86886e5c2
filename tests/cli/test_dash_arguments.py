"""A file argument of - is standard output or standard input, and never a file of that name."""

import errno
import io
import os
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest

from tests.cli.conftest import Chatr, LogFile, Result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which a file named - would appear."""
    (tmp_path / "current").mkdir()
    monkeypatch.chdir(tmp_path / "current")
    return tmp_path / "current"


def given(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a text on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))


def export(chatr: Chatr, log_file: LogFile, *arguments: str) -> Result:
    """Export a log to standard output."""
    return chatr("export", "-", *arguments, "--log", log_file.url)


def test_an_export_to_standard_output_is_that_to_a_file(
    chatr: Chatr, log_file: LogFile, tmp_path: Path, folder: Path
) -> None:
    """Standard output has the lines of the file and nothing else; what was done is on standard error."""
    chatr("export", tmp_path / "file.jsonl", "--log", log_file.url)
    result = export(chatr, log_file)

    assert result.out == (tmp_path / "file.jsonl").read_text()
    assert "10 records exported. Head:" in result.err
    assert list(folder.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("form", ["md", "csv"])
def test_a_transcript_to_standard_output_is_that_to_a_file(
    form: str, chatr: Chatr, log_file: LogFile, tmp_path: Path
) -> None:
    """Standard output stays open after it, and has the bytes of the file."""
    chatr("export", tmp_path / "file", "--transcript", form, "--log", log_file.url)
    result = export(chatr, log_file, "--transcript", form)

    assert result.out.encode() == (tmp_path / "file").read_bytes()
    assert result.code == 0


@pytest.mark.long
def test_an_export_on_standard_input_is_read(
    chatr: Chatr, log_file: LogFile, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """`chatr export - | ssh … chatr import -` moves a log; other commands that read a log take - too."""
    content = export(chatr, log_file).out
    given(content, monkeypatch)
    assert "10 records copied" in chatr("import", "-", "--log", "sqlite:///new.db").out
    given(content, monkeypatch)
    assert "10 records of log" in chatr("audit", "--log", "-").out
    given(content, monkeypatch)
    assert "10 records copied" in chatr("copy", "-", "sqlite:///copy.db").out

    assert not (folder / "-").exists()


@pytest.mark.parametrize("content", ["", "no export\n"])
def test_other_standard_input_is_refused(
    chatr: Chatr, content: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The error names standard input, and no log is created."""
    given(content, monkeypatch)
    result = chatr("import", "-", "--log", "sqlite:///new.db")

    assert (result.code, result.err) == (2, "chatr: standard input is no exported log.\n")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("more", [(), ("--keep", "3"), ("--every", "1h")])
def test_a_backup_is_not_written_to_standard_output(
    chatr: Chatr, log_file: LogFile, folder: Path, more: tuple[str, ...]
) -> None:
    """A backup is a database: the error names what can be written there."""
    result = chatr("backup", "-", *more, "--log", log_file.url)

    assert (result.code, result.err.endswith("use chatr export -.\n")) == (2, True)
    assert list(folder.iterdir()) == []


def test_a_file_of_that_name_is_written_with_its_folder(chatr: Chatr, log_file: LogFile, folder: Path) -> None:
    """./- is a file."""
    assert chatr("export", "./-", "--log", log_file.url).code == 0
    assert [path.name for path in folder.iterdir()] == ["-"]


def test_two_logs_on_standard_input(chatr: Chatr) -> None:
    """The second one would be empty: the error says so instead of calling it no log."""
    result = chatr("diff", "-", "-")

    assert (result.code, result.err) == (2, "chatr: Only one of the two logs can be on standard input.\n")


def test_a_copy_of_standard_input_that_does_not_fit(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which folder is full, and what to set."""

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    given("{}", monkeypatch)
    monkeypatch.setattr("shutil.copyfileobj", full)
    result = chatr("import", "-", "--log", f"sqlite:///{tmp_path}/new.db")

    assert result.code == 2
    assert result.err == (
        f"chatr: standard input cannot be read: {gettempdir()} has no room for a temporary copy. "
        "Set TMPDIR to another folder.\n"
    )
