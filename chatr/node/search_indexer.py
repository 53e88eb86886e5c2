"""Keeps a search index up to date with the room, and removes erased texts from it.

At the start the index may lack messages or be empty. It is completed from the log while the room is served.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import structlog

from chatr.domain.events import MessagePosted, Record
from chatr.domain.history import Page
from chatr.domain.room import Room
from chatr.node.erased_positions import ErasedPositions
from chatr.node.search_texts import IndexTexts
from chatr.ports import LogReader, LogUnavailable, SearchIndex
from chatr.search_types import IndexedUntil, IndexInUse, SearchNotReady, SearchRange, SearchUnavailable

PROGRESS_INTERVAL: Final = 1.0
"""Seconds between two log lines about the progress of indexing."""
MIN_REPORTED_LAG: Final = 10_000
"""Records that the index must lack for a log line about its progress."""
RETRY_PAUSE: Final = 1.0
"""Seconds before a retry if the index cannot be used or the log cannot be read."""
BATCH_DELAY: Final = 0.25
"""Seconds for which messages are collected, unless a search waits. With 0.02 s, posts took up to 18 % more CPU time."""
MAX_SEARCH_DELAY: Final = 1.0
"""Seconds for which a search waits at most until the messages that were posted before it are indexed."""
MAX_CONCURRENT_SEARCHES: Final = 2
"""Searches that may wait for the thread of the index, so that new messages and erasures wait for no more than these."""
MAX_CPU_TIME: Final = 0.09
"""Seconds of CPU time that one search may take."""

logger = structlog.get_logger()


class SearchIndexer:
    """Indexes the messages that the follower folds, in a task of its own (`run`).

    Implements `chatr.node.listener.Listener` and `chatr.node.erasing.TextFile`.
    """

    def __init__(self, index: SearchIndex, log: LogReader, room: Room, pause: float = RETRY_PAUSE) -> None:
        """`room` is the room that the follower has folded from `log`. `pause`: seconds before a retry."""
        self._index = index
        self._texts = IndexTexts(log)
        self._pause = pause
        self._room = room
        self._until = IndexedUntil()
        # Held by whoever changes the index: otherwise a text that was read before its erasure could be added after it.
        self._lock = asyncio.Lock()
        # Whether the index was compared with the log of `_room`, and whether it has all messages but the newest.
        self._is_of_room = False
        self._is_complete = False
        # Why the index cannot be used; empty if it can.
        self._failure = ""
        # When indexing began, and the position then: the remaining time is estimated from these.
        self._indexing_start = (0.0, 0)
        self._erased = ErasedPositions()
        self._search_slots = asyncio.Semaphore(MAX_CONCURRENT_SEARCHES)
        self._work = asyncio.Event()
        self._search_waits = asyncio.Event()
        # Set after each batch or failure, and then replaced by a new event.
        self._advanced = asyncio.Event()

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Schedule the messages among `records`, and note which were erased."""
        self._room = room
        self._erased.add(records)
        if any(isinstance(record.event, MessagePosted) for record in records):
            self._work.set()

    def room_replaced(self, room: Room) -> None:
        """Schedule a comparison of the index with the new log; it is rebuilt unless it was made from that log."""
        self._room, self._is_of_room, self._is_complete = room, False, False
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

    def _fail(self, reason: str) -> None:
        if reason != self._failure:
            logger.warning("search_unavailable", reason=reason)
        self._failure, self._is_of_room, self._is_complete = reason, False, False
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def _follow(self) -> None:
        """Index all messages, then new ones. Raises SearchUnavailable or LogUnavailable."""
        reported_at = monotonic()
        while True:
            self._work.clear()
            async with self._lock:
                has_more = await self._add_next()
            if not has_more:
                self._is_complete, self._failure = self._is_of_room, ""
            self._advanced.set()
            self._advanced = asyncio.Event()
            if not has_more:
                await self._wait_for_messages()
            elif self._is_far_behind and monotonic() - reported_at >= PROGRESS_INTERVAL:
                reported_at = monotonic()
                logger.info("indexing_messages", position=self._until.position, head=self._room.position)

    @property
    def _is_far_behind(self) -> bool:
        """Whether the index is being built, and does not merely follow a room that is busy from its start."""
        return not self._is_complete and self._room.position - self._until.position > MIN_REPORTED_LAG

    async def _wait_for_messages(self) -> None:
        """Wait for a message, and then for further ones, at most BATCH_DELAY or until a search waits."""
        await self._work.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(BATCH_DELAY):
                await self._search_waits.wait()
        self._search_waits.clear()

    async def _open_index(self) -> None:
        """Open the index, and discard it if it is of another log. Raises SearchUnavailable or LogUnavailable."""
        if self._is_of_room:
            return
        room, until = self._room, await self._index.open()
        if until.position and not await self._texts.are_of(room, until):
            logger.info("search_index_discarded", reason="it is of another log")
            await self._index.remove()
            until = await self._index.open()
        self._until, self._is_of_room = until, room is self._room
        self._indexing_start = (monotonic(), until.position)

    async def _add_next(self) -> bool:
        """Index the next messages. Returns whether there may be more. Raises SearchUnavailable or LogUnavailable."""
        await self._open_index()
        room = self._room
        found = await self._texts.after(room, self._until.position)
        # If the log was replaced meanwhile, the index must be compared with the new log first.
        if found is None or room is not self._room or not self._is_of_room:
            return not self._is_of_room
        texts, until = found
        await self._index.add(texts, until)
        # Indexing works again, so `SearchNotReady` reports progress instead of the last error.
        self._until, self._failure = until, ""
        return True

    def mark_outdated(self) -> None:
        """Do nothing: the records of erasures say which messages may still be in the index."""

    async def remove_erased_texts(self, _room: Room) -> None:
        """Remove erased messages from the index. Raises LogUnavailable or OSError."""
        await self._erased.examine(self._room)
        # The lock is released between two parts, so that new messages are indexed meanwhile.
        for positions in self._erased.grouped(self._index.part_of):
            await self._remove_messages(positions)

    async def _remove_messages(self, positions: Sequence[int]) -> None:
        """Remove messages of one part from the index. Raises LogUnavailable or OSError."""
        async with self._lock:
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
            indexed = range(part.start, min(part.stop, self._until.position + 1))
            await self._index.replace(part, self._texts.within(self._room, indexed))

    async def _remove_index(self, error: SearchUnavailable) -> None:
        """Remove the whole index, because single messages cannot be removed from it. Raises OSError."""
        self._fail(str(error))
        try:
            await self._index.remove()
        except SearchUnavailable as failure:
            raise OSError(f"the search index cannot be removed: {failure}") from failure
        self._work.set()

    async def find(
        self,
        query: str,
        after: int | None,
        before: int | None,
        limit: int,
        is_wanted: Callable[[int], bool],
        among: Sequence[int] | None = None,
    ) -> Page:
        """Return at most `limit` visible messages that contain all words of `query` and satisfy `is_wanted`.

        They are between the positions `after` and `before`, as in `History.page`; `among` is as in `SearchRange`.
        `is_wanted` is called in another thread, so it must not change anything. Raises SearchNotReady, or as the index.
        """
        # Searches also wait right after the start: most indexes are complete within a second.
        if not await self._wait_until_indexed():
            raise self._not_ready()
        room, removals = self._room, self._room.history.removals
        wanted = SearchRange(after or 0, before if before is not None else room.position + 1, after is not None, among)
        try:
            async with self._search_slots:
                # One message more than the limit, to know whether there are more.
                found = await self._index.find(
                    *(query, wanted, limit + 1, MAX_CPU_TIME),
                    lambda position: position not in removals and is_wanted(position),
                )
        except SearchUnavailable as error:
            self._fail(str(error))
            self._work.set()
            raise
        if room is not self._room:
            raise self._not_ready()
        return Page(found[:limit][:: 1 if wanted.ascending else -1], len(found) > limit)

    def _not_ready(self) -> SearchNotReady:
        position, last_position = self._until.position, self._room.position
        began_at, began = self._indexing_start
        seconds = (monotonic() - began_at) * (last_position - position) / max(position - began, 1)
        return SearchNotReady(position, last_position, int(seconds) + 1, self._failure)

    async def _wait_until_indexed(self) -> bool:
        """Wait until the messages that the room has now are indexed, at most MAX_SEARCH_DELAY seconds.

        Returns whether the index is complete, apart from the newest messages.
        """
        positions = self._room.history.positions
        last = positions[-1] if positions else 0
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_SEARCH_DELAY):
                while not self._failure and (self._until.position < last or not self._is_complete):
                    self._search_waits.set()
                    await self._advanced.wait()
        return self._is_complete
