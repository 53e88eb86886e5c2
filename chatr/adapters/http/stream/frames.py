"""The frames of the stream (Server-Sent Events), as bytes.

All events are unnamed, and their type stands inside their JSON: with `EventSource`, named events reach only listeners
for that name, and clients listen with `onmessage`. Every block, which is what stands between two blank lines, has a
`data:` line: without one, @microsoft/fetch-event-source, httpx-sse and sseclient dispatch an event with empty data.
"""

from collections.abc import Sequence
from typing import Final

from chatr import to_wire, wire
from chatr.adapters.http import response_cache
from chatr.adapters.http.json_response import encode
from chatr.domain.agent import Agent
from chatr.domain.events import Cursor
from chatr.domain.history import Message
from chatr.domain.removals import VisibilityChange
from chatr.domain.room import Room

RETRY: Final = b"retry: 3000\n"
"""The first line of the first frame: a client that loses the connection waits three seconds and connects again."""
# Clients in Python that use str.splitlines, as sseclient does, end a line at these, which JSON allows within a string.
ESCAPES: Final = [(character.encode(), b"\\u%04x" % ord(character)) for character in "\u0085\u2028\u2029"]
"""Characters, and how they are written in JSON."""


def frame(event: wire.StreamEvent) -> bytes:
    """Return an event as a frame without an id."""
    # JSON has no raw line feed, so nothing in the event can end the frame.
    data = encode(event)
    if not data.isascii():
        for character, escape in ESCAPES:
            data = data.replace(character, escape)
    return b"data: %b\n\n" % data


def with_retry(milliseconds: int, frame: bytes) -> bytes:
    """Return `frame` with the time after which a client connects again."""
    return b"retry: %d\n%b" % (milliseconds, frame)


def with_id(cursor: Cursor | None, frame: bytes) -> bytes:
    """Return `frame` with the id from which a client resumes after it. None clears the id that the client has."""
    return b"id: %b\n%b" % (str(cursor).encode() if cursor else b"", frame)


def message(room: Room, posted: Message) -> bytes:
    """Return the frame of one message."""
    event = wire.MessageEvent(data=response_cache.message(room, posted))
    return with_id(posted.cursor, frame(event))


def message_or_id(room: Room, posted: Message) -> bytes:
    """Return the frame of a message, or only the line with its id if it is hidden."""
    return message(room, posted) if room.history.shows(posted) else id_line(posted.cursor)


def is_frame(message_or_id: bytes) -> bool:
    """Return whether this is the frame of a message and not only the line with its id."""
    return message_or_id.endswith(b"\n\n")


def id_line(cursor: Cursor) -> bytes:
    """Return the line with which the frame of the message at `cursor` begins."""
    return b"id: %b\n" % str(cursor).encode()


def id_prefix(message: int) -> bytes:
    """Return the bytes with which the frame of the message at this position begins, and no frame of another."""
    return b"id: %d-" % message


def id_prefix_of(frame: bytes) -> bytes:
    """Return the `id_prefix` of the message in this frame; other bytes if it is the frame of something else."""
    return frame[: frame.find(b"-") + 1]


def history(room: Room, newest: Sequence[Message], count: int) -> bytes:
    """Return the frame of the `count` newest messages. Its id is that of the newest one, even if `count` is 0."""
    shown = newest[len(newest) - count :] if count < len(newest) else newest
    event = wire.HistoryEvent(data=[response_cache.message(room, each) for each in shown])
    return with_id(newest[-1].cursor if newest else None, frame(event))


def removed(change: VisibilityChange) -> bytes:
    """Return the frame that says that a message is not to be shown any longer, or again."""
    data = wire.VisibilityChange(id=str(change.message), reason=change.reason, restored=change.restored)
    return frame(wire.RemovedEvent(data=data))


def reset(reason: str) -> bytes:
    """Return the frame that says that the stream cannot be resumed."""
    return frame(wire.ResetEvent(data=wire.ResetReason(reason=reason)))


def stats(room: Room, now: int) -> bytes:
    """Return the frame of the room's totals at `now`, in milliseconds since 1970."""
    room.advance_presence(now)
    return frame(wire.StatsEvent(data=to_wire.stats_at_head(room, len(room.presence))))


def presence(agent: Agent, *, online: bool) -> bytes:
    """Return the frame that says that an agent came online or went offline."""
    change = wire.PresenceChange(agent_id=agent.id, agent_name=agent.name, online=online)
    return frame(wire.PresenceEvent(data=change))
