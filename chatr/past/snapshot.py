"""A snapshot is the state of a room; it is written to a file, the checkpoint.

A file is valid only for the format and the fold version that wrote it.

Its sections are the state, the newest messages, the positions of messages and of registrations, who wrote, mentions and
answers what, the agents, and the times of messages. Their pieces are small, so that a thread that encodes or decodes
one does not keep the event loop waiting for long.
"""

import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, BinaryIO, Final, Generic, Literal, TypeVar

from attrs import fields, frozen
from msgspec import json, msgpack

from chatr.domain.agent import Agent
from chatr.domain.events import Record
from chatr.domain.identity import AgentId
from chatr.domain.limits import Limits
from chatr.domain.removals import Removal, VisibilityChange
from chatr.domain.room import Room
from chatr.domain.time_index import AdoptedLimits
from chatr.past.section_file import write_sections

T = TypeVar("T")
# The byte order is part of the version because positions and times are stored as native integers.
FORMAT_VERSION: Final = f"chatr room 6, {sys.byteorder} endian"
FOLD_VERSION: Final = 8
"""Raise this when the same records fold into another room than before.

tests/past/test_fold_version.py fails when that may be the case.
"""
ROWS_IN_PIECE: Final = 256
"""Agents or records that are encoded at a time. Encoding them takes a fraction of a millisecond."""
NUMBERS_IN_PIECE: Final = 65_536
NUMBERED_IN_PIECE: Final = 8_192
"""Ids of agents that are replaced by numbers at a time, which takes a millisecond."""


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
    sequence_count: int
    earliest: list[int]
    slots: list[int]
    firsts: list[int]


@frozen
class Prefix(Generic[T]):
    """The first `count` of `items`. They do not change: later records append to the sequence, or replace it."""

    items: Sequence[T]
    count: int

    @classmethod
    def all_of(cls, items: Sequence[T]) -> "Prefix[T]":
        """The items that are in the sequence now."""
        return cls(items, len(items))

    def pieces(self, size: int) -> Iterator[Sequence[T]]:
        """Yield the items, so many at a time."""
        for start in range(0, self.count, size):
            # A slice and not a view: an array cannot grow while there is a view of it.
            yield self.items[start : min(start + size, self.count)]


@frozen
class Snapshot:
    """The state of a room from which the rest can be derived.

    `mentions` and `replies` are the two sides of a `MessageRelation`: the messages, and the agents that they mention or
    the messages that they reply to. `agents_now` are those of the room itself, for what never changes of them.
    """

    state: State
    newest_messages: list[Record]
    message_positions: Prefix[int]
    registrations: Prefix[int]
    authors: Prefix[AgentId]
    mentions: tuple[Prefix[int], Prefix[AgentId]]
    replies: tuple[Prefix[int], Prefix[int]]
    # Without the times of hidden messages: they follow from the removals.
    times: Prefix[int]
    straggler_sequences: list[tuple[Prefix[int], Prefix[int]]]
    agents_now: Mapping[AgentId, Agent]
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
    index, context, addressing, times = room.time_index, room.rule_context, room.history.addressing, room.history.times
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
        len(times.sequences),
        list(index.earliest),
        list(index.slots),
        list(index.firsts),
    )
    return Snapshot(
        state,
        list(room.history.newest),
        Prefix.all_of(room.history.positions),
        Prefix.all_of(index.registrations),
        Prefix.all_of(addressing.authors),
        (Prefix.all_of(addressing.mentions.messages), Prefix.all_of(addressing.mentions.keys)),
        (Prefix.all_of(addressing.replied_to.messages), Prefix.all_of(addressing.replied_to.keys)),
        Prefix.all_of(times.column),
        [(Prefix.all_of(each.indexes), Prefix.all_of(each.seconds)) for each in times.sequences],
        room.agents,
        list(room.agents.values()),
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
        encoded_agents(snapshot.authors, snapshot.agents_now),
        encoded_numbers(snapshot.mentions[0]),
        encoded_agents(snapshot.mentions[1], snapshot.agents_now),
        *map(encoded_numbers, snapshot.replies),
        encoded_numbers(snapshot.times, "I"),
        *map(encoded_numbers, chain.from_iterable(snapshot.straggler_sequences)),
    )


def versions() -> bytes:
    """The versions that must be those of the reader."""
    return json.encode({"form": FORMAT_VERSION, "fold": FOLD_VERSION})


def encoded_rows(row: Callable[[Any], tuple[Any, ...]], objects: list[Any]) -> Iterator[bytes]:
    """Yield pieces with the rows of objects."""
    for start in range(0, len(objects), ROWS_IN_PIECE):
        yield encode(list(map(row, objects[start : start + ROWS_IN_PIECE])))


def encoded_numbers(numbers: Prefix[int], typecode: Literal["q", "I"] = "q") -> Iterator[bytes]:
    """Yield pieces with numbers, 8 bytes each, or 4 bytes with the type code "I" of `array`."""
    for piece in numbers.pieces(NUMBERS_IN_PIECE):
        yield array(typecode, piece).tobytes()


def encoded_agents(agents: Prefix[AgentId], states: Mapping[AgentId, Agent]) -> Iterator[bytes]:
    """Yield pieces with the numbers of agents, which take 8 bytes where their ids take 36."""
    for piece in agents.pieces(NUMBERED_IN_PIECE):
        yield array("q", (states[agent].number for agent in piece)).tobytes()
