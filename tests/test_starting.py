"""A room starts from its checkpoint where that is valid, and from the first record of its log where it is not."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatr.adapters.stores.memory import MemoryLog
from chatr.app import Timeouts, running_room
from chatr.codec import UnreadableRecord
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.ports import LogDamaged, LogLostRecords
from chatr.settings import Settings
from chatr.testing.clock import START, SettableClock
from chatr.testing.faulty_log import FaultyLog
from tests.node_agents import LONG_TEXT, numbered_texts

ADA = agent_id("Ada")


def room_of(path: Path, *contents: str) -> Room:
    """Open a room on the log at `path`, let Ada post these messages, close it, and return what it held."""

    async def run() -> Room:
        async with running_room(Settings(log=f"sqlite:///{path}", port=0), clock=SettableClock()) as room:
            if not room.node.room.agent(ADA).registered:
                await room.node.commands.handle(Register("Ada", None, hash_key("ada"), START))
            for content in contents:
                last = room.node.room.agent(ADA).last_seen
                await room.node.commands.handle(Post(ADA, content, last + 5 * MINUTE))
            return room.node.room

    return asyncio.run(run())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log with three messages of Ada, and its checkpoint beside it."""
    room_of(tmp_path / "chatr.db", "one", "two", "three")
    return tmp_path / "chatr.db"


@pytest.fixture
def checkpoint(path: Path) -> Path:
    """The path of the checkpoint."""
    return path.with_name("chatr.db.checkpoint")


def make_unreadable(path: Path) -> None:
    """Change the second record, so that the log cannot be read from its first record any more."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update log set type = 'unknown.v1' where position = 2")


def test_a_room_starts_from_its_checkpoint(path: Path) -> None:
    """Records that are part of the checkpoint are not read again."""
    before = room_of(path)
    make_unreadable(path)

    assert room_of(path) == before


def test_a_room_without_a_checkpoint_starts_from_its_log(path: Path, checkpoint: Path) -> None:
    """If the checkpoint is removed, the log is read from its first record."""
    checkpoint.unlink()
    make_unreadable(path)

    with pytest.raises(UnreadableRecord, match="Record 2 "):
        room_of(path)


def test_a_damaged_page_ends_the_start(path: Path, checkpoint: Path) -> None:
    """A room whose log cannot be read to its end does not wait for ever: it ends and says what to do."""
    room_of(path, *numbered_texts(30, LONG_TEXT))
    checkpoint.unlink()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(bytes(3 * 4096))

    with pytest.raises(LogDamaged, match="put a backup in its place"):
        room_of(path)


def test_later_records_are_added(path: Path, checkpoint: Path) -> None:
    """A checkpoint and the rest of the log give the same room as the log alone."""
    first = checkpoint.read_bytes()
    room_of(path, "four")
    checkpoint.write_bytes(first)
    from_checkpoint = room_of(path)
    checkpoint.unlink()

    assert room_of(path) == from_checkpoint


@pytest.mark.parametrize(
    "damage",
    [
        lambda checkpoint: checkpoint.write_bytes(b""),
        lambda checkpoint: checkpoint.write_bytes(checkpoint.read_bytes()[:-1]),
        lambda checkpoint: checkpoint.write_bytes(checkpoint.read_bytes().replace(b'"fold":', b'"fold":9')),
        lambda checkpoint: checkpoint.write_bytes(checkpoint.read_bytes().replace(b"three", b"eerht")),
    ],
    ids=["empty", "cut off", "from the future", "altered"],
)
def test_a_bad_checkpoint_changes_nothing(path: Path, checkpoint: Path, damage: Callable[[Path], object]) -> None:
    """A checkpoint that cannot be used is replaced by a valid one; one warning is logged, and the room is the same."""
    before = room_of(path)
    damage(checkpoint)
    with capture_logs() as lines:
        room = room_of(path)
    make_unreadable(path)

    assert (room, room_of(path)) == (before, before)
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["checkpoint_discarded"]


def test_a_restored_log_is_read_again(path: Path, tmp_path: Path) -> None:
    """After an older copy of the log was put back, the room is that of the older log."""
    shutil.copy(path, tmp_path / "backup.db")
    before = room_of(path)
    room_of(path, "four", "five")
    shutil.copy(tmp_path / "backup.db", path)
    # The files beside it are moved away before a backup is put in the place of a log.
    for suffix in (".head", ".checkpoint"):
        path.with_name(f"chatr.db{suffix}").unlink()

    assert room_of(path) == before


@pytest.mark.parametrize("lost", [0, 3])
def test_a_log_that_lost_records_is_refused_without_its_head_file(path: Path, tmp_path: Path, lost: int) -> None:
    """Also without a head file, as in a copy, the checkpoint knows how far the log had got."""
    shutil.copy(path, tmp_path / "backup.db")
    room_of(path, "four")
    shutil.copy(tmp_path / "backup.db", path)
    path.with_name("chatr.db.head").unlink()
    if not lost:
        path.unlink()

    with pytest.raises(LogLostRecords, match=r"ends at record \d, and its checkpoint was written at record"):
        room_of(path)


async def test_a_room_opens_although_its_log_became_shorter() -> None:
    """If the log is restored to fewer records while a node starts, the node does not wait for the lost ones."""
    log = FaultyLog(MemoryLog())
    log.change("head", lambda head: head + 3, times=1)
    opened = running_room(Settings(log="memory:", port=0), event_log=log, timeouts=Timeouts(progress_interval=0.01))
    async with asyncio.timeout(10), opened as room:
        assert await room.node.readiness.is_ready()


def test_a_log_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room with `--log memory:` creates no file in the working directory."""
    monkeypatch.chdir(tmp_path)

    async def run() -> None:
        async with running_room(Settings(log="memory:", port=0)):
            pass

    asyncio.run(run())

    assert list(tmp_path.iterdir()) == []
