"""Keeps a search index up to date with the room, and takes erased texts out of it.

The index may lack anything at a start: it is made from the log in the background, while the room is served.
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
"""Seconds between two log lines about an index that takes long to make."""
WORTH_A_LINE: Final = 10_000
"""Records that an index must lack for a log line about its progress."""
PAUSE: Final = 1.0
"""Seconds until an index that cannot be used, or a log that cannot be read, is tried again."""
GATHERING: Final = 0.02
"""Seconds for which messages are gathered, unless a search waits for them: each commit costs as much as ten of them."""
LONGEST_LAG: Final = 1.0
"""Seconds for which a search waits until the messages that were posted before it are indexed."""
MOST_SEARCHES: Final = 2
"""Searches that the index is asked at a time. New messages and erasures wait for no more than these."""
CPU_LIMIT: Final = 0.09
"""Seconds of CPU time that one search may take."""

logger = structlog.get_logger()


class SearchIndexer:
    """Indexes what the follower folds.

    Implements `chatr.node.listener.Listener` and `chatr.node.erasing.TextFile`.
    """

    def __init__(self, index: SearchIndex, log: LogReader, room: Room, pause: float = PAUSE) -> None:
        """`room` is what the follower has folded of the log. `pause`: seconds until what failed is tried again."""
        self._index = index
        self._texts = IndexTexts(log)
        self._pause = pause
        self._room = room
        self._until = IndexedUntil()
        # One at a time changes the index: else a text could be added after it was looked for to be erased.
        self._lock = asyncio.Lock()
        self._is_bound = False
        self._is_complete = False
        self._obstacle = ""
        self._started_at = (0.0, 0)
        self._erased = ErasedPositions()
        self._slots = asyncio.Semaphore(MOST_SEARCHES)
        self._work = asyncio.Event()
        self._is_asked = asyncio.Event()
        self._advanced = asyncio.Event()

    def records_folded(self, room: Room, records: Sequence[Record]) -> None:
        """Schedule the messages among `records`, and note which were erased."""
        self._room = room
        self._erased.add(records)
        if any(isinstance(record.event, MessagePosted) for record in records):
            self._work.set()

    def room_replaced(self, room: Room) -> None:
        """Compare the index with the new log, and make it again unless it is of that log."""
        self._room, self._is_bound, self._is_complete = room, False, False
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
        if reason != self._obstacle:
            logger.warning("search_unavailable", reason=reason)
        self._obstacle, self._is_bound, self._is_complete = reason, False, False
        self._advanced.set()
        self._advanced = asyncio.Event()

    async def _follow(self) -> None:
        """Index what is there, and what comes. Raises SearchUnavailable or LogUnavailable."""
        reported_at = monotonic()
        while True:
            self._work.clear()
            async with self._lock:
                has_more = await self._add_next()
            if not has_more:
                self._is_complete, self._obstacle = self._is_bound, ""
            self._advanced.set()
            self._advanced = asyncio.Event()
            if not has_more:
                await self._gather()
            elif self._is_far_behind and monotonic() - reported_at >= PROGRESS_INTERVAL:
                reported_at = monotonic()
                logger.info("indexing_messages", position=self._until.position, head=self._room.position)

    @property
    def _is_far_behind(self) -> bool:
        """Whether the index is being made, and does not merely follow a room that is busy from its start."""
        return not self._is_complete and self._room.position - self._until.position > WORTH_A_LINE

    async def _gather(self) -> None:
        """Wait for a message, and then until there are more of them or a search waits for it."""
        await self._work.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHERING):
                await self._is_asked.wait()
        self._is_asked.clear()

    async def _bind(self) -> None:
        """Open the index, an empty one unless it is of this log. Raises SearchUnavailable or LogUnavailable."""
        if self._is_bound:
            return
        room, until = self._room, await self._index.open()
        if until.position and not await self._texts.are_of(room, until):
            logger.info("search_index_discarded", reason="it is of another log")
            await self._index.remove()
            until = await self._index.open()
        self._until, self._is_bound = until, room is self._room
        self._started_at = (monotonic(), until.position)

    async def _add_next(self) -> bool:
        """Index the next messages. Returns whether there may be more. Raises SearchUnavailable or LogUnavailable."""
        await self._bind()
        room = self._room
        found = await self._texts.after(room, self._until.position)
        # If the log was replaced meanwhile, the index has to be compared with the new one first.
        if found is None or room is not self._room or not self._is_bound:
            return not self._is_bound
        texts, until = found
        await self._index.add(texts, until)
        # From here on the progress says more than what was wrong before.
        self._until, self._obstacle = until, ""
        return True

    def mark_outdated(self) -> None:
        """Do nothing: the erasing records themselves say what may still be in the index."""

    async def remove_erased_texts(self, _room: Room) -> None:
        """Take the messages that were erased out of the index. Raises LogUnavailable or OSError."""
        await self._erased.examine(self._room)
        # The lock is free between two parts, so that new messages are indexed meanwhile.
        for positions in self._erased.grouped(self._index.part_of):
            await self._take_out(positions)

    async def _take_out(self, positions: Sequence[int]) -> None:
        """Take messages of one part out of the index. Raises LogUnavailable or OSError."""
        async with self._lock:
            if self._index.is_stored():
                try:
                    await self._replace_part(positions)
                except IndexInUse:
                    pass  # it is the index of another node, which takes them out itself
                except SearchUnavailable as error:
                    await self._remove_index(error)
            self._erased.discard(positions)

    async def _replace_part(self, positions: Sequence[int]) -> None:
        """Index the part with these messages again, if it holds one of them. Raises as the index and the log do."""
        await self._bind()
        if await self._index.holding(positions):
            part = self._index.part_of(positions[0])
            indexed = range(part.start, min(part.stop, self._until.position + 1))
            await self._index.replace(part, self._texts.within(self._room, indexed))

    async def _remove_index(self, error: SearchUnavailable) -> None:
        """Remove the whole index, because single messages cannot be taken out. Raises OSError."""
        self._fail(str(error))
        try:
            await self._index.remove()
        except SearchUnavailable as failure:
            raise OSError(f"the search index cannot be removed: {failure}") from failure
        self._work.set()

    async def find(
        self, query: str, after: int | None, before: int | None, limit: int, is_wanted: Callable[[int], bool]
    ) -> Page:
        """At most `limit` messages that contain all words of `query`, are shown, and for which `is_wanted` holds.

        They are between the positions `after` and `before`, as in `History.page`. `is_wanted` is called in another
        thread: it may look something up, and nothing else. Raises SearchNotReady,
        SearchUnavailable, NothingToSearch, SearchTooLong or SearchTooSlow.
        """
        # Also at the start: most indexes are complete within a moment.
        if not await self._wait_until_indexed():
            raise self._not_ready()
        room = self._room
        wanted = SearchRange(after or 0, before if before is not None else room.position + 1, after is not None)
        removals = room.history.removals
        try:
            async with self._slots:
                # One more than asked for, to know whether there are more.
                found = await self._index.find(
                    *(query, wanted, limit + 1, CPU_LIMIT),
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
        position, head = self._until.position, self._room.position
        began_at, began = self._started_at
        seconds = (monotonic() - began_at) * (head - position) / max(position - began, 1)
        return SearchNotReady(position, head, int(seconds) + 1, self._obstacle)

    async def _wait_until_indexed(self) -> bool:
        """Wait until the messages that the room has now are indexed, or for LONGEST_LAG seconds.

        Returns whether the index is complete, apart from the newest messages.
        """
        positions = self._room.history.positions
        last = positions[-1] if positions else 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_LAG):
                while not self._obstacle and (self._until.position < last or not self._is_complete):
                    self._is_asked.set()
                    await self._advanced.wait()
        return self._is_complete
