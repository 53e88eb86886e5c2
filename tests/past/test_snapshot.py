"""A snapshot is read as the same room, or is invalid."""

import itertools
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.agent import Agent
from chatr.domain.commands import agent_id, older_agent_id
from chatr.domain.events import AgentRegistered, Event, LimitsAdopted, Record
from chatr.domain.key_events import KeyRevoked
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE, SECOND, Limit, Limits
from chatr.domain.post_times import CHUNK_LENGTH
from chatr.domain.room import Room
from chatr.past import snapshot
from chatr.past.section_file import write_sections
from chatr.past.snapshot import take_snapshot, versions, write_snapshot
from chatr.past.snapshot_reading import InvalidSnapshot
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CRAB,
    CRAB_KEY_ACTIVATED,
    CRAB_KEY_ISSUED,
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_REMOVED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_SUSPENDED,
    CRAB_VERIFIED,
    LOBSTER_REGISTERED,
    ROOM_CLOSED,
)
from tests.past.snapshots import RECORDS, decoded, encoded

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


def test_the_first_agent_of_an_account_stays() -> None:
    """Of two agents that one account verified, a restored room finds the one that was verified first."""
    later, first = CRAB_VERIFIED, evolve(CRAB_VERIFIED, agent=LOBSTER_REGISTERED.agent)
    room = folded_room(records_of([CRAB_REGISTERED, LOBSTER_REGISTERED, first, later]))

    assert decoded(encoded(take_snapshot(room))).agents_by_account == room.agents_by_account


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
    room, path = room_with(agents=4_000), tmp_path / "snapshot"
    with path.open("wb") as file:
        peak = memory_peak(lambda: write_snapshot(take_snapshot(room), file))

    assert peak < path.stat().st_size / 3


def test_reading_takes_no_second_copy_of_positions() -> None:
    """Positions are read in small pieces: no step of reading, and no memory beside the room, grows with them."""
    room, count = folded_room(RECORDS), 500_000
    room.history.positions.extend(range(7, count))
    room.history.addressing.authors.extend([CRAB] * (count - 7))
    room.history.times.column.extend(itertools.repeat(room.history.times.latest, count - 7))
    content = encoded(take_snapshot(room))

    # The room has 8 bytes a message in three places: its position, its author, and its position among its author's. Its
    # time takes 4.
    assert memory_peak(lambda: decoded(content)) < 1.5 * (3 * 8 + 4) * count


def test_the_event_loop_does_not_copy_positions() -> None:
    """The event loop takes a snapshot without the positions of messages and registrations, which only grow."""
    room = folded_room(RECORDS)
    addressing = room.history.addressing
    for numbers in (room.history.positions, room.time_index.registrations, addressing.mentions.messages):
        numbers.extend(range(100_000))
    addressing.authors.extend([CRAB] * 100_000)
    room.history.times.column.extend(range(100_000))

    assert memory_peak(lambda: take_snapshot(room)) < 100_000


def test_every_field_of_the_room_comes_back() -> None:
    """A room and an agent of which no field has its default value are restored completely."""
    rate, posts = Limit(8, MINUTE), [CRAB_POSTED] * (CHUNK_LENGTH + 1)
    limits = LimitsAdopted(Limits(Limit(1_000, MINUTE), rate, MINUTE, SECOND, leaving=rate, verifying=rate), START)
    first_badge = evolve(CRAB_VERIFIED, account_id="17")
    second_badge = evolve(first_badge, moltbook_name="Another", account_id="18")
    older_name = AgentRegistered(older_agent_id("Cl-awd"), "Cl-awd", None, hash_key("older"), START)
    badges: list[Event] = [first_badge, second_badge, CRAB_LEFT, CRAB_STARTED]
    of_operators: list[Event] = [CRAB_KEY_ISSUED, CRAB_KEY_ACTIVATED, CRAB_SUSPENDED, evolve(CRAB_REMOVED, position=4)]
    others: list[Event] = [KeyRevoked(CRAB, CRAB_REGISTERED.key_digest, None, START), CRAB_SEEN]
    events: list[Event] = [limits, older_name, CRAB_REGISTERED, *posts, *of_operators, *others, *badges, ROOM_CLOSED]
    room = folded_room(records_of(events))
    agent, nobody, empty = room.agent(CRAB), Agent(), Room()

    assert [each.name for each in fields(Agent) if getattr(agent, each.name) == getattr(nobody, each.name)] == []
    assert [each.name for each in fields(Room) if getattr(room, each.name) == getattr(empty, each.name)] == []
    assert decoded(encoded(take_snapshot(room))) == room


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
