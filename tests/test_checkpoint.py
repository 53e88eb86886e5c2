"""A room kept in a file: the same room as from the first record, or none at all."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from chatr import kept
from chatr.adapters.memory import MemoryLog
from chatr.checkpoint import Checkpoint
from chatr.domain.events import Record
from chatr.domain.room import Room
from chatr.kept import Foreign, decode, keep
from chatr.testing.contract.steps import turns
from chatr.testing.records import folded, happened, holding
from chatr.testing.strategies import histories
from chatr.whole_file import replaced_file
from tests.domain.examples import CRAB_CAME, CRAB_LEFT, CRAB_SEEN, CRAB_SPOKE, CRAB_VERIFIED, LOBSTER_CAME

EVENTS = (CRAB_CAME, CRAB_SEEN, CRAB_SPOKE, LOBSTER_CAME, CRAB_VERIFIED, CRAB_LEFT)
RECORDS = happened(EVENTS)
WRITTEN = kept.encode(keep(folded(RECORDS)))


@given(histories().filter(bool), st.data())
def test_a_kept_room_goes_on_as_if_from_the_first_record(records: list[Record], data: st.DataObject) -> None:
    """Wherever a room is kept, the rest of the log makes the same of it as the whole log of a new one."""
    at = data.draw(st.integers(1, len(records)))
    room = decode(kept.encode(keep(folded(records[:at]))))
    for record in records[at:]:
        room.apply(record)

    assert room == folded(records)


def test_the_rules_see_what_is_folded_later() -> None:
    """Whom an account vouches for is known to the rules also where that was folded after the room was kept."""
    room = decode(kept.encode(keep(folded(RECORDS[:4]))))
    for record in RECORDS[4:]:
        room.apply(record)

    assert room.house.accounts == folded(RECORDS).accounts


def test_what_is_kept_does_not_change() -> None:
    """While a room is being written, it may go on."""
    room = folded(RECORDS[:3])
    before = keep(room)
    for record in RECORDS[3:]:
        room.apply(record)

    assert kept.encode(before) == kept.encode(keep(folded(RECORDS[:3])))


@given(st.integers(0, len(WRITTEN) - 1))
def test_a_truncated_room_is_none(length: int) -> None:
    """Wherever the file was cut off, it is not used."""
    with pytest.raises(Foreign):
        decode(WRITTEN[:length])


@given(st.integers(0, len(WRITTEN) - 1), st.integers(1, 255))
def test_a_damaged_room_is_none(place: int, change: int) -> None:
    """Whichever byte was changed, and to what, it is not used."""
    with pytest.raises(Foreign):
        decode(WRITTEN[:place] + bytes([WRITTEN[place] ^ change]) + WRITTEN[place + 1 :])


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"nonsense", b'{"position":1}'])
def test_what_makes_no_sense_is_none(body: bytes) -> None:
    """A file that is whole and says something else is not used."""
    with pytest.raises(Foreign):
        decode(kept.title(body) + body)


@pytest.mark.parametrize("name", ["FORM", "FOLD"])
def test_a_room_of_another_version_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What was written in another form, or folded otherwise, is not used, be it older or newer."""
    monkeypatch.setattr(kept, name, 99)
    later = kept.encode(keep(folded(RECORDS)))
    monkeypatch.undo()

    with pytest.raises(Foreign):
        decode(later)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chatr.db.checkpoint"


async def test_a_room_is_kept_from_one_run_to_the_next(path: Path) -> None:
    """What was written when a room closed is what the next one opens with."""
    log = await holding(MemoryLog(), RECORDS)
    await Checkpoint(path).close(folded(RECORDS))

    assert await Checkpoint(path).load(log) == folded(RECORDS)


async def test_the_log_may_have_gone_on(path: Path) -> None:
    """A checkpoint is good for a log that holds more by now."""
    await Checkpoint(path).close(folded(RECORDS[:3]))

    assert await Checkpoint(path).load(await holding(MemoryLog(), RECORDS)) == folded(RECORDS[:3])


