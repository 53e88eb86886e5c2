"""The messages of the room: the positions of all of them, which are hidden, and the newest ones in memory."""

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from attrs import define, evolve, field

from chatr.domain.addressing import Addressing
from chatr.domain.events import Cursor, MessagePosted, Record
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.message_times import MessageTimes
from chatr.domain.moderation_events import RecordsErased
from chatr.domain.removals import Removals, VisibilityEvent


@statically_frozen
class Message:
    """A message that an agent posted at `at`, milliseconds since 1970; `cursor` is the place of its record.

    `reply_to` is the position of the message that it replies to, and `automatic` is that of `MessagePosted`.
    """

    cursor: Cursor
    agent: AgentId
    content: str
    at: int
    reply_to: int | None = None
    automatic: bool = False


def message_from_record(record: Record) -> Message:
    """The message that a record holds. Raises TypeError if the record is not that of a message."""
    if not isinstance(record.event, MessagePosted):
        raise TypeError(f"Record {record.position} is no message.")
    event = record.event
    return Message(record.cursor, event.agent, event.content, event.at, event.reply_to, event.automatic)


@statically_frozen
class Page:
    """Positions of consecutive messages, oldest first. `has_more`: whether more follow in the paging direction."""

    positions: Sequence[int]
    has_more: bool


def erased_message(agent: AgentId, at: int) -> MessagePosted:
    """What is known of a message after its text was erased."""
    return MessagePosted(agent, "", None, at)


