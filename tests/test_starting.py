"""How a room starts again: from its checkpoint where that is good, from its log where it is not."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatr.adapters.memory import MemoryLog
from chatr.app import running
from chatr.codec import Unreadable
from chatr.domain.commands import Post, Register, agent_id
from chatr.domain.keys import digest_of
from chatr.domain.limits import MINUTE
from chatr.domain.room import Room
from chatr.settings import Settings
from chatr.testing.clock import START, SettableClock

ADA = agent_id("Ada")


def opened(path: Path, *said: str) -> Room:
    """The room that opens on the log at `path`, once Ada has said something there and it has closed."""

    async def run() -> Room:
        async with running(Settings(log=f"sqlite:///{path}", port=0), clock=SettableClock()) as room:
            if not room.node.room.agent(ADA).registered:
                await room.node.handle(Register("Ada", None, digest_of("ada"), START))
            for text in said:
                last = room.node.room.agent(ADA).last_seen
                await room.node.handle(Post(ADA, text, last + 5 * MINUTE))
            return room.node.room

    return asyncio.run(run())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log in which Ada said three things, and its checkpoint."""
    opened(tmp_path / "chatr.db", "one", "two", "three")
    return tmp_path / "chatr.db"


@pytest.fixture
def checkpoint(path: Path) -> Path:
    return path.with_name("chatr.db.checkpoint")


def spoil(path: Path) -> None:
    """Nobody who reads this log from its first record gets beyond the second one."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update log set type = 'unknown.v1' where position = 2")


def test_a_room_starts_from_its_checkpoint(path: Path) -> None:
    """What was folded before is not read again."""
    before = opened(path)
    spoil(path)

    assert opened(path) == before


def test_a_room_without_a_checkpoint_starts_from_its_log(path: Path, checkpoint: Path) -> None:
    """Whoever removes the file has the log read from its first record."""
    checkpoint.unlink()
    spoil(path)

    with pytest.raises(Unreadable, match="Record 2 "):
        opened(path)


def test_what_is_said_later_is_added(path: Path, checkpoint: Path) -> None:
    """From a checkpoint and the rest, or from the log alone, it is the same room."""
    first = checkpoint.read_bytes()
    opened(path, "four")
    checkpoint.write_bytes(first)
    from_checkpoint = opened(path)
    checkpoint.unlink()

    assert opened(path) == from_checkpoint


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
    """Nobody notices a checkpoint that cannot be used, but for a line in the server's log; the next one is good."""
    before = opened(path)
    damage(checkpoint)
    with capture_logs() as told:
        room = opened(path)
    spoil(path)

    assert (room, opened(path)) == (before, before)
    assert [line["event"] for line in told if line["log_level"] == "warning"] == ["checkpoint_discarded"]


def test_a_restored_log_is_read_again(path: Path, tmp_path: Path) -> None:
    """Where an older log was put back, the room is that of the older log."""
    shutil.copy(path, tmp_path / "backup.db")
    before = opened(path)
    opened(path, "four", "five")
    shutil.copy(tmp_path / "backup.db", path)

    assert opened(path) == before


class ShortenedLog(MemoryLog):
    """Becomes an older copy of itself as soon as its head was told."""

    def __init__(self) -> None:
        super().__init__()
        self.lost = 3

    async def head(self) -> int:
        lost, self.lost = self.lost, 0
        return await super().head() + lost


async def test_a_room_opens_though_its_log_became_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log is restored while a node starts, the node waits for no record that is gone."""
    monkeypatch.setattr("chatr.app.open_log", lambda _url: nullcontext(ShortenedLog()))
    monkeypatch.setattr("chatr.app.PROGRESS", 0.01)
    async with asyncio.timeout(10), running(Settings(log="memory:", port=0)) as room:
        assert await room.node.ready()


def test_a_log_in_memory_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tries chatr out finds no file afterwards."""
    monkeypatch.chdir(tmp_path)

    async def run() -> None:
        async with running(Settings(log="memory:", port=0)):
            pass

    asyncio.run(run())

    assert list(tmp_path.iterdir()) == []
