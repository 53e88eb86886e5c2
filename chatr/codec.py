"""event <-> stored JSON. Names of types and fields are stored for ever; old shapes are brought up to date here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.orjson import make_converter

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
Reader = Callable[[Fields], Event]


class Unreadable(Exception):
    """This version of chatr cannot make sense of a record, and it never skips one."""


def exactly(kind: type) -> Callable[[Any, Any], Any]:
    """What is stored as anything else is damaged; cattrs by itself would make a text of it."""

    def structure(value: Any, _type: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return structure


converter: Final = make_converter(detailed_validation=False)
for _scalar in (str, int):
    converter.register_structure_hook(_scalar, exactly(_scalar))
for _event in NAMES:
    # The time stands in a column of its own.
    converter.register_unstructure_hook(_event, make_dict_unstructure_fn(_event, converter, at=override(omit=True)))


def reader(event: type[Event], upcast: Callable[[Fields], Fields] | None = None) -> Reader:
    """Makes an event of stored fields; those of an older form, with another name, are brought up to date first."""
    structure: Callable[[Fields, type[Event]], Event] = converter.get_structure_hook(event)
    if upcast is None:
        return lambda fields: structure(fields, event)
    return lambda fields: structure(upcast(fields), event)


READERS: Final[Mapping[str, Reader]] = {name: reader(event) for name, event in TYPES.items()}


def encode(event: Event, *, record_id: str, seen: int) -> Draft:
    data = orjson.dumps(converter.unstructure(event)).decode()
    return Draft(record_id, stream_of(event), NAMES[type(event)], event.at, seen, data)


def decode(stored: Stored, readers: Mapping[str, Reader] = READERS) -> Record:
    """Raises `Unreadable`."""
    draft = stored.draft
    if draft.type not in readers:
        raise Unreadable(f"Record {stored.position} is of type {draft.type}, unknown to this chatr: use a newer one.")
    try:
        fields = orjson.loads(draft.data)
        fields["at"] = draft.at
        event = readers[draft.type](fields)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"Record {stored.position} ({draft.type}) is damaged: {error!r}.") from error
    return Record(stored.position, draft.id, draft.seen, stored.check, event)
