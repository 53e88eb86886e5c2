"""A snapshot is the state of a room; it is written to a file, the checkpoint, and read from it.

A file is valid only for the format and the fold version that wrote it.

Its sections are the state, the newest messages, the positions of messages and of registrations, and the agents. Their
pieces are small, so that a thread that encodes or decodes one does not keep the event loop waiting for long.
"""

import gc
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from types import GenericAlias
from typing import Any, BinaryIO, Final

from attrs import evolve, fields, frozen
from msgspec import json, msgpack

from chatr.domain.activity import Activity
from chatr.domain.agent import Agent, Badge
from chatr.domain.events import MessagePosted, Record, account_keys
from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.limits import MESSAGES_IN_MEMORY, Limits
from chatr.domain.room import Room
from chatr.domain.time_index import AdoptedLimits, TimeIndex
from chatr.past.section_file import check_header, read_section, write_sections

# The byte order is part of the version because positions and times are stored as native integers.
FORMAT_VERSION: Final = f"chatr room 3, {sys.byteorder} endian"
FOLD_VERSION: Final = 4
"""Raise this when the same records fold into another room than before.

tests/past/test_fold_version.py fails when that may be the case.
"""
ROWS_IN_PIECE: Final = 256
"""Agents or records that are encoded at a time. Encoding them takes a fraction of a millisecond."""
NUMBERS_IN_PIECE: Final = 65_536


class InvalidSnapshot(Exception):
    """A file is not a snapshot, is damaged, or was written with another format or fold version."""


@frozen
class State:
    """What a snapshot holds besides agents, records and positions. Its fields are those of Room and of its parts."""

    position: int
    last_id: str
    log_id: str
    chain_hash: bytes
    accounts_without_badge: dict[str, AgentId]
    older_names: dict[str, str]
    limits: Limits
    limits_position: int
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


def row_decoder(row_class: type, **stored_types: Any) -> Callable[[bytes], list[tuple[Any, ...]]]:
    """The function that decodes a piece of rows and checks the type of each field, `stored_types` by name if given."""
    row = GenericAlias(tuple, tuple(stored_types.get(each.name, each.type) for each in fields(row_class)))
    return msgpack.Decoder(GenericAlias(list, (row,))).decode


encode: Final = msgpack.Encoder().encode
decode_state: Final = msgpack.Decoder(State).decode
record_row: Final = row_of(Record)
decode_records: Final = row_decoder(Record, event=MessagePosted)
agent_row: Final = row_of(Agent)
decode_agents: Final = row_decoder(Agent)


def take_snapshot(room: Room) -> Snapshot:
    """A snapshot of the room. Later changes of the room do not reach it."""
    index = room.time_index
    state = State(
        room.position,
        room.last_id,
        room.log_id,
        room.chain_hash,
        dict(room.accounts_without_badge),
        dict(room.older_names),
        room.rule_context.limits,
        room.rule_context.limits_position,
        list(index.limits_history),
        evolve(room.activity, counts=list(room.activity.counts)),
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


def read_snapshot(file: BinaryIO) -> Room:
    """The room of a file. Raises InvalidSnapshot or OSError."""
    try:
        check_header(file, versions())
        with collector_paused():
            return read_room(file)
    # msgspec raises RecursionError for values that are nested too deeply.
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise InvalidSnapshot(str(error)) from error


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector, and exempt the objects that exist at the end from its later collections."""
    # It would search all objects that exist, again and again, and a room has no reference cycles.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


def read_room(file: BinaryIO) -> Room:
    """The room of the sections that follow in a file. Raises ValueError or TypeError, among others."""
    (state,) = map(decode_state, read_section(file))
    newest = (Record(*row) for piece in read_section(file) for row in decode_records(piece))
    history = History(newest=deque(newest, MESSAGES_IN_MEMORY))
    read_numbers(file, history.positions)
    index = TimeIndex(state.earliest, state.slots, state.firsts, limits_history=state.limits_history)
    read_numbers(file, index.registrations)
    room = Room(
        state.position,
        state.last_id,
        state.log_id,
        state.chain_hash,
        accounts_without_badge=state.accounts_without_badge,
        history=history,
        activity=state.activity,
        time_index=index,
        older_names=state.older_names,
    )
    # Changed and not made anew: the context that the room made refers to the room's own dictionaries.
    room.rule_context = evolve(room.rule_context, limits=state.limits, limits_position=state.limits_position)
    add_agents(room, (Agent(*row) for piece in read_section(file) for row in decode_agents(piece)))
    return room


def read_numbers(file: BinaryIO, numbers: "array[int]") -> None:
    """Append the numbers of the next section. Raises ValueError."""
    for piece in read_section(file):
        numbers.frombytes(piece)


def add_agents(room: Room, agents: Iterable[Agent]) -> None:
    """Add agents to a room without any, and to its indices."""
    room.agents.update((agent.id, agent) for agent in agents)
    # Not in the same loop: a dictionary that grows is copied while no other thread runs, and both would grow at once.
    room.agents_by_key.update((agent.key_digest, agent.id) for agent in room.agents.values())
    room.agents_by_account.update(room.accounts_without_badge)
    for agent in room.agents.values():
        if agent.badge is not None:
            add_badge(room, agent, agent.badge)


def add_badge(room: Room, agent: Agent, badge: Badge) -> None:
    """Make an agent findable by the account of its badge, of which the first agent in log order stays."""
    for key in account_keys(badge.moltbook_name, badge.account_id):
        other = room.agent(room.agents_by_account.setdefault(key, agent.id))
        if other.badge is not None and badge.position < other.badge.position:
            room.agents_by_account[key] = agent.id
