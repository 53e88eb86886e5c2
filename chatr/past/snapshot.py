"""A snapshot is the state of a room; it is written to a file, the checkpoint.

A file is valid only for the format and the fold version that wrote it.

Its sections are the state, the newest messages, the positions of messages and of registrations, and the agents. Their
pieces are small, so that a thread that encodes or decodes one does not keep the event loop waiting for long.
"""

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, BinaryIO, Final

from attrs import fields, frozen
from msgspec import json, msgpack

from chatr.domain.activity import Activity
from chatr.domain.agent import Agent
from chatr.domain.events import Record
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limits
from chatr.domain.removals import Removal, VisibilityChange
from chatr.domain.room import Room
from chatr.domain.time_index import AdoptedLimits
from chatr.past.section_file import write_sections

# The byte order is part of the version because positions and times are stored as native integers.
FORMAT_VERSION: Final = f"chatr room 4, {sys.byteorder} endian"
FOLD_VERSION: Final = 6
"""Raise this when the same records fold into another room than before.

tests/past/test_fold_version.py fails when that may be the case.
"""
ROWS_IN_PIECE: Final = 256
"""Agents or records that are encoded at a time. Encoding them takes a fraction of a millisecond."""
NUMBERS_IN_PIECE: Final = 65_536


@frozen
class State:
    """What a snapshot holds besides agents, records and positions. Its fields are those of Room and of its parts."""

    position: int
    last_id: str
    log_id: str
    chain_hash: bytes
    accounts_without_badge: dict[str, AgentId]
    older_names: dict[str, str]
    void_keys: dict[str, AgentId]
    removals: list[Removal]
    visibility_changes: list[VisibilityChange]
    limits: Limits
    limits_position: int
    room_position: int
    closing: str | None
    limits_history: list[AdoptedLimits]
    activity: Activity
    earliest: list[int]
    slots: list[int]
    firsts: list[int]


@frozen
class ArrayPrefix:
    """The first `count` of `numbers`. They do not change, because later records only append to the array."""

    numbers: "array[int]"
    count: int

    @classmethod
    def all_of(cls, numbers: "array[int]") -> "ArrayPrefix":
        """The numbers that are in the array now."""
        return cls(numbers, len(numbers))


@frozen
class Snapshot:
    """The state of a room from which the rest can be derived."""

    state: State
    newest_messages: list[Record]
    message_positions: ArrayPrefix
    registrations: ArrayPrefix
    # Agents are immutable: a list of them is enough.
    agents: list[Agent]


def row_of(row_class: type) -> Callable[[Any], tuple[Any, ...]]:
    """The function that returns the fields of an object as a tuple."""
    return attrgetter(*(each.name for each in fields(row_class)))


encode: Final = msgpack.Encoder().encode
record_row: Final = row_of(Record)
agent_row: Final = row_of(Agent)


def take_snapshot(room: Room) -> Snapshot:
    """A snapshot of the room. Later changes of the room do not reach it."""
    index, context = room.time_index, room.rule_context
    state = State(
        room.position,
        room.last_id,
        room.log_id,
        room.chain_hash,
        dict(room.accounts_without_badge),
        dict(room.names.older),
        dict(room.void_keys),
        list(room.history.removals.by_message.values()),
        list(room.history.removals.changes),
        context.limits,
        context.limits_position,
        context.room_position,
        context.closing,
        list(index.limits_history),
        copy_of(room.activity),
        list(index.earliest),
        list(index.slots),
        list(index.firsts),
    )
    return Snapshot(
        state,
        list(room.history.newest),
        ArrayPrefix.all_of(room.history.positions),
        ArrayPrefix.all_of(index.registrations),
        list(room.agents.values()),
    )


def copy_of(activity: Activity) -> Activity:
    """The same counts in lists of their own."""
    return Activity(
        activity.start,
        activity.width,
        list(activity.counts),
        list(activity.run_positions),
        list(activity.run_times),
    )


def write_snapshot(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write a snapshot to an empty file. Raises OSError."""
    write_sections(file, versions(), sections(snapshot))


def sections(snapshot: Snapshot) -> tuple[Iterable[bytes], ...]:
    """The sections of a file, in the order in which `read_room` reads them."""
    return (
        [encode(snapshot.state)],
        encoded_rows(record_row, snapshot.newest_messages),
        encoded_numbers(snapshot.message_positions),
        encoded_numbers(snapshot.registrations),
        encoded_rows(agent_row, snapshot.agents),
    )


def versions() -> bytes:
    """The versions that must be those of the reader."""
    return json.encode({"form": FORMAT_VERSION, "fold": FOLD_VERSION})


def encoded_rows(row: Callable[[Any], tuple[Any, ...]], objects: list[Any]) -> Iterator[bytes]:
    """Yield pieces with the rows of objects."""
    for start in range(0, len(objects), ROWS_IN_PIECE):
        yield encode(list(map(row, objects[start : start + ROWS_IN_PIECE])))


def encoded_numbers(prefix: ArrayPrefix) -> Iterator[bytes]:
    """Yield pieces with numbers, 8 bytes each."""
    for start in range(0, prefix.count, NUMBERS_IN_PIECE):
        # A slice and not a view: an array cannot grow while there is a view of it.
        yield prefix.numbers[start : min(start + NUMBERS_IN_PIECE, prefix.count)].tobytes()
