"""Records as lines of a table or as JSON. The digest of an agent's key is left out unless it is asked for."""

from typing import Any, Final

from attrs import define, field, frozen

from chatr.cli.output.operator_text import key_text, moderation_text
from chatr.cli.output.text import format_time, printable
from chatr.codec import decode, stored_fields
from chatr.domain.events import (
    AgentEvent,
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
from chatr.domain.identity import AgentId
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyEvent, KeyIssued, KeyRevoked
from chatr.ports import Stored

NAME_WIDTH: Final = 16
"""Columns for an agent's name. Names have up to 32 characters; longer ones move the rest of their line."""
TYPE_WIDTH: Final = 20
"""Columns for a type; the longest is verification-started."""


ERASED: Final = "[erased]"
"""Stands in the place of a text that was erased."""


@frozen
class NamedRecord:
    """A record, stored and decoded, with the name of the agent that it is about; None if it is about the room."""

    stored: Stored
    record: Record
    name: str | None


@define
class NameIndex:
    """Learns the names of agents from their registrations, as the log is read from its first record."""

    names: dict[AgentId, str] = field(factory=dict)

    def named(self, stored: Stored) -> NamedRecord:
        """Decode a record and add the name of its agent. Raises UnreadableRecord."""
        record = decode(stored)
        event = record.event
        if isinstance(event, AgentRegistered):
            self.names[event.agent] = event.name
        # A log that was tampered with may lack the registration; then the id is shown instead of the name.
        name = self.names.get(event.agent, event.agent) if isinstance(event, AgentEvent) else None
        return NamedRecord(stored, record, name)


def type_without_version(stored: Stored) -> str:
    """Return the type of a record without its version: "message-posted" for "message-posted.v1"."""
    return stored.type.partition(".")[0]


def record_columns(named: NamedRecord, *, keys: bool) -> tuple[str, str]:
    """Return position, time, name and type of a record in columns, and its content; `keys` adds the digest of a key."""
    event = named.record.event
    content = ERASED if named.stored.is_erased else description(event, keys=keys)
    name, content = printable(named.name or "-"), printable(content)
    position, at, type_ = named.stored.position, format_time(event.at), type_without_version(named.stored)
    return f"{position:>7}  {at}  {name:<{NAME_WIDTH}}  {type_:<{TYPE_WIDTH}}  ", content


def record_json(named: NamedRecord, *, keys: bool) -> dict[str, Any]:
    """Return a record as it is stored, with its data as an object; `keys` adds the digest of a key.

    Raises UnreadableRecord.
    """
    stored, data = named.stored, stored_fields(named.stored)
    if not keys:
        data.pop("key_digest", None)
    erased = {"erased": True} if stored.is_erased else {}
    return erased | {
        "position": stored.position,
        "time": format_time(stored.at),
        "name": named.name,
        "type": stored.type,
        "data": data,
        "stream": stored.stream,
        "previous": stored.previous,
        "id": stored.id,
        "at": stored.at,
        # `seen` and `check` are the names of the stored columns.
        "seen": stored.decided_at_position,
        "check": stored.record_hash.hex(),
    }


def description(event: Event, *, keys: bool = False) -> str:
    """Describe an event without its time and its agent; "" if it has nothing else."""
    match event:
        case AgentRegistered():
            by = f"by {event.by}" if event.by else ""
            return " ".join(filter(None, (event.avatar, by, key_digest(event, keys=keys))))
        case MessagePosted(idempotency_key=None):
            return event.content
        case MessagePosted():
            return f"{event.content} (Idempotency-Key {event.idempotency_key})"
        case AgentSeen() | AgentLeft():
            return ""
        case VerificationStarted():
            return f"as {event.moltbook_name}, [{event.code}] until {format_time(event.expires)}"
        case AgentVerified():
            owner = f" of {event.owner}" if event.owner else ""
            return f"as {event.moltbook_name}{owner}, by post {event.proof}"
        case LimitsAdopted():
            return str(event.limits)
        case KeyIssued() | KeyActivated() | KeyRevoked() | AgentRecovered():
            return ", ".join(filter(None, (key_text(event), key_digest(event, keys=keys))))
        case _:
            return moderation_text(event)


def key_digest(event: AgentRegistered | KeyEvent, *, keys: bool) -> str:
    """Return the digest of the event's key if `keys` are shown, else ""."""
    return f"key sha256:{event.key_digest}" if keys else ""
