"""A SQLite log has one writer, whatever names its file has."""

import asyncio
import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.sqlite import lock
from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.lock import LogInUse, has_writer
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.ports import CannotOpenLog
from chatr.testing.contract.steps import append_many
from tests.requirements import skip_or_fail

OTHER_NAME: Final[dict[str, Callable[[Path, Path], None]]] = {
    "hard link": os.link,
    "symbolic link": os.symlink,
    "renamed": os.rename,
}


@pytest.mark.parametrize("give_name", OTHER_NAME.values(), ids=OTHER_NAME)
async def test_a_file_has_one_writer_under_all_of_its_names(
    path: Path, give_name: Callable[[Path, Path], None]
) -> None:
    """A second process that opens the file under another name is refused, and leaves no file."""
    other = path.with_name("other.db")
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        give_name(path, other)
        before = sorted(path.parent.iterdir())
        with pytest.raises(CannotOpenLog):
            async with sqlite_log(other):
                pass

        assert before == sorted(path.parent.iterdir())


async def test_the_lock_is_on_the_file_and_not_on_its_name(path: Path) -> None:
    """Also after its lock file was deleted, a log that a process writes is not opened by another."""
    async with sqlite_log(path):
        path.with_name("chatr.db.lock").unlink()
        with pytest.raises(LogInUse):
            async with sqlite_log(path):
                pass


@pytest.mark.long
async def test_the_lock_outlives_the_connections(path: Path) -> None:
    """The lock holds while readers in the same process open and close the file, and ends with the log."""
    async with sqlite_log(path):
        for _ in range(2):
            async with sqlite_reader(path):
                pass
        assert writer_seen_by_another_process(path)

    assert not writer_seen_by_another_process(path)


async def test_readers_in_the_process_of_the_writer_release_none_of_its_locks(path: Path) -> None:
    """Nor does a second writer. Else a program that closes the log would remove the -wal file that is in use."""
    program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('select count(*) from log').fetchall()"
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        async with sqlite_reader(path):
            pass
        with pytest.raises(LogInUse):
            async with sqlite_log(path):
                pass
        await asyncio.to_thread(subprocess.check_call, [sys.executable, "-c", program, path])

        assert beside(path, "-wal").exists()


async def test_no_descriptor_of_a_reader_stays_open(path: Path) -> None:
    """All readers in the process of the writer share one descriptor, which is closed together with the log."""
    before = open_descriptors()
    numbers = set()
    async with sqlite_log(path):
        for _ in range(3):
            async with sqlite_reader(path):
                pass
            numbers.add(open_descriptors())

    assert (1, before) == (len(numbers), open_descriptors())


def open_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def writer_seen_by_another_process(path: Path) -> bool:
    """Return whether another process finds that the log has a writer."""
    program = (
        "import sys, pathlib; from chatr.adapters.stores.sqlite import lock; "
        "print(lock.has_writer(pathlib.Path(sys.argv[1])))"
    )
    return subprocess.check_output([sys.executable, "-c", program, path], text=True).strip() == "True"


async def test_earlier_versions_are_excluded_and_exclude(path: Path) -> None:
    """The lock of earlier versions, which is on the file beside the log, holds in both directions."""
    with path.with_name("chatr.db.lock").open("w") as earlier:
        async with sqlite_log(path):
            with pytest.raises(BlockingIOError):
                fcntl.flock(earlier, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(earlier, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(LogInUse):
            async with sqlite_log(path):
                pass


async def test_a_file_with_two_names_is_not_opened_for_writing(path: Path) -> None:
    """The error says what to do: SQLite would look for new records beside the wrong name."""
    async with sqlite_log(path):
        pass
    os.link(path, path.with_name("other.db"))
    with pytest.raises(CannotOpenLog, match=r"2 names \(hard links\).*Copy it with chatr backup"):
        async with sqlite_log(path):
            pass
    path.with_name("other.db").unlink()
    async with sqlite_log(path):
        pass


async def test_a_file_that_is_mounted_by_itself_is_not_opened_for_writing(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that gets the file alone would lose the -wal file: the error says to mount the folder."""
    async with sqlite_log(path):
        pass
    mounts = tmp_path_factory.mktemp("proc") / "mountinfo"
    mounts.write_text(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:1 /a.db {path} rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr("chatr.adapters.stores.sqlite.mounts.MOUNTS", mounts)
    with pytest.raises(CannotOpenLog, match=r"mounted by itself.* Mount the folder\.$"):
        async with sqlite_log(path):
            pass


async def test_a_log_that_is_written_under_another_name_is_not_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest records are beside the name that the server was given, and would silently be missed."""
    monkeypatch.setattr("chatr.adapters.stores.sqlite.reader.PATIENCE", 0.05)
    other = path.with_name("other.db")
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        os.link(path, other)
        with pytest.raises(CannotOpenLog, match="under another name"):
            async with sqlite_reader(other):
                pass


async def test_a_reader_of_a_second_name_warns(path: Path) -> None:
    """A killed writer may have left records beside the other name. A backup has no -wal file, and no warning."""
    other, copy = path.with_name("other.db"), path.with_name("backup.db")
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        await backup(path, copy, lambda _: None)
    os.link(path, other)
    os.link(copy, path.with_name("backup2.db"))
    with capture_logs() as lines:
        for each in (copy, other):
            async with sqlite_reader(each) as reader:
                assert await reader.head() == 1

    assert [("records_may_be_missing", str(other))] == [(line["event"], line["log"]) for line in lines]


@pytest.mark.parametrize("name", ["ENOLCK", "EOVERFLOW", "EIO"])
async def test_a_disk_without_one_of_the_locks(path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One of the two locks is enough, whatever error the disk reports; with neither, the log is not opened."""

    def refuse(_descriptor: int) -> None:
        raise OSError(getattr(errno, name), name)

    with monkeypatch.context() as patch:
        patch.setattr(lock, "lock_whole", refuse)
        async with sqlite_log(path):
            assert has_writer(path)
    monkeypatch.setattr(lock, "lock_byte", refuse)
    async with sqlite_log(path):
        assert not has_writer(path)
    monkeypatch.setattr(lock, "lock_whole", refuse)
    with pytest.raises(CannotOpenLog, match="its disk has no locks"):
        async with sqlite_log(path):
            pass


@pytest.mark.long
def test_a_file_that_is_really_mounted_by_itself(path: Path) -> None:
    """A bind mount of the file from the same disk is noticed, that of its folder is not refused."""
    path.touch()
    program = f"""
        mount --bind {path} {path} && ! {sys.executable} -m chatr import /dev/null --log sqlite:///{path}
        {sys.executable} -c 'import pathlib
from chatr.adapters.stores.sqlite.lock import why_not_alone
print(why_not_alone(pathlib.Path("{path}")))'
        umount {path} && mount --bind {path.parent} {path.parent}
        {sys.executable} -c 'import pathlib
from chatr.adapters.stores.sqlite.lock import why_not_alone
print(why_not_alone(pathlib.Path("{path}")))'
    """
    done = subprocess.run(["unshare", "--mount", "sh", "-c", program], check=False, capture_output=True, text=True)
    if "Operation not permitted" in done.stderr:
        skip_or_fail("needs the right to mount")

    assert [line.split(",")[0] for line in done.stdout.splitlines()] == ["its file is mounted by itself", "None"]
