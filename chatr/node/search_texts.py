"""Reads the texts to index: those of the newest messages from memory, those of older ones from the log."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Final

from attrs import frozen

from chatr.codec import MESSAGE_TYPE, decode
from chatr.domain.history import message_from_record
from chatr.domain.room import Room
from chatr.ports import LogReader, LogUnavailable, Stored
from chatr.search_types import IndexedUntil, IndexText

BATCH: Final = 1_000
"""Records that are read and indexed at a time: about 20 ms in the thread of the index."""


@frozen
class TextReader:
    """Reads the texts of messages, and omits those that were erased."""

    _log: LogReader

    async def texts_after(self, position: int, room: Room) -> tuple[list[IndexText], IndexedUntil] | None:
        """Return the next texts after `position`, and the last record that they cover.

        Returns None if there is no message after `position`. Raises LogUnavailable.
        """
        history = room.history
        # `done` messages are indexed already; the first `older` ones are no longer in memory.
        done, older = bisect_right(history.positions, position), history.count - len(history.newest)
        if done == history.count:
            return None
        if done < older:
            stored = await self._read(position, room.position, room)
            # Decoding a batch takes milliseconds, in which the node serves requests.
            texts = await asyncio.to_thread(texts_of, stored)
            last_position, last_id = stored[-1].position, stored[-1].id
        else:
            records = list(islice(history.newest, done - older, done - older + BATCH))
            texts = [(each.position, message_from_record(each).content) for each in records]
            last_position, last_id = records[-1].position, records[-1].id
        # A message may have been erased while its text was read.
        return not_erased(texts, room), IndexedUntil(room.log_id, last_position, last_id)

    async def texts_within(self, part: range, room: Room) -> AsyncIterator[Sequence[IndexText]]:
        """Yield the texts of all messages at positions of `part`, in batches. Raises LogUnavailable."""
        position = max(part.start - 1, 0)
        while position < part.stop - 1:
            stored = await self._read(position, part.stop - 1, room)
            yield not_erased(await asyncio.to_thread(texts_of, stored), room)
            position = stored[-1].position

    async def log_contains(self, until: IndexedUntil, room: Room) -> bool:
        """Whether the log of `room` contains this record, the last one of an index. Raises LogUnavailable."""
        if until.log_id != room.log_id or until.position > room.position:
            return False
        # After a restore or a failover, another record may be at this position.
        return [each.id for each in await self._log.read(until.position - 1, 1)] == [until.record_id]

    async def _read(self, after: int, end: int, room: Room) -> list[Stored]:
        """Return the next records after `after`, up to `end`.

        Raises LogUnavailable, also if the log is not that of `room`.
        """
        # Taken before the log is read: the room folds more records meanwhile, and its cursor moves.
        position, cursor = room.position, room.cursor
        stored = await self._log.read(after, min(BATCH, end - after))
        # The log may have been replaced since the room was folded; the follower has not noticed it yet.
        if not stored or [each.cursor for each in await self._log.pick([position])] != [cursor]:
            raise LogUnavailable("the log was replaced and is being read again")
        return stored


def texts_of(stored: Sequence[Stored]) -> list[IndexText]:
    """The positions and contents of the messages among these records, without erased and altered ones."""
    records = [decode(each) for each in stored if each.type == MESSAGE_TYPE and not each.is_erased and each.is_intact]
    return [(each.position, message_from_record(each).content) for each in records]


def not_erased(texts: Sequence[IndexText], room: Room) -> list[IndexText]:
    """The texts whose messages were not erased since they were read."""
    removals = room.history.removals.by_message
    return [text for text in texts if text[1] and not ((removal := removals.get(text[0])) and removal.erased)]
