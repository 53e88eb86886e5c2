"""A log that is being copied to a new file is not taken for a complete one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatr.testing.records import records_after
from tests.cli.conftest import COMMANDS, Chatr, LogFile
from tests.cli.steps import NEXT_POST, OTHER_POST, error_of, exported, output_of, stored_records


@pytest.fixture
def incomplete(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> LogFile:
    """What a copy to again.db leaves that was interrupted."""
    left = LogFile(tmp_path / "again.db.incomplete")
    output_of(chatr, "copy", log_file.url, left.url)
    return left


@pytest.mark.parametrize("command", ["copy", "import"])
def test_an_interrupted_copy_is_continued(
    chatr: Chatr, log_file: LogFile, incomplete: LogFile, tmp_path: Path, command: str
) -> None:
    """The next copy appends the rest to FILE.incomplete and renames it, so that no other file is left."""
    log_file.append(records_after([*COMMANDS, NEXT_POST]))
    again = LogFile(tmp_path / "again.db")
    if command == "copy":
        result = output_of(chatr, "copy", log_file.url, again.url)
    else:
        result = output_of(chatr, "import", exported(chatr, log_file), "--log", again.url)

    assert result.startswith("1 record copied, 10 were there.")
    assert [each.name for each in tmp_path.glob("again*")] == ["again.db"]
    assert stored_records(again.path) == stored_records(log_file.path)


def test_another_log_is_not_added_to_an_interrupted_copy(
    chatr: Chatr, log_file: LogFile, incomplete: LogFile, tmp_path: Path
) -> None:
    """The error names the file that an interrupted copy of another log left, and what to do with it."""
    incomplete.append(records_after([*COMMANDS, OTHER_POST]))
    log_file.append(records_after([*COMMANDS, NEXT_POST]))

    error = error_of(chatr, "copy", log_file.url, f"sqlite:///{tmp_path}/again.db")
    assert f"{incomplete.path}: delete it to begin again" in error
    assert incomplete.path.exists()


def test_a_copy_of_an_altered_log_leaves_no_file(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """What was copied before the altered record is deleted."""
    log_file.alter("update log set data = replace(data, 'example', 'exempla') where position = 9")

    assert "Record 9 does not match" in error_of(chatr, "copy", log_file.url, f"sqlite:///{tmp_path}/again.db")
    assert list(tmp_path.glob("again*")) == []


def test_a_log_that_was_lost_is_not_copied_over(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Where a log is missing and its head file is there, a copy to its name is an error as a start is."""
    export = exported(chatr, log_file)
    log_file.path.unlink()

    assert "is missing or empty, and had 10 records" in error_of(chatr, "import", export, "--log", log_file.url)


def test_an_incomplete_copy_that_is_read_keeps_its_name(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """Records may be in its -wal file alone while another program reads it, so the copy is renamed by the next run."""
    again = LogFile(tmp_path / "again.db")
    left = LogFile(tmp_path / "again.db.incomplete")
    left.append(records_after(COMMANDS[:3]))
    with closing(sqlite3.connect(left.path)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from log").fetchall()
        failed = chatr("copy", log_file.url, again.url)
    output_of(chatr, "copy", log_file.url, again.url)

    assert failed.code == 1
    assert f"another program reads {left.path}" in failed.err
    assert stored_records(again.path) == stored_records(log_file.path)


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["audit"], ["admin", "close", "--reason", "x"]])
def test_nothing_is_begun_in_the_place_of_an_interrupted_copy(
    chatr: Chatr, incomplete: LogFile, tmp_path: Path, command: list[str]
) -> None:
    """A server would start an empty room. The error says what is there, and how it is completed."""
    error = error_of(chatr, *command, "--log", f"sqlite:///{tmp_path}/again.db")

    assert f"only the first part of one, {incomplete.path}: a copy has not ended. Run the same" in error
    assert [each.name for each in tmp_path.glob("again*") if ".incomplete" not in each.name] == []


def test_the_error_for_a_missing_log_has_no_number(chatr: Chatr, tmp_path: Path) -> None:
    """People read words."""
    path = tmp_path / "none.db"

    assert f"chatr: The log at {path} cannot be opened: No such file or directory. Check" in error_of(
        chatr, "log", "--log", f"sqlite:///{path}"
    )


def test_a_copy_follows_a_symbolic_link(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """A link to a file that is not there yet stays a link, and the log is made where it leads."""
    link, target = tmp_path / "link.db", LogFile(tmp_path / "disk.db")
    link.symlink_to(target.path)
    output_of(chatr, "copy", log_file.url, f"sqlite:///{link}")

    assert link.is_symlink()
    assert stored_records(target.path) == stored_records(log_file.path)


def test_a_copy_does_not_write_where_another_name_leads(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """In a folder for everybody, another user may have made FILE.incomplete a link to any file."""
    other = tmp_path / "other.db"
    (tmp_path / "again.db.incomplete").symlink_to(other)

    assert "is a symbolic link" in error_of(chatr, "copy", log_file.url, f"sqlite:///{tmp_path}/again.db")
    assert not other.exists()
