"""Searches the messages of the room for words, by the search index of this node."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from chatr.domain.history import Page
from chatr.domain.selection import Window
from chatr.node.search_indexer import SearchIndexer
from chatr.ports import SearchIndex
from chatr.search_types import SearchNotReady, SearchRange, SearchUnavailable

MAX_SEARCH_DELAY: Final = 1.0
"""Seconds for which a search waits at most until the messages that were posted before it are indexed."""
MAX_CONCURRENT_SEARCHES: Final = 2
"""Searches that may wait for the thread of the index, so that new messages and erasures wait for no more than these."""
MAX_CPU_TIME: Final = 0.09
"""Seconds of CPU time that one search may take: the slowest permitted query takes 0.07 s in a million messages."""


class MessageSearch:
    """Finds messages in the index that `indexer` keeps up to date."""

    def __init__(self, index: SearchIndex, indexer: SearchIndexer) -> None:
        self._index = index
        self._indexer = indexer
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_SEARCHES)

    async def find(
        self,
        query: str,
        window: Window,
        limit: int,
        among: Sequence[Sequence[int]] = (),
        *,
        forward: bool = False,
        is_selected: Callable[[int], bool] = lambda _: True,
    ) -> Page:
        """Return at most `limit` visible messages that contain all words of `query`, and that `is_selected`.

        They are between the positions of `window`: the first ones if `forward`, and else the last ones. `among` is as
        in `SearchRange`. It and `is_selected` are used in another thread. Raises SearchNotReady, or as the index.
        """
        await self._wait_until_indexed()
        # Hidden messages stay in the index: an operator may restore them.
        room, removals = self._indexer.room, self._indexer.room.history.removals
        after, before = window
        wanted = SearchRange(after or 0, room.position + 1 if before is None else before, forward, among)
        # One message more than the limit, to know whether there are more.
        found = await self._positions(
            query, wanted, limit + 1, lambda position: position not in removals and is_selected(position)
        )
        # If the log was replaced meanwhile, these positions are those of other messages.
        if room is not self._indexer.room:
            raise self._not_ready()
        return Page(found[:limit][:: 1 if wanted.ascending else -1], len(found) > limit)

    async def _wait_until_indexed(self) -> None:
        """Wait until the messages that the room has now are indexed. Raises SearchNotReady."""
        positions = self._indexer.room.history.positions
        last = positions[-1] if positions else 0
        # Searches also wait right after the start: most indexes are complete within a second.
        if not await self._indexer.progress.wait_until_indexed(last, MAX_SEARCH_DELAY):
            raise self._not_ready()

    async def _positions(
        self, query: str, wanted: SearchRange, limit: int, is_wanted: Callable[[int], bool]
    ) -> list[int]:
        """Ask the index. If it cannot be used, it is opened again, and SearchUnavailable is raised."""
        try:
            async with self._slots:
                return await self._index.find(query, wanted, limit, MAX_CPU_TIME, is_wanted)
        except SearchUnavailable as error:
            self._indexer.reopen_index(error)
            raise

    def _not_ready(self) -> SearchNotReady:
        return self._indexer.progress.not_ready(self._indexer.room.position)
