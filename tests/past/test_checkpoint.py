"""A checkpoint opens as the same room as the log from its first record, or is discarded."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from chatr.adapters.stores.memory import MemoryLog
from chatr.atomic_file import replace_atomically
from chatr.domain.events import Record
from chatr.domain.room import Room
from chatr.past import snapshot
from chatr.past.checkpoint import Checkpoint
from chatr.past.snapshot import InvalidSnapshot, decode, take_snapshot
from chatr.testing.contract.steps import run_event_loop
from chatr.testing.records import folded_room, log_with, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import CRAB_LEFT, CRAB_POSTED, CRAB_REGISTERED, CRAB_SEEN, CRAB_VERIFIED, LOBSTER_REGISTERED

EVENTS: Final = (CRAB_REGISTERED, CRAB_SEEN, CRAB_POSTED, LOBSTER_REGISTERED, CRAB_VERIFIED, CRAB_LEFT)
RECORDS: Final = records_of(EVENTS)
ENCODED: Final = snapshot.encode(take_snapshot(folded_room(RECORDS)))
BEFORE: Final = Path(__file__).parents[1] / "compatibility" / "before"
"""A log and its checkpoint, written by the version before the first release."""


@given(histories().filter(bool), st.data())
def test_a_restored_room_folds_on_like_any_other(records: list[Record], data: st.DataObject) -> None:
    """From a snapshot at any position and the records after it, the room is the same as from the whole log."""
    position = data.draw(st.integers(1, len(records)))
    room = decode(snapshot.encode(take_snapshot(folded_room(records[:position]))))
    for record in records[position:]:
        room.apply(record)

    assert room == folded_room(records)


def test_rules_see_what_a_restored_room_folds() -> None:
    """A badge that is folded after the room was restored is known to the rules."""
    room = decode(snapshot.encode(take_snapshot(folded_room(RECORDS[:4]))))
    for record in RECORDS[4:]:
        room.apply(record)

    assert room.rule_context.agents_by_account == folded_room(RECORDS).agents_by_account


def test_a_snapshot_does_not_change() -> None:
    """The room may fold more records while its snapshot is being written."""
    room = folded_room(RECORDS[:3])
    before = take_snapshot(room)
    for record in RECORDS[3:]:
        room.apply(record)

    assert snapshot.encode(before) == snapshot.encode(take_snapshot(folded_room(RECORDS[:3])))


def test_an_earlier_checkpoint_is_discarded() -> None:
    """A checkpoint of an earlier version, which folded records differently, is not used: the log is read again."""
    with pytest.raises(InvalidSnapshot):
        decode((BEFORE / "room.db.checkpoint").read_bytes())


@given(st.integers(0, len(ENCODED) - 1))
def test_a_truncated_snapshot_is_invalid(length: int) -> None:
    """Wherever the file was cut off, it is not used."""
    with pytest.raises(InvalidSnapshot):
        decode(ENCODED[:length])


@given(st.integers(0, len(ENCODED) - 1), st.integers(1, 255))
def test_a_damaged_snapshot_is_invalid(index: int, change: int) -> None:
    """Whichever byte was changed, and to what, the file is not used."""
    with pytest.raises(InvalidSnapshot):
        decode(ENCODED[:index] + bytes([ENCODED[index] ^ change]) + ENCODED[index + 1 :])


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"[" * 100_000, b"null", b"nonsense", b'{"position":1}'],
    ids=["empty", "object", "array", "deep", "null", "text", "position"],
)
def test_other_content_is_invalid(body: bytes) -> None:
    """A file whose digest is right and whose content is not a room is not used."""
    with pytest.raises(InvalidSnapshot):
        decode(snapshot.header_line(body) + body)


@pytest.mark.parametrize("name", ["FORMAT_VERSION", "FOLD_VERSION"])
def test_a_snapshot_of_another_version_is_invalid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file of another format or fold version is not used, be it older or newer."""
    monkeypatch.setattr(snapshot, name, 99)
    later = snapshot.encode(take_snapshot(folded_room(RECORDS)))
    monkeypatch.undo()

    with pytest.raises(InvalidSnapshot):
        decode(later)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chatr.db.checkpoint"


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
    ("records", "reason"),
    [
        (with_another_record(RECORDS, 0), "it is of another log"),
        (with_another_record(RECORDS, 5), "the log does not hold 6-00000006"),
        (RECORDS[:5], "the log does not hold 6-00000006"),
        ([], "it is of another log"),
    ],
    ids=["another log", "a restored log", "a shorter log", "a new log"],
)
async def test_a_checkpoint_of_another_log_is_discarded(path: Path, records: list[Record], reason: str) -> None:
    """If the log does not hold the first and last record of the checkpoint, it is read from its first record."""
    await Checkpoint(path).close(folded_room(RECORDS))
    with capture_logs() as lines:
        room = await Checkpoint(path).load(await log_with(MemoryLog(), records))

    assert room == Room()
    assert [(line["event"], line["reason"]) for line in lines] == [("checkpoint_discarded", reason)]


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

    assert decode(path.read_bytes()) == folded_room(RECORDS)
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
    return decode(path.read_bytes()).position if path.exists() else 0


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


async def test_without_a_path_nothing_is_written() -> None:
    """A log without a file has no checkpoint: its room opens empty and closes without an error."""
    checkpoint = Checkpoint(None, every=1)
    checkpoint.records_folded(folded_room(RECORDS), RECORDS)
    await checkpoint.close(folded_room(RECORDS))

    assert await checkpoint.load(await log_with(MemoryLog(), RECORDS)) == Room()
