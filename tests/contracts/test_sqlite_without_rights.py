"""A SQLite log is read by whoever may read its files, also without the right to write them or their folder."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.sqlite.backup import backup
from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.head import last_position_and_id_at
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.cli.doctor.log_content import check_pages
from chatr.ports import CannotOpenLog, LogDamaged
from chatr.testing.contract.steps import append_many, read_all
from tests.requirements import skip_or_fail

NOBODY: Final = 65534
"""The id of the user without rights."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that all users may reach, unlike that of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o700)


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Run the block as a user who may read the files in the folder, but neither write nor add any."""
    for path in folder.iterdir():
        path.chmod(path.stat().st_mode & 0o444)
    folder.chmod(0o555)
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def stopped(path: Path) -> None:
    """Create a log with three records whose writer has closed it."""
    async with sqlite_log(path) as log:
        await append_many(log, 3)


async def killed(path: Path) -> None:
    """Create a log with three records whose writer was killed: two of them are only in the -wal file."""
    original = path.with_name("original.db")
    async with sqlite_log(original) as log:
        await append_many(log, 3)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{original}{suffix}", f"{path}{suffix}")
    for file in path.parent.glob("original.db*"):
        file.unlink()


async def with_an_empty_wal_file(path: Path) -> None:
    """Create a log that was stopped, with an empty -wal file as some tools leave it."""
    await stopped(path)
    beside(path, "-wal").touch()


async def killed_without_shm(path: Path) -> None:
    """Create a log whose writer was killed, and which was copied without its -shm file."""
    await killed(path)
    beside(path, "-shm").unlink()


async def killed_with_a_private_shm(path: Path) -> None:
    """Create a log whose writer was killed, and whose -shm file only root may read."""
    await killed(path)
    beside(path, "-shm").chmod(0)


STATES: Final = [stopped, with_an_empty_wal_file, killed, killed_without_shm, killed_with_a_private_shm]


def open_to_readers(folder: Path) -> None:
    """Let all users read the files that their owner may read."""
    for path in folder.iterdir():
        if path.stat().st_mode & stat.S_IRUSR:
            path.chmod(0o644)


def give_rights_back(path: Path) -> None:
    """Let the owner write the log and its folder again."""
    path.parent.chmod(0o755)
    path.chmod(0o644)


def names_in(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("prepare", STATES)
async def test_every_record_is_read_without_rights(prepare: Callable[[Path], Awaitable[None]], folder: Path) -> None:
    """A stopped or killed room is read completely, backed up and checked, and nothing is left beside it."""
    path = folder / "chatr.db"
    await prepare(path)
    open_to_readers(folder)
    before = names_in(folder)
    with without_rights(folder), tempfile.TemporaryDirectory() as target, capture_logs():
        async with sqlite_reader(path) as reader:
            assert [stored.position for stored in await read_all(reader)] == [1, 2, 3]
        assert await backup(path, Path(target, "copy.db"), lambda _: None) == 3
        assert last_position_and_id_at(path, 3)[0] == 3
        assert (await check_pages(path)).status == "ok"

    assert before == names_in(folder)


async def test_records_that_may_not_be_read_are_not_silently_missed(folder: Path) -> None:
    """If the -wal file holds records and may not be read, the log is refused, and the error says which file it is."""
    path = folder / "chatr.db"
    await killed(path)
    open_to_readers(folder)
    beside(path, "-wal").chmod(0)
    with without_rights(folder), pytest.raises(CannotOpenLog, match="-wal"):
        async with sqlite_reader(path):
            pass


async def test_a_server_that_starts_meanwhile_is_noticed(folder: Path) -> None:
    """A stopped log is read without locks, so what is read after a server was started on it is refused."""
    path = folder / "chatr.db"
    await stopped(path)
    open_to_readers(folder)
    with without_rights(folder):
        reading = sqlite_reader(path)
        reader = await reading.__aenter__()
        assert await reader.head() == 3
    give_rights_back(path)
    async with sqlite_log(path) as log:
        await append_many(log, 1)
        with pytest.raises(LogDamaged, match="A server was started"):
            await reader.read(0, 10)
        with pytest.raises(LogDamaged, match="run the command again"):
            await reader.head()
    await reading.__aexit__(None, None, None)


@pytest.mark.long
async def test_a_log_on_a_read_only_disk(folder: Path) -> None:
    """Real commands read a stopped and a killed room on a disk that is mounted read-only."""
    await stopped(folder / "stopped.db")
    await killed(folder / "killed.db")
    chatr = f"{sys.executable} -m chatr"
    commands = " && ".join(f"{chatr} export - --log sqlite:///{folder}/{name}.db" for name in ("stopped", "killed"))
    program = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && {commands}"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", program], check=False, capture_output=True, text=True)  # noqa: ASYNC221 -- nothing else runs
    if "permitted" in done.stderr:
        skip_or_fail("needs the right to mount")

    assert (done.returncode, len(done.stdout.splitlines())) == (0, 8), done.stderr


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_private_copy_is_removed_when_its_command_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    """Also by SIGTERM, as with timeout(1): it is as large as the log, and holds all that is in it."""
    program = """if True:
        import asyncio, sys
        from pathlib import Path
        from chatr.adapters.stores.sqlite.readable import copied

        async def main():
            with copied(Path(sys.argv[1]), "a reason"):
                print("copied", flush=True)
                await asyncio.sleep(60)

        asyncio.run(main())
    """
    log, temporary = tmp_path / "chatr.db", tmp_path / "tmp"
    temporary.mkdir()
    for suffix in ("", "-wal"):
        Path(f"{log}{suffix}").touch()
    command, variables = [sys.executable, "-c", program, str(log)], {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while process.stdout.readline() != "copied\n":
            assert process.poll() is None
        copies = len(list(temporary.iterdir()))
        process.send_signal(number)
        process.communicate()

    assert (copies, list(temporary.iterdir())) == (1, [])
