"""A checkpoint opens as the same room as the log from its first record, or is discarded."""

import asyncio
import itertools
import shutil
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from chatr.adapters.stores.memory import MemoryLog
from chatr.atomic_file import replace_atomically
from chatr.domain.agent import Agent
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, LimitsAdopted, Record
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.domain.post_times import CHUNK_LENGTH
from chatr.domain.room import Room
from chatr.past import snapshot
from chatr.past.checkpoint import Checkpoint
from chatr.past.section_file import write_sections
from chatr.past.snapshot import InvalidSnapshot, Snapshot, read_snapshot, take_snapshot, versions, write_snapshot
from chatr.testing.clock import START
from chatr.testing.contract.steps import run_event_loop
from chatr.testing.records import folded_room, log_with, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CRAB,
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER_REGISTERED,
)

EVENTS: Final = (CRAB_REGISTERED, CRAB_SEEN, CRAB_POSTED, LOBSTER_REGISTERED, CRAB_VERIFIED, CRAB_LEFT)
RECORDS: Final = records_of(EVENTS)
OLDER: Final = Path(__file__).parents[1] / "compatibility" / "before" / "room.db.checkpoint"
"""A checkpoint that an older version wrote."""


def encoded(whole: Snapshot) -> bytes:
    """The content of the file of a snapshot."""
    write_snapshot(whole, file := BytesIO())
    return file.getvalue()


def decoded(content: bytes) -> Room:
    """The room of a file with this content."""
    return read_snapshot(BytesIO(content))


ENCODED: Final = encoded(take_snapshot(folded_room(RECORDS)))


@given(histories().filter(bool), st.data())
def test_a_restored_room_folds_on_like_any_other(records: list[Record], data: st.DataObject) -> None:
    """From a snapshot at any position and the records after it, the room is the same as from the whole log."""
    position = data.draw(st.integers(1, len(records)))
    room = decoded(encoded(take_snapshot(folded_room(records[:position]))))
    for record in records[position:]:
        room.apply(record)

    assert room == folded_room(records)


def test_rules_see_what_a_restored_room_folds() -> None:
    """A badge that is folded after the room was restored is known to the rules."""
    room = decoded(encoded(take_snapshot(folded_room(RECORDS[:4]))))
    for record in RECORDS[4:]:
        room.apply(record)

    assert room.rule_context.agents_by_account == folded_room(RECORDS).agents_by_account


def test_a_snapshot_does_not_change() -> None:
    """The room may fold more records while its snapshot is being written."""
    room = folded_room(RECORDS[:3])
    before = take_snapshot(room)
    for record in RECORDS[3:]:
        room.apply(record)

    assert decoded(encoded(before)) == folded_room(RECORDS[:3])


def room_with(agents: int) -> Room:
    """A room in which so many agents are registered."""
    names = [f"agent-{number}" for number in range(agents)]
    return folded_room(records_of(AgentRegistered(agent_id(each), each, None, hash_key(each), START) for each in names))


