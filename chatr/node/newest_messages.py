"""The newest messages that are shown, also where all that are in memory are hidden."""

import asyncio
from collections.abc import Sequence

from chatr.domain.history import Message, message_from_record
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.domain.room import Room
from chatr.node.follower import Follower
from chatr.node.message_reader import MessageReader
from chatr.ports import MAX_PICK


class NewestMessages:
    """Knows the newest messages without reading the log, except after a thousand of them in a row were removed."""

    def __init__(self, reader: MessageReader, follower: Follower) -> None:
        self._reader = reader
        self._follower = follower
        # Messages that were read from the log, because they are older than those in the room's memory.
        self._older: dict[int, Message] = {}
        self._room = follower.room
        self._loading = asyncio.Lock()

    def at_hand(self, count: int) -> list[Message]:
        """The newest `count` messages, oldest first; fewer where some would have to be loaded first."""
        history = self._follower.room.history
        if history.holds_last(count):
            return history.last(count)
        found: list[Message] = []
        for position in reversed(history.page(None, None, count).positions):
            message = self._find(position)
            if message is None:
                break  # those before it would hide the gap
            if history.shows(message):
                found.append(message)
        return found[::-1]

    def are_at_hand(self, count: int) -> bool:
        """Whether `at_hand` returns as many as there are."""
        return self._follower.room.history.holds_last(count) or not self._missing(count)

    async def load(self, count: int) -> None:
        """Read what `at_hand` lacks from the log. Raises LogUnavailable."""
        if self.are_at_hand(count):
            return
        # Callers that come meanwhile wait for the same messages.
        async with self._loading:
            room, missing = self._follower.room, self._missing(count)
            for start in range(0, len(missing), MAX_PICK):
                self._keep(room, await self._reader.read(missing[start : start + MAX_PICK]))

    def forget(self) -> None:
        """Forget what was loaded, because texts were erased or the log was replaced."""
        self._older, self._room = {}, self._follower.room

    def _keep(self, room: Room, messages: Sequence[Message]) -> None:
        if room is not self._room:
            self._older, self._room = {}, room
        # One may have been erased while it was read.
        shown = filter(room.history.shows, messages)
        self._older |= {message.cursor.position: message for message in shown}
        # Bounded: an operator may remove thousands of messages, one after the other.
        self._older = dict(sorted(self._older.items())[-MESSAGES_IN_MEMORY:])

    def _missing(self, count: int) -> list[int]:
        positions = self._follower.room.history.page(None, None, count).positions
        return [position for position in positions if self._find(position) is None]

    def _find(self, position: int) -> Message | None:
        room = self._follower.room
        record = room.history.record_at(position)
        if record is not None:
            return message_from_record(record)
        return self._older.get(position) if room is self._room else None
