"""Read messages by their positions: from memory, or from the log where memory no longer holds them."""

from collections.abc import Sequence

from attrs import frozen

from chatr.codec import decode
from chatr.domain.events import MessagePosted
from chatr.domain.history import Message, message_from_record
from chatr.node.follower import Follower
from chatr.ports import LogReader, LogUnavailable


@frozen
class MessageReader:
    """Reads messages from the follower's room first, then from the log."""

    _log: LogReader
    _follower: Follower

    async def read(self, positions: Sequence[int]) -> list[Message]:
        """The messages at these positions (at most 100), in this order. Raises LogUnavailable."""
        in_memory = map(self._follower.room.history.record_at, positions)
        messages = {record.position: message_from_record(record) for record in in_memory if record is not None}
        if missing := [position for position in positions if position not in messages]:
            messages |= {message.cursor.position: message for message in await self._read_from_log(missing)}
        return [messages[position] for position in positions]

    async def _read_from_log(self, positions: Sequence[int]) -> list[Message]:
        """The messages at these positions, read from the log.

        Raises LogUnavailable, also while a log that was replaced is being read again.
        """
        records = list(map(decode, await self._log.pick(positions)))
        # In the new log a position may hold another kind of record, or a message by an agent that the room lacks.
        if self._follower.is_rereading or not all(isinstance(each.event, MessagePosted) for each in records):
            raise LogUnavailable("the log was replaced and is being read again")
        return list(map(message_from_record, records))