def memory_peak(work: Callable[[], object]) -> int:
    """The bytes that `work` allocates and holds at the same time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_writing_takes_no_memory_for_the_whole_file(tmp_path: Path) -> None:
    """A snapshot is encoded and written in small pieces, so a large room needs hardly more memory meanwhile."""
    room, path = room_with(agents=3_000), tmp_path / "snapshot"
    with path.open("wb") as file:
        peak = memory_peak(lambda: write_snapshot(take_snapshot(room), file))

    assert peak < path.stat().st_size / 3


def test_the_event_loop_does_not_copy_positions() -> None:
    """The event loop takes a snapshot without the positions of messages and registrations, which only grow."""
    room = folded_room(RECORDS)
    for numbers in (room.history.positions, room.time_index.registrations):
        numbers.extend(range(100_000))

    assert memory_peak(lambda: take_snapshot(room)) < 100_000


def test_every_field_of_the_room_comes_back() -> None:
    """A room and an agent of which no field has its default value are restored completely."""
    posts, second_badge = [CRAB_POSTED] * (CHUNK_LENGTH + 1), evolve(CRAB_VERIFIED, moltbook_name="Another")
    limits = LimitsAdopted(Limits(Limit(1_000, MINUTE), Limit(8, MINUTE), MINUTE), START)
    events: list[Event] = [limits, CRAB_REGISTERED, *posts, CRAB_VERIFIED, second_badge, CRAB_STARTED]
    room = folded_room(records_of(events))
    agent, nobody, empty = room.agent(CRAB), Agent(), Room()

    assert [each.name for each in fields(Agent) if getattr(agent, each.name) == getattr(nobody, each.name)] == []
    assert [each.name for each in fields(Room) if getattr(room, each.name) == getattr(empty, each.name)] == []
    assert decoded(encoded(take_snapshot(room))) == room


async def test_a_checkpoint_of_an_older_version_is_discarded(path: Path) -> None:
    """The room is folded from its log, and one line says why."""
    shutil.copy(OLDER, path)
    with capture_logs() as lines:
        room = await Checkpoint(path).load(await log_with(MemoryLog(), RECORDS))

    assert room == Room()
    assert [line["reason"] for line in lines] == ["it is damaged, or from another version"]


@given(st.integers(0, len(ENCODED) - 1))
def test_a_truncated_snapshot_is_invalid(length: int) -> None:
    """Wherever the file was cut off, it is not used."""
    with pytest.raises(InvalidSnapshot):
        decoded(ENCODED[:length])


@given(st.integers(0, len(ENCODED) - 1), st.integers(1, 255))
def test_a_damaged_snapshot_is_invalid(index: int, change: int) -> None:
    """Whichever byte was changed, and to what, the file is not used."""
    with pytest.raises(InvalidSnapshot):
        decoded(ENCODED[:index] + bytes([ENCODED[index] ^ change]) + ENCODED[index + 1 :])


STATE, NEWEST, POSITIONS, REGISTRATIONS, AGENTS = range(5)
DEEP: Final = b"\x91" * 100_000


@pytest.mark.parametrize(
    ("section", "piece"),
    [
        *itertools.product((STATE, NEWEST, AGENTS), (b"\x80", DEEP, b"\xc0", b"nonsense", b"\x91\x91\x01")),
        *itertools.product((POSITIONS, REGISTRATIONS), (b"odd",)),
    ],
)
def test_other_content_is_invalid(section: int, piece: bytes) -> None:
    """A file whose digest is right and of which a section is not what it should be is not used."""
    all_sections = [list(each) for each in snapshot.sections(take_snapshot(folded_room(RECORDS)))]
    all_sections[section] = [piece]
    write_sections(file := BytesIO(), versions(), all_sections)
    with pytest.raises(InvalidSnapshot):
        decoded(file.getvalue())


@pytest.mark.parametrize("length", [0, 8, 2**62], ids=["empty", "missing", "larger than memory"])
def test_a_length_that_is_wrong_is_invalid(length: int) -> None:
    """A file whose digest is right and which ends in the middle of a section is not used."""
    content = length.to_bytes(8, "little")
    header_end = ENCODED.index(b"\n") + 1
    file = ENCODED[:header_end] + sha256(content).hexdigest().encode() + b"\n" + content
    with pytest.raises(InvalidSnapshot):
        decoded(file)


@pytest.mark.parametrize("name", ["FORMAT_VERSION", "FOLD_VERSION"])
def test_a_snapshot_of_another_version_is_invalid(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file of another format or fold version is not used, be it older or newer."""
    monkeypatch.setattr(snapshot, name, 99)
    later = encoded(take_snapshot(folded_room(RECORDS)))
    monkeypatch.undo()

    with pytest.raises(InvalidSnapshot):
        decoded(later)


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
