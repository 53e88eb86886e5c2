"""Keeps a search index up to date with the room, and removes erased texts from it.

At the start the index may lack messages or be empty. It is completed from the log while the room is served.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

import structlog

from chatr.domain.events import MessagePosted, Record
from chatr.domain.room import Room
from chatr.node.erased_positions import ErasedPositions
from chatr.node.index_progress import IndexProgress
from chatr.node.search_texts import TextReader
from chatr.ports import LogReader, LogUnavailable, SearchIndex
from chatr.search_types import IndexInUse, SearchUnavailable

PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two log lines about the progress of indexing."""
MIN_REPORTED_LAG: Final = 10_000
"""Records that the index must lack for a log line about its progress: fewer are indexed in less than a second."""
RETRY_PAUSE: Final = 1.0
"""Seconds before a retry if the index cannot be used or the log cannot be read."""
BATCH_DELAY: Final = 0.25
"""Seconds for which messages are collected, unless a search waits. With 0.02 s, posts took up to 18 % more CPU time."""

logger = structlog.get_logger()


class SearchIndexer:
    """Indexes the messages that the follower folds, in a task of its own (`run`).

    Implements `chatr.node.listener.Listener` and `chatr.node.erasing.TextFile`.
    """

    def __init__(self, index: SearchIndex, log: LogReader, room: Room, pause: float = RETRY_PAUSE) -> None:
        """`room` is the room that the follower has folded from `log`. `pause`: seconds before a retry."""
        self._index = index
        self._reader = TextReader(log)
        self._pause = pause
        self.room = room
        self.progress = IndexProgress()
        # Held by whoever changes the index: otherwise a text that was read before its erasure could be added after it.
        self._lock = asyncio.Lock()
        # Whether the index is open, and was made from the log of `room`.
        self._is_of_room = False
        self._erased = ErasedPositions()
        # Set when there may be messages to index.
        self._work = asyncio.Event()

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Schedule the messages among `records`, and note which were erased."""
        self.room = room
        self._erased.add(records)
        if any(isinstance(record.event, MessagePosted) for record in records):
            self._work.set()

    def room_replaced(self, room: Room) -> None:
        """Schedule a comparison of the index with the new log; it is rebuilt unless it was made from that log."""
        self.room, self._is_of_room, self.progress.is_complete = room, False, False
        self._erased.forget_room()
        self._work.set()

    async def run(self) -> None:
        """Index all messages, and then those that are folded later. Never returns."""
        while True:
            try:
                await self._follow()
            except (SearchUnavailable, LogUnavailable) as error:
                self._fail(str(error))
            except Exception:  # a bug here must not end the node, which serves all but searches
                logger.exception("indexing_failed")
                self._fail("it failed unexpectedly")
            await asyncio.sleep(self._pause)

    def reopen_index(self, error: SearchUnavailable) -> None:
        """Schedule that the index is opened again, because a search has failed with this error."""
        self._fail(str(error))
        self._work.set()

    def _fail(self, reason: str) -> None:
        # The index may be closed or gone, so it must be opened and compared with the log again.
        self._is_of_room = False
        self.progress.failed(reason)

    async def _follow(self) -> None:
        """Index all messages, then new ones. Raises SearchUnavailable or LogUnavailable."""
        reported_at = monotonic()
        while True:
            # Cleared before the work: what arrives meanwhile sets it again.
            self._work.clear()
            async with self._lock:
                has_more = await self._add_next()
            if not has_more:
                self.progress.is_complete, self.progress.failure = self._is_of_room, ""
            self.progress.wake_searches()
            if not has_more:
                await self._wait_for_messages()
            elif self._is_far_behind and monotonic() - reported_at >= PROGRESS_INTERVAL:
                reported_at = monotonic()
                logger.info("indexing_messages", position=self.progress.until.position, head=self.room.position)

    @property
    def _is_far_behind(self) -> bool:
        """Whether the index is being built, and does not merely follow a room that is busy from its start."""
        lag = self.room.position - self.progress.until.position
        return not self.progress.is_complete and lag > MIN_REPORTED_LAG

    async def _wait_for_messages(self) -> None:
        """Wait for a message, and then for further ones, at most BATCH_DELAY or until a search waits."""
        await self._work.wait()
        await self.progress.wait_for_search(BATCH_DELAY)

    async def _open_index(self) -> None:
        """Open the index, and discard it if it is of another log. Raises SearchUnavailable or LogUnavailable."""
        if self._is_of_room:
            return
        room, until = self.room, await self._index.open()
        if until.position and not await self._reader.log_contains(until, room):
            logger.info("search_index_discarded", reason="it is of another log")
            await self._index.remove()
            until = await self._index.open()
        # The log may have been replaced while the index was opened.
        self._is_of_room = room is self.room
        self.progress.began(until)

    async def _add_next(self) -> bool:
        """Index the next messages. Returns whether there may be more. Raises SearchUnavailable or LogUnavailable."""
        await self._open_index()
        room = self.room
        found = await self._reader.texts_after(self.progress.until.position, room)
        # If the log was replaced meanwhile, the index must be compared with the new log first.
        if found is None or room is not self.room or not self._is_of_room:
            return not self._is_of_room
        texts, until = found
        await self._index.add(texts, until)
        self.progress.indexed(until)
        return True

    def mark_outdated(self) -> None:
        """Do nothing. `records_folded` notes which messages may still be in the index."""

    async def remove_erased_texts(self, _room: Room) -> None:
        """Remove erased messages from the index. Raises LogUnavailable or OSError."""
        await self._erased.examine(self.room)
        # The lock is released between two parts, so that new messages are indexed meanwhile.
        for positions in self._erased.grouped(self._index.part_of):
            await self._remove_messages(positions)

    async def _remove_messages(self, positions: Sequence[int]) -> None:
        """Remove messages of one part from the index. Raises LogUnavailable or OSError."""
        async with self._lock:
            # An index that does not exist contains no text; a command must not create one only to clean it.
            if self._index.is_stored():
                try:
                    await self._replace_part(positions)
                except IndexInUse:
                    pass  # another node has this index open, and removes them itself
                except SearchUnavailable as error:
                    await self._remove_index(error)
            self._erased.discard(positions)

    async def _replace_part(self, positions: Sequence[int]) -> None:
        """Rebuild the part of these messages if one of them is in it. Raises SearchUnavailable or LogUnavailable."""
        await self._open_index()
        if await self._index.indexed_among(positions):
            part = self._index.part_of(positions[0])
            # Later messages are indexed by `_add_next`, and would be in the index twice.
            indexed = range(part.start, min(part.stop, self.progress.until.position + 1))
            await self._index.replace(part, self._reader.texts_within(indexed, self.room))

    async def _remove_index(self, error: SearchUnavailable) -> None:
        """Remove the whole index, because single messages cannot be removed from it. Raises OSError."""
        self._fail(str(error))
        try:
            await self._index.remove()
        except SearchUnavailable as failure:
            raise OSError(f"the search index cannot be removed: {failure}") from failure
        self._work.set()
