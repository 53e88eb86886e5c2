"""How a record is shown: as a line of a table, or as JSON. Never with a key's digest, unless that was asked for."""

from typing import Any, Final, assert_never

import orjson
from attrs import define, field, frozen

from chatr.cli.tables import clean, time
from chatr.codec import decode
from chatr.domain.events import (
    AgentId,
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
from chatr.ports import Stored

NAME_WIDTH: Final = 16
TYPE_WIDTH: Final = 20


@frozen
class Entry:
    """A record with the name of the agent that it is about; None where it is about the room."""

    stored: Stored
    record: Record
    name: str | None


@define
class Names:
    """Everybody's name, learned from the records on the way."""

    names: dict[AgentId, str] = field(factory=dict)

    def entry(self, stored: Stored) -> Entry:
        """Raises Unreadable."""
        record = decode(stored)
        event = record.event
        if isinstance(event, AgentRegistered):
            self.names[event.agent] = event.name
        name = None if isinstance(event, LimitsAdopted) else self.names.get(event.agent, event.agent)
        return Entry(stored, record, name)


def kind(stored: Stored) -> str:
    """Its type without the version."""
    return stored.type.partition(".")[0]


def line(entry: Entry, *, keys: bool) -> str:
    event = entry.record.event
    name, what = clean(entry.name or "-"), clean(told(event, keys=keys))
    position, at = entry.stored.position, time(event.at)
    return f"{position:>7}  {at}  {name:<{NAME_WIDTH}}  {kind(entry.stored):<{TYPE_WIDTH}}  {what}".rstrip()


def as_json(entry: Entry, *, keys: bool) -> dict[str, Any]:
    """The record as it is stored, its data opened."""
    stored, data = entry.stored, orjson.loads(entry.stored.data)
    if not keys:
        data.pop("key_digest", None)
    return {
        "position": stored.position,
        "time": time(stored.at),
        "name": entry.name,
        "type": stored.type,
        "data": data,
        "stream": stored.stream,
        "previous": stored.previous,
        "id": stored.id,
        "at": stored.at,
        "seen": stored.seen,
        "check": stored.check.hex(),
    }


def told(event: Event, *, keys: bool = False) -> str:
    """What happened, beside when and to whom."""
    match event:
        case AgentRegistered():
            digest = f"key sha256:{event.key_digest}" if keys else ""
            return f"{event.avatar or ''} {digest}".strip()
        case MessagePosted(idempotency_key=None):
            return event.content
        case MessagePosted():
            return f"{event.content} (Idempotency-Key {event.idempotency_key})"
        case AgentSeen() | AgentLeft():
            return ""
        case VerificationStarted():
            return f"as {event.moltbook_name}, [{event.code}] until {time(event.expires)}"
        case AgentVerified():
            owner = f" of {event.owner}" if event.owner else ""
            return f"as {event.moltbook_name}{owner}, by post {event.proof}"
        case LimitsAdopted():
            return str(event.limits)
        case _:
            assert_never(event)
