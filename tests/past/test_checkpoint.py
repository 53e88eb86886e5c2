"""A checkpoint opens as the same room as the log from its first record, or is discarded."""

import asyncio
import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from chatr.adapters.stores.memory import MemoryLog
from chatr.atomic_file import replace_atomically
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentSeen, Record
from chatr.domain.moderation_events import ErasedRecord, RecordsErased
from chatr.domain.room import Room
from chatr.past.checkpoint import Checkpoint
from chatr.ports import LogLostRecords
from chatr.testing.clock import START
from chatr.testing.contract.steps import run_event_loop
from chatr.testing.records import folded_room, log_with, next_record, records_of
from tests.domain.examples import CRAB
from tests.past.snapshots import RECORDS, decoded

OLDER: Final = Path(__file__).parents[1] / "compatibility" / "before" / "room.db.checkpoint"
"""A checkpoint that an older version wrote."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chatr.db.checkpoint"


async def test_a_checkpoint_of_an_older_version_is_discarded(path: Path) -> None:
    """The room is folded from its log, and one line says why."""
    shutil.copy(OLDER, path)
    with capture_logs() as lines:
        room = await Checkpoint(path).load(await log_with(MemoryLog(), RECORDS))

    assert room == Room()
    assert [line["reason"] for line in lines] == ["it is damaged, or from another version"]


async def test_a_room_is_restored_at_the_next_start(path: Path) -> None:
    """The next start opens with the checkpoint that was written when the room closed."""
    log = await log_with(MemoryLog(), RECORDS)
    await Checkpoint(path).close(folded_room(RECORDS))

    assert await Checkpoint(path).load(log) == folded_room(RECORDS)


async def test_the_log_may_have_grown(path: Path) -> None:
    """A checkpoint is valid for a log that holds more records by now."""
    await Checkpoint(path).close(folded_room(RECORDS[:3]))

    assert await Checkpoint(path).load(await log_with(MemoryLog(), RECORDS)) == folded_room(RECORDS[:3])


async def test_a_missing_checkpoint_is_not_logged(path: Path) -> None:
    """The first start has no checkpoint: the room is empty, and no warning is logged."""
    with capture_logs() as lines:
        room = await Checkpoint(path).load(await log_with(MemoryLog(), RECORDS))

    assert (room, lines) == (Room(), [])


def with_another_record(records: list[Record], index: int) -> list[Record]:
    """The log with another record at this index."""
    return [*records[:index], evolve(records[index], id="ffffffff-0000"), *records[index + 1 :]]


@pytest.mark.parametrize(
    ("records", "loss"),
    [
        (with_another_record(RECORDS, 0), "has another record 1 than its checkpoint"),
        (with_another_record(RECORDS, 5), "has another record 6 than its checkpoint"),
        (RECORDS[:5], "ends at record 5, and its checkpoint was written at record 6"),
        ([], "ends at record 0, and its checkpoint was written at record 6"),
    ],
    ids=["another log", "a restored log", "a shorter log", "a new log"],
)
async def test_a_log_that_lacks_what_its_checkpoint_knows_is_refused(
    path: Path, records: list[Record], loss: str
) -> None:
    """The error says what is missing and what to do. If the loss is accepted, the log is read from its first record,
    also after a kill.
    """
    await Checkpoint(path).close(folded_room(RECORDS))
    log = await log_with(MemoryLog(), records)
    with pytest.raises(LogLostRecords, match=rf"^The log {loss}: .*--accept-loss once.*\.$"):
        await Checkpoint(path).load(log)
    with capture_logs() as lines:
        accepted = await Checkpoint(path).load(log, accept_loss=True)
    later = await Checkpoint(path).load(log)

    assert (accepted, later) == (Room(), Room())
    assert [line["event"] for line in lines] == ["loss_accepted"]


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b"not a snapshot"), Path.mkdir], ids=["text", "folder"]
)
async def test_a_checkpoint_that_cannot_be_read_is_discarded(path: Path, damage: Callable[[Path], Any]) -> None:
    """Whatever is at the path, the room opens; one warning says that it was not used."""
    damage(path)
    with capture_logs() as lines:
        room = await Checkpoint(path).load(await log_with(MemoryLog(), RECORDS))

    assert room == Room()
    assert [line["event"] for line in lines] == ["checkpoint_discarded"]


def test_a_checkpoint_is_private_and_leaves_no_other_file(path: Path) -> None:
    """Only its owner can read it, it replaces the one before, and no temporary file stays."""
    for end in (3, 6):
        asyncio.run(Checkpoint(path).close(folded_room(RECORDS[:end])))

    assert decoded(path.read_bytes()) == folded_room(RECORDS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


async def test_partial_files_of_a_killed_process_are_removed(path: Path) -> None:
    """A checkpoint that was never completed is removed at the next start; a file with another name stays."""
    (other := path.with_name("chatr.db.jsonl.part")).touch()
    with replace_atomically(path) as partial:
        pass
    path.with_name(partial.name).touch()
    await Checkpoint(path).load(MemoryLog())

    assert set(path.parent.iterdir()) == {path, other}


async def test_a_checkpoint_that_cannot_be_written_is_only_logged(tmp_path: Path) -> None:
    """A room closes although its checkpoint cannot be written; one warning says so."""
    with capture_logs() as lines:
        await Checkpoint(tmp_path / "nowhere" / "checkpoint").close(folded_room(RECORDS))

    assert [line["event"] for line in lines] == ["checkpoint_not_written"]


def position(path: Path) -> int:
    """The position of the checkpoint at `path`; 0 if there is none."""
    return decoded(path.read_bytes()).position if path.exists() else 0


async def test_a_checkpoint_is_written_every_so_many_records(path: Path) -> None:
    """While a room is open, its checkpoint is written whenever `every` records were folded."""
    checkpoint, positions = Checkpoint(path, every=2), []
    for end in range(1, 7):
        room = folded_room(RECORDS[:end])
        checkpoint.records_folded(room, ())
        while end % 2 == 0 and position(path) < end:
            await run_event_loop(1)
            checkpoint.records_folded(room, ())
        positions.append(position(path))

    assert positions == [0, 2, 2, 4, 4, 6]


async def test_a_checkpoint_is_written_more_rarely_in_a_large_room(path: Path) -> None:
    """While a room grows from nothing, its checkpoint is written a few times and not each `every` records.

    It contains the whole room, so the cost of so many would grow with the square of the log.
    """
    checkpoint, room, written = Checkpoint(path, every=1), Room(), set[int]()
    for record in records_of(AgentSeen(agent_id(f"agent-{number}"), START) for number in range(100)):
        room.apply(record)
        checkpoint.records_folded(room, ())
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        written.add(position(path))

    assert len(written) <= 10


async def test_without_a_path_nothing_is_written() -> None:
    """A log without a file has no checkpoint: its room opens empty and closes without an error."""
    checkpoint = Checkpoint(None, every=1)
    checkpoint.records_folded(folded_room(RECORDS), RECORDS)
    await checkpoint.close(folded_room(RECORDS))

    assert await checkpoint.load(await log_with(MemoryLog(), RECORDS)) == Room()


def test_a_checkpoint_is_written_again_without_erased_texts(path: Path) -> None:
    """Renewing a file that may hold a text that was erased since replaces it, once."""
    with_text = folded_room(RECORDS[:3])
    record = next_record(RecordsErased(CRAB, (ErasedRecord(3, ""),), "It is illegal.", "grace", START), with_text)

    async def renew(checkpoint: Checkpoint) -> int:
        await checkpoint.remove_erased_texts(with_text)
        return file_number(path)

    checkpoint = Checkpoint(path)
    asyncio.run(checkpoint.close(with_text))
    before = path.read_bytes()
    with_text.apply(record)
    checkpoint.mark_outdated()
    numbers = {asyncio.run(renew(checkpoint)) for _ in range(2)}
    renewed = path.read_bytes()

    assert (b"Hello!" in before, b"Hello!" in renewed, len(numbers)) == (True, False, 1)
    assert decoded(renewed) == with_text


def file_number(path: Path) -> int:
    """The number of the file, which is another one after it was replaced."""
    return path.stat().st_ino


def test_a_checkpoint_that_is_being_written_is_written_again(path: Path) -> None:
    """If a text is erased while it is being written to the file, the file is renewed when that is done."""
    room = folded_room(RECORDS[:3])

    async def erase_meanwhile() -> None:
        checkpoint = Checkpoint(path, every=1)
        checkpoint.records_folded(room, ())
        # The snapshot is taken when the task runs.
        await asyncio.sleep(0)
        room.apply(next_record(RecordsErased(CRAB, (ErasedRecord(3, ""),), "It is illegal.", "grace", START), room))
        checkpoint.mark_outdated()
        await checkpoint.remove_erased_texts(room)
        await checkpoint.close(room)

    asyncio.run(erase_meanwhile())

    assert b"Hello!" not in path.read_bytes()
    assert decoded(path.read_bytes()) == room


def test_a_checkpoint_that_cannot_be_renewed_is_removed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does not keep an erased text: the file is removed, and the next start reads the log."""
    room, checkpoint = folded_room(RECORDS), Checkpoint(path)
    asyncio.run(checkpoint.close(room))
    checkpoint.mark_outdated()
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr("os.fsync", full_disk)
        asyncio.run(checkpoint.remove_erased_texts(room))

    assert list(path.parent.iterdir()) == []
    assert [line["event"] for line in lines] == ["checkpoint_removed"]


def full_disk(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_no_checkpoint_is_written_to_erase(path: Path) -> None:
    """Where there is no file, nothing holds a text."""
    checkpoint = Checkpoint(path)
    checkpoint.mark_outdated()
    asyncio.run(checkpoint.remove_erased_texts(folded_room(RECORDS)))

    assert not path.exists()
