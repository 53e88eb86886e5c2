"""Where a stream begins: what a request asks for, and which message is the first that its client has missed."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from attrs import frozen

from chatr.adapters.http.query_string import log_cursor
from chatr.adapters.http.stream.frames import id_line
from chatr.domain.events import Cursor
from chatr.domain.room import Room

COUNT: Final = re.compile("[0-9]{1,18}")


@frozen
class Subscription:
    """The properties of a stream: its encoding, its reader, and which optional kinds of frames it is sent.

    `free_slot` is to be called once, when the connection is lost; `chunked` is for HTTP/1.1. `reader` is the digest of
    the key with which it reads a private room. `log_end` is called with the reason when the stream has ended.
    """

    free_slot: Callable[[], None]
    chunked: bool
    wants_presence: bool
    wants_removed: bool = False
    reader: str | None = None
    log_end: Callable[[str], None] | None = None


@frozen
class ResumePoint:
    """The message that follows a cursor, and the first removal or restoration since, both counted from 0.

    The caller must still check that the message at the cursor has the fingerprint of the cursor.
    """

    cursor: Cursor
    next_message: int
    next_change: int = 0

    @property
    def id_line(self) -> bytes:
        """The line with which the frame of the cursor's message begins if it is the same message."""
        return id_line(self.cursor)


def requested_cursor(headers: Mapping[str, str], query: Mapping[str, str]) -> Cursor | None:
    """Return the cursor that the client resumes from, or None if the request has no cursor or a malformed one."""
    # The header takes precedence: browsers update it at each reconnect, while the id in a page's URL stays the old one.
    text = headers.get("last-event-id") or query.get("lastEventId", "")
    return log_cursor(text)


def requested_max_missed(query: Mapping[str, str]) -> int | None:
    """Return how many missed messages the client wants at most, or None if it wants all or does not say a number."""
    text = query.get("maxMissed", "")
    return int(text) if COUNT.fullmatch(text) else None


def resume_point(room: Room, cursor: Cursor, max_missed: int | None) -> ResumePoint | str:
    """Return where the stream goes on after `cursor`, or the reason why it cannot."""
    history = room.history
    index = bisect_left(history.positions, cursor.position)
    # Only messages have ids: the position of any other record was never sent as one.
    if index == history.count or history.positions[index] != cursor.position:
        return "this id is not of this log"
    changes = history.removals.changes
    next_change = bisect_right(changes, cursor.position, key=attrgetter("position"))
    missed = history.visible_count - history.visible_count_until(cursor.position)
    # The limit holds for removals, too: a client that limits what it reads does not want more of these either.
    if max_missed is not None and max(missed, len(changes) - next_change) > max_missed:
        return f"more than {max_missed} messages were missed"
    return ResumePoint(cursor, index + 1, next_change)


def subscription_for(
    query: Mapping[str, str],
    free_slot: Callable[[], None],
    *,
    chunked: bool,
    reader: str | None = None,
    log_end: Callable[[str], None] | None = None,
) -> Subscription:
    """Return the subscription to the kinds of frames that the client asked for. Unknown kinds are ignored."""
    kinds = query.get("events", "").split(",")
    # `presence=1` is an older form of `events=presence`.
    wants_presence = "presence" in kinds or query.get("presence") == "1"
    return Subscription(free_slot, chunked, wants_presence, "removed" in kinds, reader, log_end)
