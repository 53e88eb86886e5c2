"""chatr backup --every and --keep: backups in a folder, one after the other, of which the oldest are deleted."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from chatr.atomic_file import create_atomically
from chatr.cli.backup_folder import BackupFolder
from chatr.cli.repeated_backup import RepeatedBackup, first_pause
from chatr.domain.chain import CHAIN_START, ChainPoint
from chatr.domain.commands import AdoptLimits
from chatr.domain.limits import HOUR, Limits
from chatr.testing.clock import START
from chatr.testing.records import records_after
from tests.cli.conftest import COMMANDS, Chatr, LogFile, StartChatr
from tests.cli.steps import error_of, output_of, stored_records
from tests.conftest import Serve

OLD = ["chatr-2026-01-01T00-00-00Z.db", "chatr-2026-01-01T01-00-00Z.db", "chatr-2026-01-02T00-00-00Z.db"]
FOREIGN = [
    "chatr.db",
    "chatr-monday.db",
    "chatr-2026-01-01T00-00-00Z.db.gz",
    "chatr-2026-01-01T00-00-00Z (copy).db",
    "chatr-2026-02-30T00-00-00Z.db",
    "chatr-2026-01-01T00-00-00.db",
    "chatr-٢٠٢٦-01-01T00-00-00Z.db",
    "my-chatr-2026-01-01T00-00-00Z.db",
    "room-2026-01-01T00-00-00Z.db",
]


@pytest.fixture
def folder(tmp_path: Path, log_file: LogFile) -> Path:
    """A folder with three old backups of the log, and files that are none of its backups."""
    folder = tmp_path / "backups"
    folder.mkdir()
    with closing(sqlite3.connect(log_file.path)) as db:
        db.execute("pragma journal_mode = delete")  # as in a backup
    for name in (*OLD, *FOREIGN):
        shutil.copy(log_file.path, folder / name)
    return folder


@pytest.fixture
def locked(folder: Path, log_file: LogFile) -> Iterator[BackupFolder]:
    """The same folder, held by this process."""
    with BackupFolder.locked(folder, log_file.path) as locked:
        yield locked


def names(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_backup_in_a_folder_is_named_by_its_time(chatr: Chatr, log_file: LogFile, tmp_path: Path) -> None:
    """With --keep the folder is made for its owner only, and the backup in it has a name that sorts by time in UTC."""
    output = output_of(chatr, "backup", "--keep", 3, tmp_path / "new/backups", "--log", log_file.url)
    (file,) = (tmp_path / "new/backups").iterdir()

    assert file.match("chatr-2[0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]-[0-5][0-9]-[0-5][0-9]Z.db")
    assert str(file) in output
    assert stored_records(file) == stored_records(log_file.path)
    assert (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("keep", [1, 3, 24])
def test_the_newest_are_left(chatr: Chatr, log_file: LogFile, folder: Path, keep: int) -> None:
    """After a backup, so many are left, the newest ones; files with other names are."""
    output_of(chatr, "backup", "--keep", keep, folder, "--log", log_file.url)
    (new,) = names(folder) - {*OLD, *FOREIGN}

    assert names(folder) == {new, *FOREIGN, *sorted(OLD, reverse=True)[: keep - 1]}


def test_backups_of_another_room_are_left(chatr: Chatr, folder: Path, tmp_path: Path) -> None:
    """A file whose name fits is deleted only if it begins with the same record, and not if it cannot be read."""
    (folder / OLD[0]).write_bytes(b"Dear diary")
    (tmp_path / "other").mkdir()
    other = LogFile(tmp_path / "other/chatr.db")
    other.append([evolve(first, id=str(uuid4())) for first in records_after([AdoptLimits(Limits(), START + HOUR)])])
    output_of(chatr, "backup", "--keep", 1, folder, "--log", other.url)

    assert {*OLD, *FOREIGN} < names(folder)


def test_links_and_folders_are_left(chatr: Chatr, log_file: LogFile, folder: Path) -> None:
    """Whatever chatr did not write is left, also under the name of a backup."""
    (folder / OLD[0]).unlink()
    (folder / OLD[0]).symlink_to(log_file.path)
    (folder / OLD[1]).unlink()
    (folder / OLD[1]).mkdir()
    output_of(chatr, "backup", "--keep", 1, folder, "--log", log_file.url)

    assert names(folder) & {*OLD} == {OLD[0], OLD[1]}


def test_the_backup_just_written_stays(locked: BackupFolder, log_file: LogFile) -> None:
    """After the clock stepped back, older backups have later times, and the new one is left nevertheless."""
    new = locked.file_at(0)
    shutil.copy(log_file.path, new)
    locked.delete_older(new, 2)

    assert names(locked.path) == {new.name, OLD[-1], *FOREIGN}


def test_unfinished_backups_are_deleted(locked: BackupFolder) -> None:
    """What a killed process left is deleted before the next backup, and unfinished files of other programs are not."""
    partials = [f"{OLD[0]}.x1_y.part", "room-2026-01-01T00-00-00Z.db.x1_y.part", "film.mkv.part", "chatr.db.x.part"]
    for name in partials:
        (locked.path / name).touch()
    locked.remove_unfinished()

    assert names(locked.path) == {*OLD, *FOREIGN, *partials[1:]}


def test_a_folder_is_for_one_command(chatr: Chatr, locked: BackupFolder, log_file: LogFile) -> None:
    """A second backup into the same folder at the same time ends with a sentence."""
    sentence = error_of(chatr, "backup", "--keep", 1, locked.path, "--log", log_file.url)

    assert "Another chatr backup writes to" in sentence


def test_a_file_is_no_folder(chatr: Chatr, log_file: LogFile) -> None:
    """A folder that cannot be made is reported at once, not again and again."""
    sentence = error_of(chatr, "backup", "--every", "1h", log_file.path, "--log", log_file.url)

    assert "cannot be the folder of the backups" in sentence


@pytest.mark.parametrize("text", ["", "1", "h", "0h", "-1h", "1.5h", "1 h", "1H", "1y", "53w", "٣h", "9999999999s"])
def test_bad_durations_are_refused(chatr: Chatr, tmp_path: Path, text: str) -> None:
    """--every takes a whole number and a unit, up to a year."""
    result = chatr("backup", f"--every={text}", tmp_path)

    assert result.code == 2
    assert "is no duration, such as 90s, 30m, 1h, 7d or 2w" in result.err


@pytest.mark.parametrize(
    ("newest", "pause"), [(0, 0), (500, 0), (640, 0), (700, 60), (1000, 360), (1001, 0), (9999, 0)]
)
def test_the_first_backup_is_due_after_the_last_one(newest: float, pause: float) -> None:
    """A command that is started again waits until the newest backup is old enough, unless that is in the future."""
    assert first_pause(newest, 360, 1000) == pause


async def test_a_signal_stops_a_backup_that_is_being_written(tmp_path: Path, log_file: LogFile) -> None:
    """SIGTERM in the midst of a backup ends the command in order and leaves no file."""
    writing: list[str] = []

    async def back_up(file: Path) -> ChainPoint:
        with create_atomically(file) as partial:
            writing.append(partial.name)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        return CHAIN_START

    with BackupFolder.locked(tmp_path / "backups", log_file.path) as folder, capture_logs():
        await RepeatedBackup(folder, 3600, None, back_up).run_until_signal()

    assert (len(writing), names(tmp_path / "backups")) == (1, set())


def next_event(process: subprocess.Popen[str], name: str) -> dict[str, object]:
    """Return the next log line of this name that a process writes."""
    assert process.stderr is not None
    for line in process.stderr:
        event: dict[str, object] = json.loads(line)
        if event["event"] == name:
            return event
    pytest.fail(f"the command ended with {process.wait()}")


@pytest.mark.long
def test_the_command_stops_in_order(start_chatr: StartChatr, log_file: LogFile, tmp_path: Path) -> None:
    """The first backup is made at once; SIGTERM then ends the command with exit code 0."""
    process = start_chatr("backup", "--every", "1h", tmp_path / "backups", "--log", log_file.url)
    event = next_event(process, "backed_up")
    process.terminate()

    assert (event["records"], process.wait()) == (len(COMMANDS), 0)
    assert {str(path) for path in (tmp_path / "backups").iterdir()} == {event["file"]}


@pytest.mark.long
def test_backups_go_on_after_one_failed(start_chatr: StartChatr, log_file: LogFile, tmp_path: Path) -> None:
    """Backups are made again and again, the oldest are deleted, and one that fails is logged and leaves no file."""
    arguments = ("backup", "--every", "1s", "--keep", "2", tmp_path / "backups", "--log", log_file.url)
    process = start_chatr(*arguments)
    for _ in range(3):
        last = next_event(process, "backed_up")
    kept = names(tmp_path / "backups")
    log_file.path.rename(tmp_path / "away.db")
    failed = next_event(process, "backup_failed")
    (tmp_path / "away.db").rename(log_file.path)
    again = next_event(process, "backed_up")
    process.terminate()

    assert (len(kept), process.wait()) == (2, 0)
    assert "cannot be opened" in str(failed["reason"])
    assert Path(str(last["file"])).name in kept
    assert names(tmp_path / "backups") == {Path(str(each["file"])).name for each in (last, again)}


@pytest.mark.long
def test_a_room_is_restored_from_a_backup(chatr: Chatr, serve: Serve, log_file: LogFile, tmp_path: Path) -> None:
    """A server that is started on a backup has the head of the one that ran meanwhile, and its file stays."""
    arguments = ("backup", "--keep", 1, tmp_path / "backups", "--log", log_file.url)
    head = serve("--log", log_file.url).get("/api/log/head")
    output_of(chatr, *arguments)
    (file,) = (tmp_path / "backups").iterdir()
    file = file.rename(file.with_name(OLD[0]))
    restored = serve("--log", f"sqlite:///{file}")
    output_of(chatr, *arguments)

    assert restored.get("/api/log/head") == head
    assert file.exists()
