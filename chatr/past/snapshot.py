"""A snapshot: the state of a room as bytes. It is valid only for the fold version that wrote it."""

import sys
from array import array
from base64 import b64decode, b64encode
from collections import deque
from copy import deepcopy
from hashlib import sha256
from typing import Any, Final

import msgspec.json
from attrs import frozen
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from chatr.domain.activity import Activity
from chatr.domain.agent import Agent, KeyedPost
from chatr.domain.events import AgentId, Event, MessagePosted, Record
from chatr.domain.history import History
from chatr.domain.limits import MESSAGES_IN_MEMORY, Limits
from chatr.domain.room import Room
from chatr.domain.rule import RuleContext
from chatr.domain.time_index import TimeIndex

# The byte order is part of the version because message positions are stored as native integers.
FORMAT_VERSION: Final = f"chatr room 2, {sys.byteorder} endian"
FOLD_VERSION: Final = 4
"""Raise this when the same records fold into another room than before.

tests/past/test_fold_version.py fails when that may be the case.
"""


class InvalidSnapshot(Exception):
    """The bytes are not a snapshot, are damaged, or were written with another fold version."""


@frozen
class Snapshot:
    """The state of a room from which the rest can be derived.

    `limits_position` is the position of the record that adopted `limits`; `message_positions` are the positions of all
    messages as base64 of native 64-bit integers; `newest_messages` are the records of the last messages.
    """

    position: int
    last_id: str
    log_id: str
    chain_hash: bytes
    limits: Limits
    limits_position: int
    agents: dict[AgentId, Agent]
    agents_by_key: dict[str, AgentId]
    agents_by_account: dict[str, AgentId]
    message_positions: str
    newest_messages: list[Record]
    activity: Activity
    time_index: TimeIndex


# The names in the file are a contract: a snapshot that an older chatr wrote must still open.
STORED_NAMES: Final[dict[type, dict[str, str]]] = {
    Snapshot: {
        "chain_hash": "head",
        "limits_position": "adopted",
        "agents_by_key": "keys",
        "agents_by_account": "accounts",
        "message_positions": "positions",
        "newest_messages": "newest",
        "time_index": "chronicle",
    },
    Agent: {"posted_at": "times", "keyed_posts": "answers", "registered_at": "since"},
    KeyedPost: {"content_digest": "digest"},
    Record: {"decided_at_position": "seen", "record_hash": "check"},
    TimeIndex: {"registrations": "registered", "limits_history": "adopted"},
}

# Structuring is faster without detailed validation. The place of an error does not matter: the snapshot is discarded.
converter: Final = Converter(detailed_validation=False)
converter.register_unstructure_hook(bytes, bytes.hex)
converter.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))
# Only the records of messages are part of a snapshot.
converter.register_structure_hook(Event, lambda fields, _: converter.structure(fields, MessagePosted))


def stored_times(posted_at: tuple[int, ...]) -> dict[str, Any]:
    """Times of posts in the form that snapshots have: a count, and two lists that follow one another."""
    return {"count": len(posted_at), "earlier": [], "latest": list(posted_at)}


def times_from(stored: dict[str, Any], _type: object) -> tuple[int, ...]:
    """The last `count` times of both lists. Older versions used the first list too."""
    times = (*stored["earlier"], *stored["latest"])
    return times[len(times) - stored["count"] :]


# Inner classes first: the hook of a class uses those that are registered for the classes of its fields.
for _type, _names in reversed(STORED_NAMES.items()):
    _renamed: Any = {name: override(rename=stored) for name, stored in _names.items()}
    if _type is Agent:
        _renamed["posted_at"] = override(rename="times", unstruct_hook=stored_times, struct_hook=times_from)
    converter.register_unstructure_hook(_type, make_dict_unstructure_fn(_type, converter, **_renamed))
    converter.register_structure_hook(_type, make_dict_structure_fn(_type, converter, **_renamed))


def take_snapshot(room: Room) -> Snapshot:
    """A snapshot of the room. Later changes of the room do not reach it."""
    return Snapshot(
        room.position,
        room.last_id,
        room.log_id,
        room.chain_hash,
        room.rule_context.limits,
        room.rule_context.limits_position,
        # Shallow copies suffice, because agents and records are immutable.
        dict(room.agents),
        dict(room.agents_by_key),
        dict(room.agents_by_account),
        b64encode(room.history.positions).decode(),
        list(room.history.newest),
        deepcopy(room.activity),
        deepcopy(room.time_index),
    )


def room_from(snapshot: Snapshot) -> Room:
    """The room of a snapshot, which becomes the owner of the snapshot's collections. Raises ValueError."""
    history = History(
        array("q", b64decode(snapshot.message_positions)), deque(snapshot.newest_messages, MESSAGES_IN_MEMORY)
    )
    room = Room(
        snapshot.position,
        snapshot.last_id,
        snapshot.log_id,
        snapshot.chain_hash,
        snapshot.agents,
        snapshot.agents_by_key,
        snapshot.agents_by_account,
        history=history,
        activity=snapshot.activity,
        time_index=snapshot.time_index,
    )
    # The rules must see the room's own dictionaries, which later records change.
    room.rule_context = RuleContext(snapshot.limits, snapshot.limits_position, room.agents_by_account, room.older_names)
    for agent in room.agents.values():
        room.index_name(agent.id, agent.name)
    return room


def encode(snapshot: Snapshot) -> bytes:
    """A snapshot as a header line and a JSON document."""
    body = msgspec.json.encode(converter.unstructure(snapshot))
    return header_line(body) + body


def decode(text: bytes) -> Room:
    """The room of an encoded snapshot. Raises InvalidSnapshot."""
    end = text.find(b"\n") + 1
    if text[:end] != header_line(text[end:]):
        raise InvalidSnapshot("it is damaged, or from another version")
    try:
        return room_from(converter.structure(msgspec.json.decode(text[end:]), Snapshot))
    # msgspec raises RecursionError for JSON that is nested too deeply.
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidSnapshot(f"it makes no sense: {error!r}") from error


def header_line(body: bytes) -> bytes:
    """The first line of an encoded snapshot: its format version, its fold version and the digest of `body`."""
    header = {"form": FORMAT_VERSION, "fold": FOLD_VERSION, "sha256": sha256(body).hexdigest()}
    return msgspec.json.encode(header) + b"\n"
