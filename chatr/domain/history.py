"""What was said: where every message stands in the log, and the newest of them whole."""

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import islice

from attrs import define, field

from chatr.domain.events import AgentId, Cursor, MessagePosted, Record
from chatr.domain.frozen import frozen
from chatr.domain.limits import MESSAGES_KEPT


@frozen
class Message:
    cursor: Cursor
    agent: AgentId
    content: str
    at: int


def message_of(record: Record) -> Message:
    """What the record of a post says. Raises TypeError for any other record."""
    if not isinstance(record.event, MessagePosted):
        raise TypeError(f"Record {record.position} is no message.")
    return Message(record.cursor, record.event.agent, record.event.content, record.event.at)


@frozen
class Page:
    """Positions of messages, oldest first; `has_more` says that the walk can go on in its direction."""

    positions: Sequence[int]
    has_more: bool


@define
class History:
    """`newest` are the records of the last messages: few of all that are folded are ever asked for."""

    positions: "array[int]" = field(factory=lambda: array("q"))
    newest: deque[Record] = field(factory=lambda: deque(maxlen=MESSAGES_KEPT))

    def apply(self, record: Record) -> None:
        self.positions.append(record.position)
        self.newest.append(record)

    def whole(self, position: int) -> Record | None:
        """The record of the message at a position, if it is among the newest."""
        place = bisect_left(self.newest, position, key=lambda record: record.position)
        found = self.newest[place] if place < len(self.newest) else None
        return found if found is not None and found.position == position else None

    def last(self, count: int) -> list[Message]:
        """The newest messages, oldest first."""
        return list(map(message_of, islice(self.newest, max(0, len(self.newest) - count), None)))

    def since(self, cursor: Cursor) -> list[Message] | None:
        """What was said after the message at `cursor`; None if that message is not among the newest."""
        known = self.whole(cursor.position)
        if known is None or known.cursor != cursor:
            return None
        missed = len(self.positions) - bisect_right(self.positions, cursor.position)
        return self.last(missed)

    def page(self, after: int | None, before: int | None, limit: int) -> Page:
        """Forward from `after`, or else back from `before` or the end; `after` and `before` are not included."""
        low = 0 if after is None else bisect_right(self.positions, after)
        high = len(self.positions) if before is None else bisect_left(self.positions, before)
        if after is None:
            return Page(self.positions[max(0, high - limit) : high], has_more=high > limit)
        return Page(self.positions[low : min(low + limit, high)], has_more=low + limit < high)