@define
class History:
    """The positions of all messages, ascending, which of them are hidden, who wrote them and to whom.

    `newest` are the records of the last ones, oldest first. They may be hidden too.
    """

    # Eight bytes a message: a list would take 36.
    positions: "array[int]" = field(factory=lambda: array("q"))
    # Records and not messages: of all records that are folded, a few are ever made into messages and shown.
    newest: deque[Record] = field(factory=lambda: deque(maxlen=MESSAGES_IN_MEMORY))
    removals: Removals = field(factory=Removals)
    times: MessageTimes = field(factory=MessageTimes)
    addressing: Addressing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.addressing = Addressing(self.positions)

    def apply(self, record: Record, event: MessagePosted, author: AgentId, mentioned: Sequence[AgentId] = ()) -> None:
        """Add a message; `event` is that of its record. `author` is its agent, as the id that the room holds."""
        position, addressing = record.position, self.addressing
        self.positions.append(position)
        self.newest.append(record)
        self.times.apply(event.at)
        # Here and not in a call, which would take a twentieth of the time for a record: every message comes here.
        addressing.authors.append(author)
        addressing.by_author.by_key[author].append(position)
        if mentioned or event.reply_to is not None:
            addressing.add_addressees(position, author, mentioned, event.reply_to)

    def apply_visibility(self, event: VisibilityEvent, position: int) -> None:
        """Hide or show messages, by the record at `position`. Erased texts are no longer in memory then."""
        changes = self.removals.apply(event, position)
        hidden = sorted(each.message for each in changes if not each.restored)
        self.addressing.hide(hidden)
        self.times.hide(self.indexes_of(hidden))
        shown = [each.message for each in changes if each.restored]
        self.times.show(self.indexes_of(shown))
        for message in shown:
            self.addressing.show(message)
        if isinstance(event, RecordsErased):
            erased = sorted(each.position for each in event.records)
            self.addressing.forget(erased)
            for each in erased:
                self._erase(each)

    def _erase(self, position: int) -> None:
        index = self._index_in_memory(position)
        if index is not None:
            record = self.newest[index]
            message = message_from_record(record)
            self.newest[index] = evolve(record, event=erased_message(message.agent, message.at))

    def indexes_of(self, positions: Iterable[int]) -> Iterator[int]:
        """Yield the index of each message at these positions. A position without a message is ignored."""
        # No rule allows anything but a message to be removed, but a log may hold that.
        for position in positions:
            index = bisect_left(self.positions, position)
            if index < len(self.positions) and self.positions[index] == position:
                yield index

    def _index_in_memory(self, position: int) -> int | None:
        """The place of the message at `position` among the newest ones; None if it is none of them."""
        # `positions` ends with those of the newest messages.
        first = len(self.positions) - len(self.newest)
        index = bisect_left(self.positions, position, first) - first
        return index if index < len(self.newest) and self.newest[index].position == position else None

    def record_at(self, position: int) -> Record | None:
        """The record of the message at `position`, hidden or not; None if that is not one of the newest messages."""
        index = self._index_in_memory(position)
        return None if index is None else self.newest[index]

    def last(self, count: int) -> list[Message]:
        """The newest `count` messages that are to be shown, oldest first; at most those that are in memory."""
        shown = filter(self.shows, map(message_from_record, reversed(self.newest)))
        return list(islice(shown, count))[::-1]

    @property
    def count(self) -> int:
        """How many messages there are, with the hidden ones."""
        return len(self.positions)

    @property
    def visible_count(self) -> int:
        """How many messages are not hidden."""
        return len(self.positions) - len(self.removals)

    def visible_count_until(self, position: int) -> int:
        """How many messages up to `position` are not hidden."""
        return self._visible_before(bisect_right(self.positions, position))

    def shows(self, message: Message) -> bool:
        """Whether a message is to be shown: it is not hidden, and its text was not erased."""
        # Another node may have erased the text before the record that says so is folded here.
        return bool(message.content) and message.cursor.position not in self.removals

    def holds_last(self, count: int) -> bool:
        """Whether the newest `count` messages that are not hidden are in memory."""
        if not self.removals:
            return count <= MESSAGES_IN_MEMORY
        older = self.visible_count_until(self.newest[0].position - 1)
        return not older or self.visible_count - older >= count

    def has_visible_after(self, position: int) -> bool:
        """Whether a message after `position` is not hidden."""
        return self.visible_count > self.visible_count_until(position)

    def page(self, after: int | None, before: int | None, limit: int, *, forward: bool | None = None) -> Page:
        """At most `limit` messages between the positions `after` and `before`, both exclusive. Hidden ones are skipped.

        They are the first ones if `forward`, by default if `after` is given, and else the last ones.
        """
        forward = after is not None if forward is None else forward
        low = self._visible_before(0 if after is None else bisect_right(self.positions, after))
        high = self._visible_before(len(self.positions) if before is None else bisect_left(self.positions, before))
        start, stop = (low, min(low + limit, high)) if forward else (max(low, high - limit), high)
        has_more = stop < high if forward else start > low
        return Page(self._visible(start, stop), has_more)

    def _visible_before(self, index: int) -> int:
        """How many of the first `index` messages are not hidden."""
        hidden = (
            self.removals.count_before(self.positions[index]) if index < len(self.positions) else len(self.removals)
        )
        return index - hidden

    def _visible(self, start: int, stop: int) -> Sequence[int]:
        """The positions of messages that are not hidden, from number `start` to before number `stop` of them."""
        if not self.removals or start >= stop:
            return self.positions[start:stop]
        # The index of a message is the first one with enough visible messages up to it.
        index = bisect_left(range(len(self.positions)), start + 1, key=lambda each: self._visible_before(each + 1))
        found: list[int] = []
        while len(found) < stop - start:
            end = min(self._next_hidden(index), index + stop - start - len(found))
            found.extend(self.positions[index:end])
            index = self.next_visible(end)
        return found

    def _next_hidden(self, index: int) -> int:
        """The index of the first hidden message from `index` on; that after the last message if none is hidden."""
        first = self.removals.count_before(self.positions[index])
        return (
            bisect_left(self.positions, self.removals.message_positions[first])
            if first < len(self.removals)
            else self.count
        )

    def next_visible(self, index: int) -> int:
        """The index of the first message from `index` on that is not hidden; that after the last message if all are.

        It bisects, so that a million hidden messages in a row are skipped as fast as one.
        """
        if index >= self.count or not self.removals:
            return index
        first = self.removals.count_before(self.positions[index])
        # Hidden messages are among all: as far as both sorted arrays agree from here on, all messages are hidden.
        hidden = range(len(self.removals) - first)
        positions = self.removals.message_positions
        return index + bisect_left(hidden, 1, key=lambda each: self.positions[index + each] != positions[first + each])
