"""event <-> stored JSON. Names of types and fields are stored for ever; old shapes are brought up to date here."""

from collections.abc import Callable
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


class Unreadable(Exception):
    """This version of chatr cannot make sense of a record, and it never skips one."""


converter: Final = make_converter(detailed_validation=False)
for _event in NAMES:
    # The time stands in a column of its own.
    converter.register_unstructure_hook(_event, make_dict_unstructure_fn(_event, converter, at=override(omit=True)))
HOOKS: Final[dict[str, Callable[[Any, Any], Event]]] = {
    name: converter.get_structure_hook(event) for name, event in TYPES.items()
}


def encode(event: Event, *, record_id: str, seen: int) -> Draft:
    data = orjson.dumps(converter.unstructure(event)).decode()
    return Draft(record_id, stream_of(event), NAMES[type(event)], event.at, seen, data)


def decode(stored: Stored) -> Record:
    """Raises `Unreadable`."""
    draft = stored.draft
    if draft.type not in HOOKS:
        raise Unreadable(f"Record {stored.position} is of type {draft.type}, unknown to this chatr: use a newer one.")
    try:
        event = HOOKS[draft.type](orjson.loads(draft.data) | {"at": draft.at}, TYPES[draft.type])
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"Record {stored.position} ({draft.type}) is damaged: {error!r}.") from error
    return Record(stored.position, draft.id, draft.seen, stored.check, event)
