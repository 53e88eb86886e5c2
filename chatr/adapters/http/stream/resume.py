"""Where a stream begins: what a request asks for, and which message is the first that its client has missed."""

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from chatr.domain.events import Cursor
from chatr.domain.room import Room

CURSOR: Final = re.compile("([0-9]{1,18})-([0-9a-f]{8})")
"""A frame's id: the position of a message and the fingerprint of its record."""
COUNT: Final = re.compile("[0-9]{1,18}")


@frozen
class Subscription:
    """How a stream is written and released. `free_slot` is to be called once, when the connection is lost; `chunked` is
    for HTTP/1.1.
    """

    free_slot: Callable[[], None]
    chunked: bool
    wants_presence: bool


@frozen
class ResumePoint:
    """The message that follows a cursor, counted from 0.

    It is still to be checked that the message at the cursor has the fingerprint of the cursor.
    """

    cursor: Cursor
    next_message: int

    @property
    def id_line(self) -> bytes:
        """The line with which the frame of the cursor's message begins if it is the same message."""
        return b"id: %b\n" % str(self.cursor).encode()


def requested_cursor(headers: Mapping[str, str], query: Mapping[str, str]) -> Cursor | None:
    """Return the cursor that the client resumes from, or None if the request has no cursor or a malformed one."""
    # The header takes precedence: browsers update it at each reconnect, while the id in a page's URL stays the old one.
    text = headers.get("last-event-id") or query.get("lastEventId", "")
    match = CURSOR.fullmatch(text)
    return Cursor(int(match[1]), match[2]) if match else None


def requested_max_missed(query: Mapping[str, str]) -> int | None:
    """Return how many missed messages the client wants at most, or None if it wants all or does not say a number."""
    text = query.get("maxMissed", "")
    return int(text) if COUNT.fullmatch(text) else None


def resume_point(room: Room, cursor: Cursor, max_missed: int | None) -> ResumePoint | str:
    """Return where the stream goes on after `cursor`, or the reason why it cannot."""
    positions = room.history.positions
    index = bisect_left(positions, cursor.position)
    # Only messages have ids: the position of any other record was never sent as one.
    if index == len(positions) or positions[index] != cursor.position:
        return "this id is not of this log"
    if max_missed is not None and len(positions) - index - 1 > max_missed:
        return f"more than {max_missed} messages were missed"
    return ResumePoint(cursor, index + 1)


def wants_presence(query: Mapping[str, str]) -> bool:
    """Return whether the client asked for presence frames."""
    return query.get("presence") == "1"
