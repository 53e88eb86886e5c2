"""A room as bytes. They are of use only to a chatr that folds records as the one did which wrote them."""

import sys
from array import array
from base64 import b64decode, b64encode
from collections import deque
from copy import deepcopy
from hashlib import sha256
from typing import Final

import orjson
from attrs import frozen
from cattrs.preconf.orjson import make_converter

from chatr.domain.activity import Activity
from chatr.domain.agent import STRANGER, Agent
from chatr.domain.chronicle import Chronicle
from chatr.domain.events import AgentId, Event, MessagePosted, Record
from chatr.domain.history import History
from chatr.domain.limits import MESSAGES_KEPT, Limits
from chatr.domain.room import Room
from chatr.domain.rule import House

FORM: Final = f"chatr room 2, {sys.byteorder} endian"
FOLD: Final = 3
"""Raise this where the same records make another room than before; tests/test_fold.py tells when that may be so."""


class Foreign(Exception):
    """These bytes are no room, or one that was folded otherwise."""


@frozen
class Kept:
    """What must be kept of a room; the rest follows from it."""

    position: int
    last_id: str
    log_id: str
    head: bytes
    limits: Limits
    adopted: int
    agents: dict[AgentId, Agent]
    keys: dict[str, AgentId]
    accounts: dict[str, AgentId]
    positions: str
    newest: list[Record]
    activity: Activity
    chronicle: Chronicle


converter: Final = make_converter(detailed_validation=False)
converter.register_unstructure_hook(bytes, bytes.hex)
converter.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))
converter.register_structure_hook(Event, lambda fields, _: converter.structure(fields, MessagePosted))
"""No other records are kept than those of messages."""


def keep(room: Room) -> Kept:
    """What is to be kept of a room. It stays as it is while the room goes on."""
    return Kept(
        room.position,
        room.last_id,
        room.log_id,
        room.head,
        room.house.limits,
        room.house.adopted,
        dict(room.agents),
        dict(room.keys),
        dict(room.accounts),
        b64encode(room.history.positions).decode(),
        list(room.history.newest),
        deepcopy(room.activity),
        deepcopy(room.chronicle),
    )


def room_of(kept: Kept) -> Room:
    history = History(array("q", b64decode(kept.positions)), deque(kept.newest, MESSAGES_KEPT))
    room = Room(
        kept.position,
        kept.last_id,
        kept.log_id,
        kept.head,
        kept.agents,
        kept.keys,
        kept.accounts,
        history=history,
        activity=kept.activity,
        chronicle=kept.chronicle,
    )
    room.house = House(kept.limits, kept.adopted, room.accounts)
    for agent in room.agents.values():
        room.presence.apply(STRANGER, agent)
    return room


def encode(kept: Kept) -> bytes:
    body = orjson.dumps(converter.unstructure(kept))
    return title(body) + body


def decode(text: bytes) -> Room:
    """Raises Foreign."""
    end = text.find(b"\n") + 1
    if text[:end] != title(text[end:]):
        raise Foreign("it is damaged, or from another version")
    try:
        return room_of(converter.structure(orjson.loads(text[end:]), Kept))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Foreign(f"it makes no sense: {error!r}") from error


def title(body: bytes) -> bytes:
    """The first line: what follows, how it was folded, and its digest."""
    return orjson.dumps({"form": FORM, "fold": FOLD, "sha256": sha256(body).hexdigest()}) + b"\n"
