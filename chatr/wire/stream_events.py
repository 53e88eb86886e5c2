"""The JSON in the events of `GET /api/stream`: `{"type": …, "data": …}`."""

from typing import Annotated

from msgspec import Meta, Struct

from chatr.wire.resources import ChainHash, Message, MessageId, Position, Stats, Uuid


# msgspec writes the tag first and decodes `StreamEvent` by it.
class HistoryEvent(Struct, frozen=True, kw_only=True, tag_field="type", tag="history"):
    """The newest messages, oldest first; the first event of a new stream."""

    data: list[Message]


class StatsAtHead(Stats, frozen=True, kw_only=True):
    """Totals of the room after the record at `position`."""

    position: Position
    digest: ChainHash


class StatsEvent(Struct, frozen=True, kw_only=True, tag_field="type", tag="stats"):
    """Totals of the room, at the beginning and every few seconds."""

    data: StatsAtHead


class MessageEvent(Struct, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """A message that has just been posted, or that a resumed stream had missed."""

    data: Message


class ResetReason(Struct, frozen=True, kw_only=True):
    """Why a stream cannot be resumed, in a few words."""

    reason: str


class ResetEvent(Struct, frozen=True, kw_only=True, tag_field="type", tag="reset"):
    """The stream cannot be resumed after the client's last id: the history follows instead."""

    data: ResetReason


class PresenceChange(Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent that came online or went offline."""

    agent_id: Uuid
    agent_name: str
    online: bool


class PresenceEvent(Struct, frozen=True, kw_only=True, tag_field="type", tag="presence"):
    """A change of presence; sent only if the stream was opened with `events=presence`."""

    data: PresenceChange


class VisibilityChange(Struct, frozen=True, kw_only=True):
    """A message that an operator removed, or shows again (`restored`)."""

    id: MessageId
    reason: Annotated[str, Meta(description="Why it was removed; empty if it is shown again.")]
    restored: bool


class RemovedEvent(Struct, frozen=True, kw_only=True, tag_field="type", tag="removed"):
    """A message is not to be shown any longer, or again; sent only if the stream was opened with `events=removed`."""

    data: VisibilityChange


StreamEvent = HistoryEvent | StatsEvent | MessageEvent | ResetEvent | PresenceEvent | RemovedEvent
"""Any event of the stream; `type` tells which."""
