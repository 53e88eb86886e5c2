"""The path in --log sqlite:///… is the name of a file, exactly; what looks like something else is refused."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.cli.conftest import Chatr, LogFile
from tests.cli.steps import exported

REFUSED: Final = {
    ":memory:": "for a log in memory give memory:",
    r"C:\chatr.db": "it is a path of Windows, on which chatr does not run",
    "file:x": "write the path alone",
    "file:x?mode=ro": "write the path alone",
    "x?y": "write the path alone",
    "x?mode=memory&cache=shared": "write the path alone",
    "x/": "it ends with a slash",
    "-": "standard stream",
    "~": "~ stands for no folder",
    "~/x.db": "~ stands for no folder",
    "~ada/x.db": "~ stands for no folder",
}


def create_database(path: Path) -> None:
    """Create a database of another program."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table other (x)")


NO_LOG: Final[dict[str, Callable[[Path], object]]] = {
    "a folder": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a text": lambda path: path.write_text("hello" * 100),
    "a short text": lambda path: path.write_text("x"),
    "a database": create_database,
    "a link to a device": lambda path: path.symlink_to("/dev/null"),
    "a link in a circle": lambda path: path.symlink_to(path),
}


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    path = tmp_path_factory.mktemp("current")
    monkeypatch.chdir(path)
    return path


def commands(log_file: LogFile, url: str) -> list[tuple[object, ...]]:
    """Return one command of each kind for the log at `url`."""
    return [
        ("serve", "--port", "0", "--log", url),
        ("copy", log_file.url, url),
        ("log", "--log", url),
        ("backup", "backup.db", "--log", url),
        ("doctor", "--log", url),
        ("admin", "remove", "1", "--reason", "spam", "--log", url),
    ]


@pytest.mark.long
@pytest.mark.parametrize("path", REFUSED)
def test_what_is_no_name_of_a_file_makes_none(chatr: Chatr, log_file: LogFile, path: str, folder: Path) -> None:
    """Every command says what to write instead, and leaves no file."""
    for command in commands(log_file, f"sqlite:///{path}"):
        result = chatr(*command)

        assert (result.code != 0, REFUSED[path] in result.out + result.err) == (True, True), (command, result)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("create", NO_LOG.values(), ids=NO_LOG)
def test_nothing_is_made_beside_what_is_no_log(
    chatr: Chatr, log_file: LogFile, create: Callable[[Path], object], folder: Path
) -> None:
    """Not even a lock file is left beside a file that cannot be opened as a log."""
    create(folder / "x.db")
    for command in commands(log_file, "sqlite:///x.db")[:2]:
        assert chatr(*command).code == 2
    assert [path.name for path in folder.iterdir()] == ["x.db"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["a b.db", "a%20b.db", "ü #1.db", "a&b=c.db", "~x.db", "-x.db", "x.memory:"])
def test_other_names_are_taken_as_they_are(chatr: Chatr, log_file: LogFile, folder: Path, name: str) -> None:
    """Neither percent signs nor other characters are decoded, for writing and for reading."""
    export = exported(chatr, log_file)
    assert chatr("import", export, "--log", f"sqlite:///{name}").code == 0
    assert "10 records" in chatr("audit", "--log", f"sqlite:///{name}").out
    assert {name} == {path.name for path in folder.iterdir() if not path.name.startswith((f"{name}.", f"{name}-"))}


def test_an_url_of_sqlite_makes_no_file(chatr: Chatr, folder: Path) -> None:
    """The error for a log in memory says how to have one."""
    result = chatr("serve", "--log", "sqlite:///:memory:")

    assert (result.code, "for a log in memory give memory:" in result.err) == (2, True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("length", [256, 255, 240])
def test_a_name_that_leaves_no_room_for_those_of_the_files_beside(
    chatr: Chatr, log_file: LogFile, folder: Path, length: int
) -> None:
    """The error is one sentence that says what to do, and no file is left."""
    export, name = exported(chatr, log_file), "n" * length
    for arguments in (("import", export, "--log"), ("serve", "--port", "0", "--log")):
        result = chatr(*arguments, f"sqlite:///{name}")
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "Choose a shorter name." in result.err

    assert list(folder.glob("n*")) == []
