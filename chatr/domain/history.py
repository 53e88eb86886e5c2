"""The messages of the room: the positions of all of them, and the newest ones in memory."""

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import islice

from attrs import define, field

from chatr.domain.events import Cursor, MessagePosted, Record
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen
from chatr.domain.limits import MESSAGES_IN_MEMORY


@statically_frozen
class Message:
    """A message that an agent posted at `at`, milliseconds since 1970; `cursor` is the place of its record."""

    cursor: Cursor
    agent: AgentId
    content: str
    at: int


def message_from_record(record: Record) -> Message:
    """The message that a record holds. Raises TypeError if the record is not that of a message."""
    if not isinstance(record.event, MessagePosted):
        raise TypeError(f"Record {record.position} is no message.")
    return Message(record.cursor, record.event.agent, record.event.content, record.event.at)


@statically_frozen
class Page:
    """Positions of consecutive messages, oldest first. `has_more`: whether more follow in the paging direction."""

    positions: Sequence[int]
    has_more: bool


@define
class History:
    """The positions of all messages, ascending, and the records of the last ones, oldest first."""

    # Eight bytes a message: a list would take 36.
    positions: "array[int]" = field(factory=lambda: array("q"))
    # Records and not messages: of all records that are folded, a few are ever made into messages and shown.
    newest: deque[Record] = field(factory=lambda: deque(maxlen=MESSAGES_IN_MEMORY))

    def apply(self, record: Record) -> None:
        """Add the record of a message."""
        self.positions.append(record.position)
        self.newest.append(record)

    def record_at(self, position: int) -> Record | None:
        """The record of the message at `position`, or None if that is not one of the newest messages."""
        index = bisect_left(self.newest, position, key=lambda record: record.position)
        candidate = self.newest[index] if index < len(self.newest) else None
        return candidate if candidate is not None and candidate.position == position else None

    def last(self, count: int) -> list[Message]:
        """The newest `count` messages, oldest first; at most those that are in memory."""
        return list(map(message_from_record, islice(self.newest, max(0, len(self.newest) - count), None)))

    def page(self, after: int | None, before: int | None, limit: int) -> Page:
        """At most `limit` messages between the positions `after` and `before`, both exclusive.

        They are the first ones if `after` is given, and else the last ones.
        """
        low = 0 if after is None else bisect_right(self.positions, after)
        high = len(self.positions) if before is None else bisect_left(self.positions, before)
        if after is None:
            return Page(self.positions[max(0, high - limit) : high], has_more=high > limit)
        return Page(self.positions[low : min(low + limit, high)], has_more=low + limit < high)
