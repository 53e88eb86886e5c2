"""Translate events to and from the JSON text that a log stores.

Type names and field names are stored for ever. Older forms of an event are brought up to date when they are read.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from attrs import NOTHING, Attribute, asdict, fields, has
from msgspec import NODEFAULT, UNSET, Struct, UnsetType, convert, defstruct, json
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
)
from chatr.domain.history import erased_message
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyIssued, KeyRevoked
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentReinstated,
    AgentSuspended,
    ApprovalWithdrawn,
    BadgeWithdrawn,
    MessageRemoved,
    MessageRestored,
    RecordsErased,
    RoomClosed,
    RoomOpened,
)
from chatr.ports import Draft, Stored

EVENT_TYPES: Final[dict[str, type[Event]]] = {
    "agent-registered.v1": AgentRegistered,
    "message-posted.v1": MessagePosted,
    "agent-seen.v1": AgentSeen,
    "agent-left.v1": AgentLeft,
    "verification-started.v1": VerificationStarted,
    "agent-verified.v1": AgentVerified,
    "limits-adopted.v1": LimitsAdopted,
    "key-issued.v1": KeyIssued,
    "key-activated.v1": KeyActivated,
    "key-revoked.v1": KeyRevoked,
    "agent-recovered.v1": AgentRecovered,
    "agent-suspended.v1": AgentSuspended,
    "agent-reinstated.v1": AgentReinstated,
    "agent-approved.v1": AgentApproved,
    "approval-withdrawn.v1": ApprovalWithdrawn,
    "badge-withdrawn.v1": BadgeWithdrawn,
    "message-removed.v1": MessageRemoved,
    "message-restored.v1": MessageRestored,
    "records-erased.v1": RecordsErased,
    "room-closed.v1": RoomClosed,
    "room-opened.v1": RoomOpened,
}
"""The event class of each stored type name."""
TYPE_NAMES: Final = {event_class: name for name, event_class in EVENT_TYPES.items()}
"""The stored type name of each event class."""
MESSAGE_TYPE: Final = TYPE_NAMES[MessagePosted]
ERASING_TYPE: Final = TYPE_NAMES[RecordsErased]

Fields = dict[str, Any]
Reader = Callable[[str, int], Event]
"""Makes an event of the stored text and the stored time of a record."""
Writer = Callable[[Event], str]
"""Returns the text that is stored of an event: everything but its time, which has its own column."""


DAMAGES: Final = (ValueError, TypeError, KeyError, RecursionError)
"""What reading a damaged text may raise; RecursionError where JSON is nested too deeply."""


class UnreadableRecord(Exception):
    """This version of chatr cannot decode a record. Such a record is never skipped: the room would be wrong."""


def form_of(event_class: type[Event]) -> type[Struct]:
    """The msgspec Struct with the fields of an event class: the form in which the event is written and read.

    msgspec checks the exact type of each field while it reads, in C. `at` may be absent, as it is not in the text.
    """
    # The garbage collector need not track them: a form lives for one call and refers to no other form.
    # A field with a default is younger than its event: where it has no value, the record is stored as before.
    form_fields = [form_field(each) for each in fields(event_class)]
    return defstruct(event_class.__name__, form_fields, gc=False, omit_defaults=True)


def form_field(field: "Attribute[Any]") -> tuple[str, Any, Any]:
    """The name, type and default of the Struct field for a field of an event."""
    if field.name == "at":
        return field.name, int | UnsetType, UNSET
    return field.name, field.type, NODEFAULT if field.default is NOTHING else field.default


def reader(event_class: type[Event], upcast: Callable[[Fields], Fields] | None = None) -> Reader:
    """Make the function that reads events of a class.

    `upcast` turns the fields of an older form into those of today. An older form has a type name of its own.
    """
    form = form_of(event_class)
    parse: Callable[[str], Any] = json.Decoder(form).decode if upcast is None else upcasting_parser(form, upcast)

    def read(text: str, at: int) -> Event:
        """The event with this stored text and time."""
        parsed = parse(text)
        parsed.at = at
        return event_class(*astuple(parsed))

    return read


def upcasting_parser(form: type[Struct], upcast: Callable[[Fields], Fields]) -> Callable[[str], Any]:
    """Make the function that parses text of an older form and brings it up to date."""
    return lambda text: convert(upcast(json.decode(text)), form)


def writer(event_class: type[Event]) -> Writer:
    """Make the function that writes events of a class."""
    form: Any = form_of(event_class)
    values_of = attrgetter(*(each.name for each in fields(event_class)))
    nested = [each.name for each in fields(event_class) if has(each.type)]
    encode_json = json.Encoder().encode

    def write(event: Event) -> str:
        """The text to store."""
        written = form(*values_of(event))
        written.at = UNSET
        for name in nested:
            # msgspec would sort the fields of an attrs object and add its cached properties to them.
            setattr(written, name, asdict(getattr(written, name), filter=has_value))
        return encode_json(written).decode()

    return write


def has_value(field: "Attribute[Any]", value: object) -> bool:
    """Whether a field is stored: optional fields that are younger than their event are left out without a value."""
    return value is not None or field.default is not None


READERS: Final[Mapping[str, Reader]] = {name: reader(event_class) for name, event_class in EVENT_TYPES.items()}
WRITERS: Final[Mapping[type[Event], Writer]] = {event_class: writer(event_class) for event_class in TYPE_NAMES}


def encode(event: Event, *, stream: str, record_id: str, decided_at_position: int) -> Draft:
    """The draft of `event`. The node that decided it had folded the log up to `decided_at_position`."""
    event_class = type(event)
    text = WRITERS[event_class](event)
    return Draft(record_id, stream, TYPE_NAMES[event_class], event.at, decided_at_position, text)


def decode(stored: Stored, readers: Mapping[str, Reader] = READERS) -> Record:
    """The record with its event. Raises UnreadableRecord if its type is unknown or its text is damaged."""
    read = readers.get(stored.type)
    if read is None:
        raise UnreadableRecord(
            f"Record {stored.position} is of type {stored.type}, unknown to this chatr: use a newer one."
        )
    try:
        event = erased_event(stored) if not stored.data else read(stored.data, stored.at)
    except DAMAGES as error:
        raise damaged(stored, error) from error
    return Record(stored.position, stored.id, stored.decided_at_position, stored.record_hash, event)


def erased_event(stored: Stored) -> Event:
    """What is known of a message whose text was erased. Raises ValueError: nothing else is ever erased."""
    if stored.type != MESSAGE_TYPE or not stored.stream.startswith(AGENT_STREAM):
        raise ValueError("it is empty")
    return erased_message(AgentId(stored.stream.removeprefix(AGENT_STREAM)), stored.at)


def stored_fields(stored: Stored) -> Fields:
    """The fields of a record's text, also those that no event has; none if it was erased. Raises UnreadableRecord."""
    try:
        return {} if not stored.data else json.decode(stored.data, type=Fields)
    except DAMAGES as error:
        raise damaged(stored, error) from error


def damaged(stored: Stored, error: Exception) -> UnreadableRecord:
    """The error for a record whose text cannot be read."""
    # Not repr(error): that of a UnicodeError contains the whole text.
    reason = f"{type(error).__name__}({str(error)!r})"
    return UnreadableRecord(f"Record {stored.position} ({stored.type}) is damaged: {reason}.")
