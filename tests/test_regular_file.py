"""What is no regular file is not opened as one: it could block the process, or have no end."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.past.checkpoint import Checkpoint
from chatr.ports import CannotOpenLog
from chatr.regular_file import NotRegularFile, OtherUsersFile, open_regular, open_to_read, read_regular
from chatr.settings import BadSetting
from chatr.settings_loading import read_config_file
from tests.cli.conftest import Chatr
from tests.cli.conftest import chatr as _chatr
from tests.requirements import skip_or_fail

OTHER_USER: Final = 65534


def fifo(path: Path) -> None:
    """Create a FIFO, to open which waits for its other end."""
    os.mkfifo(path)


def device(path: Path) -> None:
    """Create a link to a device that has no end."""
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    """Create a folder."""
    path.mkdir()


def unix_socket(path: Path) -> None:
    """Create a socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


KINDS: Final = pytest.mark.parametrize("make", [fifo, device, folder, unix_socket])
Make = Callable[[Path], None]
chatr = _chatr


@KINDS
def test_only_a_regular_file_is_opened(tmp_path: Path, make: Make) -> None:
    """The error names what is in the file's place, at once."""
    make(tmp_path / "x")
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_RDWR | os.O_CREAT):
        with pytest.raises(NotRegularFile, match=r"/x is not a regular file$"):
            open_regular(tmp_path / "x", flags)


def test_a_link_to_a_regular_file_is_opened(tmp_path: Path) -> None:
    """Files may be links, as those that Kubernetes mounts."""
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "x").symlink_to(tmp_path / "file")
    with open_to_read(tmp_path / "x") as file:
        assert file.read() == b"content"


@pytest.mark.parametrize("flags", [os.O_WRONLY | os.O_CREAT, os.O_RDWR | os.O_CREAT, os.O_WRONLY])
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_written_through_a_link(tmp_path: Path, flags: int, exists: bool) -> None:
    """A link in a folder of the service's user leads no command of root to another file."""
    if exists:
        (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "x").symlink_to(tmp_path / "file")
    with pytest.raises(NotRegularFile, match=r"/x is not a regular file$"):
        open_regular(tmp_path / "x", flags)

    assert (tmp_path / "file").exists() == exists


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte takes no memory."""
    with (tmp_path / "x").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="more than 1000"):
        read_regular(tmp_path / "x", 1_000)


@KINDS
async def test_a_checkpoint_that_is_no_file_is_discarded(tmp_path: Path, make: Make) -> None:
    """The log is read from its first record instead."""
    make(tmp_path / "x")
    with capture_logs() as lines:
        room = await Checkpoint(tmp_path / "x").load(MemoryLog())

    assert room.position == 0
    assert [line["event"] for line in lines] == ["checkpoint_discarded"]


@KINDS
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".lock"])
async def test_a_log_whose_files_are_no_files_is_not_opened(tmp_path: Path, make: Make, suffix: str) -> None:
    """The error names the file, be it the log itself or one beside it."""
    path = tmp_path / "chatr.db"
    make(tmp_path / f"chatr.db{suffix}")
    with pytest.raises(
        CannotOpenLog, match=rf"^The log at {path} .*chatr.db{suffix} is not a regular file\. Move it away.*\.$"
    ):
        async with sqlite_log(path):
            pass


@KINDS
async def test_what_is_no_file_is_not_read_as_a_log(tmp_path: Path, make: Make) -> None:
    """Commands that read report it, too."""
    make(tmp_path / "chatr.db")
    with pytest.raises(CannotOpenLog, match=r"^The log at .*chatr.db cannot be opened: .*\.$"):
        async with sqlite_reader(tmp_path / "chatr.db"):
            pass


@KINDS
def test_what_is_no_file_is_not_imported(chatr: Chatr, tmp_path: Path, make: Make) -> None:
    """An export is read twice, so it cannot come from a pipe; the error says so, and no log is created."""
    make(tmp_path / "room.jsonl")
    result = chatr("import", tmp_path / "room.jsonl", "--log", f"sqlite:///{tmp_path}/new.db")

    assert (result.code, result.out) == (2, "")
    assert result.err == f"chatr: {tmp_path}/room.jsonl is not a regular file: write the export to one first.\n"
    assert not (tmp_path / "new.db").exists()


def test_a_configuration_without_end_is_not_read() -> None:
    """The error says how long a configuration may be."""
    with pytest.raises(BadSetting, match="/dev/zero cannot be read: it has more than 1000000 bytes"):
        read_config_file(Path("/dev/zero"))


def test_a_configuration_may_come_from_a_pipe() -> None:
    """A shell passes `--config <(...)` as a pipe."""
    script = "from chatr.settings_loading import *; print(read_config_file(Path('/dev/stdin')))"
    result = subprocess.run([sys.executable, "-c", script], input=b"port = 80\n", capture_output=True, check=True)

    assert result.stdout == b"{'port': '80'}\n"


@pytest.fixture
def for_everybody(tmp_path: Path) -> Path:
    """A folder like /tmp, in which everybody may make files, and remove only their own."""
    tmp_path.chmod(0o1777)
    if os.geteuid():
        skip_or_fail("needs root, to make files of another user")
    return tmp_path


def make_others_file(path: Path) -> None:
    """Make a file of another user, which everybody may write."""
    path.touch()
    path.chmod(0o666)
    os.chown(path, OTHER_USER, OTHER_USER)


def make_others_link(path: Path) -> None:
    """Make a link of another user."""
    path.symlink_to("elsewhere")
    os.chown(path, OTHER_USER, OTHER_USER, follow_symlinks=False)


@pytest.mark.parametrize("make", [make_others_file, make_others_link])
@pytest.mark.parametrize("suffix", ["", "-wal", ".lock"])
async def test_a_log_in_a_folder_for_everybody_has_no_file_of_another_user(
    for_everybody: Path, make: Callable[[Path], None], suffix: str
) -> None:
    """That user could read and change the room. The error names the file, and nothing is written."""
    log, file = for_everybody / "chatr.db", for_everybody / f"chatr.db{suffix}"
    make(file)
    with pytest.raises(CannotOpenLog, match=f"{file.name} belongs to another user"):
        async with sqlite_log(log):
            pass

    assert [file.name] == await asyncio.to_thread(os.listdir, for_everybody)


def test_what_a_node_creates_there_is_no_file_of_another_user(for_everybody: Path) -> None:
    """So neither words nor states of a room get into such a file, as with fs.protected_regular of Linux."""
    make_others_file(for_everybody / "chatr.db.search")
    with pytest.raises(OtherUsersFile):
        open_regular(for_everybody / "chatr.db.search", os.O_RDWR | os.O_CREAT)


async def test_a_checkpoint_of_another_user_there_is_not_read(for_everybody: Path) -> None:
    """Else the user could make up the state of the room."""
    make_others_file(for_everybody / "chatr.db.checkpoint")
    with capture_logs() as lines:
        await Checkpoint(for_everybody / "chatr.db.checkpoint").load(MemoryLog())

    assert [line["event"] for line in lines] == ["checkpoint_discarded"]
    assert "belongs to another user" in lines[0]["reason"]