async def test_without_a_checkpoint_nothing_is_said(path: Path) -> None:
    """The first start is from zero, and that is as it should be."""
    with capture_logs() as told:
        room = await Checkpoint(path).load(await holding(MemoryLog(), RECORDS))

    assert (room, told) == (Room(), [])


def renamed(records: list[Record], index: int) -> list[Record]:
    """The log in which another record stands at this place."""
    return [*records[:index], evolve(records[index], id="ffffffff-0000"), *records[index + 1 :]]


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (renamed(RECORDS, 0), "it is of another log"),
        (renamed(RECORDS, 5), "the log does not hold 6-00000006"),
        (RECORDS[:5], "the log does not hold 6-00000006"),
        ([], "it is of another log"),
    ],
    ids=["another log", "a restored log", "a shorter log", "a new log"],
)
async def test_a_checkpoint_of_another_log_is_discarded(path: Path, records: list[Record], reason: str) -> None:
    """Where the log does not hold the record at which the room was kept, it is read from its first record."""
    await Checkpoint(path).close(folded(RECORDS))
    with capture_logs() as told:
        room = await Checkpoint(path).load(await holding(MemoryLog(), records))

    assert room == Room()
    assert [(line["event"], line["reason"]) for line in told] == [("checkpoint_discarded", reason)]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"Dear diary"), Path.mkdir], ids=["text", "folder"])
async def test_a_checkpoint_that_cannot_be_read_is_discarded(path: Path, damage: Callable[[Path], Any]) -> None:
    """Whatever lies there, it is no error; one line says that it was not used."""
    damage(path)
    with capture_logs() as told:
        room = await Checkpoint(path).load(await holding(MemoryLog(), RECORDS))

    assert room == Room()
    assert [line["event"] for line in told] == ["checkpoint_discarded"]


def test_a_checkpoint_is_private_and_alone(path: Path) -> None:
    """It is for its owner only, takes the place of the one before, and leaves nothing else behind."""
    for end in (3, 6):
        asyncio.run(Checkpoint(path).close(folded(RECORDS[:end])))

    assert decode(path.read_bytes()) == folded(RECORDS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


async def test_what_a_killed_process_left_is_swept_away(path: Path) -> None:
    """A checkpoint that was never finished takes no room on the disk for ever; what has another name stays."""
    (stays := path.with_name("chatr.db.jsonl.part")).touch()
    with replaced_file(path) as partial:
        pass
    path.with_name(partial.name).touch()
    await Checkpoint(path).load(MemoryLog())

    assert set(path.parent.iterdir()) == {path, stays}


async def test_a_checkpoint_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """A full disk does not keep a room from closing; one line says that nothing was kept."""
    with capture_logs() as told:
        await Checkpoint(tmp_path / "nowhere" / "checkpoint").close(folded(RECORDS))

    assert [line["event"] for line in told] == ["checkpoint_not_written"]


def position(path: Path) -> int:
    return decode(path.read_bytes()).position if path.exists() else 0


async def test_a_room_is_kept_every_so_many_records(path: Path) -> None:
    """While it is open, a room is written down whenever that many records were folded."""
    checkpoint, positions = Checkpoint(path, every=2), []
    for end in range(1, 7):
        room = folded(RECORDS[:end])
        checkpoint.folded(room)
        while end % 2 == 0 and position(path) < end:
            await turns(1)
            checkpoint.folded(room)
        positions.append(position(path))

    assert positions == [0, 2, 2, 4, 4, 6]


async def test_a_log_without_a_file_keeps_nothing() -> None:
    """Where there is no place for a checkpoint, a room opens empty and closes without a word."""
    checkpoint = Checkpoint(None, every=1)
    checkpoint.folded(folded(RECORDS))
    await checkpoint.close(folded(RECORDS))

    assert await checkpoint.load(await holding(MemoryLog(), RECORDS)) == Room()
