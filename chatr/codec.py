"""event <-> stored JSON. Names of types and fields are stored for ever; old shapes are brought up to date here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from attrs import NOTHING, Attribute, fields
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.orjson import make_converter
from msgspec import NODEFAULT, Struct, convert, defstruct
from msgspec.json import Decoder
from msgspec.structs import astuple

from chatr.domain.events import (
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
    Record,
    VerificationStarted,
    stream_of,
)
from chatr.ports import Draft, Stored

TYPES: Final[dict[str, type[Event]]] = {
    "agent-registered.v1": AgentRegistered,
    "message-posted.v1": MessagePosted,
    "agent-seen.v1": AgentSeen,
    "agent-left.v1": AgentLeft,
    "verification-started.v1": VerificationStarted,
    "agent-verified.v1": AgentVerified,
    "limits-adopted.v1": LimitsAdopted,
}
NAMES: Final = {event: name for name, event in TYPES.items()}

Fields = dict[str, Any]
Reader = Callable[[str, int], Event]


class Unreadable(Exception):
    """This version of chatr cannot make sense of a record, and it never skips one."""


converter: Final = make_converter()
for _event in NAMES:
    # The time stands in a column of its own.
    converter.register_unstructure_hook(_event, make_dict_unstructure_fn(_event, converter, at=override(omit=True)))


def form_of(event: type[Event]) -> type[Struct]:
    """What stored text is read into: a field of another type is damaged, and the time comes later."""
    return defstruct(event.__name__, [(each.name, each.type, default_of(each)) for each in fields(event)], gc=False)


def default_of(field: "Attribute[Any]") -> object:
    if field.name == "at":
        return 0
    return NODEFAULT if field.default is NOTHING else field.default


def reader(event: type[Event], upcast: Callable[[Fields], Fields] | None = None) -> Reader:
    """Makes an event of stored text and its time; fields of an older form, with another name, are brought up to date
    first.
    """
    form = form_of(event)
    read: Callable[[str], Any] = older(form, upcast) if upcast else Decoder(form).decode

    def dated(text: str, at: int) -> Event:
        found = read(text)
        found.at = at
        return event(*astuple(found))

    return dated


def older(form: type[Struct], upcast: Callable[[Fields], Fields]) -> Callable[[str], Any]:
    return lambda text: convert(upcast(orjson.loads(text)), form)


READERS: Final[Mapping[str, Reader]] = {name: reader(event) for name, event in TYPES.items()}


def encode(event: Event, *, record_id: str, seen: int) -> Draft:
    data = orjson.dumps(converter.unstructure(event)).decode()
    return Draft(record_id, stream_of(event), NAMES[type(event)], event.at, seen, data)


def decode(stored: Stored, readers: Mapping[str, Reader] = READERS) -> Record:
    """Raises `Unreadable`."""
    read = readers.get(stored.type)
    if read is None:
        raise Unreadable(f"Record {stored.position} is of type {stored.type}, unknown to this chatr: use a newer one.")
    try:
        event = read(stored.data, stored.at)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"Record {stored.position} ({stored.type}) is damaged: {error!r}.") from error
    return Record(stored.position, stored.id, stored.seen, stored.check, event)
