"""Read a room from the file of a snapshot."""

import gc
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import GenericAlias
from typing import Any, BinaryIO, Final

from attrs import evolve, fields
from msgspec import msgpack

from chatr.domain.accounts import account_keys
from chatr.domain.agent import Agent
from chatr.domain.agent_names import AgentNames
from chatr.domain.events import MessagePosted, Record
from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.message_times import TimeSequence
from chatr.domain.removals import Removals
from chatr.domain.room import Room
from chatr.domain.time_index import TimeIndex
from chatr.domain.verification import Badge
from chatr.past.section_file import check_header, read_section
from chatr.past.snapshot import State, versions


class InvalidSnapshot(Exception):
    """A file is not a snapshot, is damaged, or was written with another format or fold version."""


def row_decoder(row_class: type, **stored_types: Any) -> Callable[[bytes], list[tuple[Any, ...]]]:
    """The function that decodes a piece of rows and checks the type of each field, `stored_types` by name if given."""
    row = GenericAlias(tuple, tuple(stored_types.get(each.name, each.type) for each in fields(row_class)))
    return msgpack.Decoder(GenericAlias(list, (row,))).decode


decode_state: Final = msgpack.Decoder(State).decode
decode_records: Final = row_decoder(Record, event=MessagePosted)
decode_agents: Final = row_decoder(Agent)


def read_snapshot(file: BinaryIO) -> Room:
    """The room of a file. Raises InvalidSnapshot or OSError."""
    try:
        check_header(file, versions())
        with collector_paused():
            return read_room(file)
    # msgspec raises RecursionError for values that are nested too deeply.
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError, MemoryError) as error:
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
    removals = Removals.of(state.removals, state.visibility_changes)
    history = History(newest=deque(newest, MESSAGES_IN_MEMORY), removals=removals)
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
        time_index=index,
        names=AgentNames(state.older_names),
        void_keys=state.void_keys,
    )
    # Changed and not made anew: the context that the room made refers to the room's own dictionaries.
    room.rule_context = evolve(
        room.rule_context,
        limits=state.limits,
        limits_position=state.limits_position,
        room_position=state.room_position,
        closing=state.closing,
    )
    add_agents(room, (Agent(*row) for piece in read_section(file) for row in decode_agents(piece)))
    read_addressing(file, room)
    read_times(file, history, state.sequence_count)
    return room


def read_addressing(file: BinaryIO, room: Room) -> None:
    """Read who wrote, mentions and answers what in the room. Raises ValueError or IndexError."""
    addressing = room.history.addressing
    agents = list(room.agents)
    addressing.authors.extend(read_agents(file, agents))
    read_numbers(file, addressing.mentions.messages)
    addressing.mentions.keys.extend(read_agents(file, agents))
    read_numbers(file, addressing.replied_to.messages)
    messages = array("q")
    read_numbers(file, messages)
    addressing.replied_to.keys.extend(messages)
    addressing.index_all(room.history.removals.by_message)


def read_times(file: BinaryIO, history: History, sequence_count: int) -> None:
    """Read the times of all messages, and so many sequences of stragglers. Raises ValueError or IndexError."""
    times = history.times
    read_numbers(file, times.column)
    times.latest = times.column[-1] if times.column else 0
    for _ in range(sequence_count):
        sequence = TimeSequence()
        read_numbers(file, sequence.indexes)
        read_numbers(file, sequence.seconds)
        times.sequences.append(sequence)
    times.hide(history.indexes_of(history.removals.by_message))


def read_agents(file: BinaryIO, agents: Sequence[AgentId]) -> Iterator[AgentId]:
    """Yield the ids of agents whose numbers are in the next section. Raises ValueError or IndexError."""
    for piece in read_section(file):
        yield from map(agents.__getitem__, array("q", piece))


def read_numbers(file: BinaryIO, numbers: "array[int]") -> None:
    """Append the numbers of the next section. Raises ValueError."""
    for piece in read_section(file):
        numbers.frombytes(piece)


def add_agents(room: Room, agents: Iterable[Agent]) -> None:
    """Add agents to a room without any, and to its indices."""
    room.agents.update((agent.id, agent) for agent in agents)
    # Not in the same loop: a dictionary that grows is copied while no other thread runs, and both would grow at once.
    room.agents_by_key.update((digest, agent.id) for agent in room.agents.values() for digest in agent.key_digests)
    room.agents_by_account.update(room.accounts_without_badge)
    for agent in room.agents.values():
        room.names.search.add(agent.name)
        if agent.badge is not None:
            add_badge(room, agent, agent.badge)
        if agent.standing is not None and agent.standing.suspension is not None:
            room.suspended[agent.id] = agent.standing.suspension.until


def add_badge(room: Room, agent: Agent, badge: Badge) -> None:
    """Make an agent findable by the account of its badge, of which the first agent in log order stays."""
    for key in account_keys(badge.moltbook_name, badge.account_id):
        other = room.agent(room.agents_by_account.setdefault(key, agent.id))
        if other.badge is not None and badge.position < other.badge.position:
            room.agents_by_account[key] = agent.id
