"""What is not moved: one sentence, and everything stays as it is."""

from pathlib import Path

import pytest

from chatr.domain.commands import Command
from chatr.testing.records import accepted
from tests.cli.conftest import PAST, Chatr, File
from tests.cli.moving import MORE, OTHER, done, exported, refused, stored


@pytest.fixture
def export(chatr: Chatr, file: File) -> Path:
    """The log of PAST, exported."""
    return exported(chatr, file)


@pytest.mark.parametrize(
    ("there", "told"),
    [([*PAST, OTHER], "Record 11 is not the same in both logs"), (PAST[:1] + PAST[3:], "Record 2 is not the same")],
    ids=["another end", "another beginning"],
)
def test_another_log_is_not_added_to(chatr: Chatr, file: File, tmp_path: Path, there: list[Command], told: str) -> None:
    """A target with other records in it is refused, and stays as it is."""
    file.write(accepted([*PAST, MORE]))
    target = File(tmp_path / "other.db")
    target.write(accepted(there))
    before = stored(target.path)

    assert told in refused(chatr, "copy", file.url, target.url)
    assert stored(target.path) == before


def test_a_longer_log_is_not_added_to(chatr: Chatr, file: File, export: Path) -> None:
    """A target that holds more than the source is refused: nothing is ever taken away."""
    file.write(accepted([*PAST, MORE]))

    assert "holds 11 records already, and the source 10" in refused(chatr, "import", export, "--log", file.url)


@pytest.mark.parametrize("command", ["copy", "import"])
def test_a_cut_off_export_is_not_moved(chatr: Chatr, export: Path, tmp_path: Path, command: str) -> None:
    """Nothing is made of a file whose end is missing."""
    export.write_bytes(export.read_bytes()[:-1000])
    target = f"sqlite:///{tmp_path}/again.db"
    told = refused(chatr, command, export, *(["--log"] if command == "import" else []), target)

    assert "is cut off after record" in told
    assert not (tmp_path / "again.db").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"Hello, Bob!", b"Hello, Eve!", "Record 5 does not fit its check"),
        (b'"head":"', b'"head":"00', "do not come out at the head that closes it"),
    ],
)
def test_a_changed_export_is_not_imported(
    chatr: Chatr, export: Path, tmp_path: Path, old: bytes, new: bytes, told: str
) -> None:
    """What was changed after it was exported makes no log."""
    export.write_bytes(export.read_bytes().replace(old, new))

    assert told in refused(chatr, "import", export, "--log", f"sqlite:///{tmp_path}/again.db")
    assert not (tmp_path / "again.db").exists()


def test_a_changed_log_is_exported_as_it_is(chatr: Chatr, file: File, tmp_path: Path) -> None:
    """Whoever wants to look into what was changed can have it byte for byte; it is not copied as if it were right."""
    file.alter("update log set data = replace(data, 'Bob', 'Eve') where position = 5")
    done(chatr, "export", tmp_path / "room.jsonl", "--log", file.url)

    assert "Hello, Eve!" in (tmp_path / "room.jsonl").read_text()
    assert "Record 5 does not fit its check" in refused(chatr, "copy", file.url, f"sqlite:///{tmp_path}/copy.db")


def test_nothing_is_overwritten(chatr: Chatr, file: File, export: Path) -> None:
    """A file that exists is named, and stays as it is."""
    before = export.read_bytes()

    assert f"{export} exists" in refused(chatr, "export", export, "--log", file.url)
    assert export.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export", "room.jsonl", "--log", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("import", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("copy", "nowhere.jsonl", "sqlite:///copy.db"), "nowhere.jsonl cannot be read"),
        (("copy", "memory:", "sqlite:///copy.db"), "memory: is no log that can be read"),
        (("copy", "room.jsonl", "again.jsonl"), "again.jsonl is a file: write it with chatr export"),
        (("backup", "copy.db", "--log", "memory:"), "memory: is no SQLite log"),
        (("backup", "copy.db", "--log", "sqlite:///nowhere.db"), "nowhere.db cannot be opened"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_moved(
    chatr: Chatr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    """What is no log, and what is no place for one, is named; and nothing is made."""
    monkeypatch.chdir(tmp_path)

    assert told in refused(chatr, *arguments)
    assert list(tmp_path.iterdir()) == []
