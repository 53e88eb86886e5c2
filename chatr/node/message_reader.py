"""Read messages by their positions: from memory, or from the log where memory no longer holds them."""

import re
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from chatr.codec import decode
from chatr.domain.events import Cursor, MessagePosted
from chatr.domain.history import Message, message_from_record
from chatr.domain.identity import AGENT_STREAM, AgentId
from chatr.node.follower import Follower
from chatr.node.integrity import ALTERED_TEXT
from chatr.ports import LogReader, LogUnavailable, RecordMissing, Stored

FINGERPRINT: Final = re.compile("[0-9a-f]{8}")
NO_FINGERPRINT: Final = "00000000"
"""The fingerprint in the cursor of a message whose record has no usable id any longer."""


@frozen
class MessageReader:
    """Reads messages from the follower's room first, then from the log."""

    _log: LogReader
    _follower: Follower

    async def read(self, positions: Sequence[int]) -> list[Message]:
        """The messages at these positions (at most MAX_PICK), in this order. Raises LogUnavailable.

        A message that was altered after it was stored has ALTERED_TEXT as its content: the others can still be read.
        """
        in_memory = map(self._follower.room.history.record_at, positions)
        messages = {record.position: message_from_record(record) for record in in_memory if record is not None}
        if missing := [position for position in positions if position not in messages]:
            messages |= {message.cursor.position: message for message in await self._read_from_log(missing)}
        return [messages[position] for position in positions]

    async def _read_from_log(self, positions: Sequence[int]) -> list[Message]:
        """The messages at these positions, read from the log.

        Raises LogUnavailable, also while a log that was replaced is being read again.
        """
        stored = {each.position: each for each in await self._pick(positions)}
        messages = [self._message_at(position, stored.get(position)) for position in positions]
        if self._follower.is_rereading:
            raise log_replaced_error()
        return messages

    async def _pick(self, positions: Sequence[int]) -> list[Stored]:
        """The records at these positions, without those that were deleted. Raises LogUnavailable."""
        try:
            return await self._log.pick(positions)
        except RecordMissing:
            # An older copy may be in the log's place: the follower reads it soon.
            if not await self._follower.integrity.still_holds_last_record(self._log, self._follower.room):
                raise
            if len(positions) == 1:
                return []
            return [each for position in positions for each in await self._pick([position])]

    def _message_at(self, position: int, stored: Stored | None) -> Message:
        """The message in this record, or a placeholder if it was altered or deleted. Raises LogUnavailable."""
        if stored is None or not stored.is_intact:
            self._follower.integrity.report(position)
            return self._altered_message(position, stored)
        record = decode(stored)
        # In the new log a position may hold another kind of record, or a message by an agent that the room lacks.
        if not isinstance(record.event, MessagePosted):
            raise log_replaced_error()
        return message_from_record(record)

    def _altered_message(self, position: int, stored: Stored | None) -> Message:
        """The placeholder of an altered message. Nothing in it can end a frame or raise an error."""
        agent = AgentId(stored.stream.removeprefix(AGENT_STREAM)) if stored else AgentId("")
        fingerprint = stored.id[:8] if stored and FINGERPRINT.match(stored.id) else NO_FINGERPRINT
        author = self._follower.room.agent(agent).id
        return Message(Cursor(position, fingerprint), author, ALTERED_TEXT, stored.at if stored else 0)


def log_replaced_error() -> LogUnavailable:
    """The error for a log that is not the one that was folded."""
    return LogUnavailable("the log was replaced and is being read again")
