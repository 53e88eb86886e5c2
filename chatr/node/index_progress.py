"""How far the search index has come. The indexer reports it here, and searches wait for it here."""

import asyncio
from contextlib import suppress
from time import monotonic

import structlog

from chatr.search_types import IndexedUntil, SearchNotReady

logger = structlog.get_logger()


class IndexProgress:
    """The last record that the search index contains, and whether the index can be searched.

    `is_complete`: the index has all messages but the newest. `failure` says why it cannot be used; empty if it can.
    """

    def __init__(self) -> None:
        self.until = IndexedUntil()
        self.is_complete = False
        self.failure = ""
        # When indexing began, and the position then: the remaining time is estimated from these.
        self._start = (0.0, 0)
        self._search_waits = asyncio.Event()
        # Set after each batch or failure, and then replaced by a new event.
        self._changed = asyncio.Event()

    def began(self, until: IndexedUntil) -> None:
        """Note that the index was opened, and contains the messages up to `until`."""
        self.until = until
        self._start = (monotonic(), until.position)

    def indexed(self, until: IndexedUntil) -> None:
        """Note that messages were added up to `until`. The index works again, so `failure` is emptied."""
        self.until, self.failure = until, ""

    def failed(self, reason: str) -> None:
        """Note that the index cannot be used, and why."""
        # Each retry may fail for the same reason, which is logged once.
        if reason != self.failure:
            logger.warning("search_unavailable", reason=reason)
        self.failure, self.is_complete = reason, False
        self.wake_searches()

    def wake_searches(self) -> None:
        """Let waiting searches look at the progress again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_until_indexed(self, position: int, seconds: float) -> bool:
        """Wait until the message at `position` is indexed, the index has failed, or `seconds` have passed.

        Returns whether the index is complete, apart from the newest messages.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.failure and (self.until.position < position or not self.is_complete):
                    self._search_waits.set()
                    await self._changed.wait()
        return self.is_complete

    async def wait_for_search(self, seconds: float) -> None:
        """Wait until a search waits for new messages, at most `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._search_waits.wait()
        self._search_waits.clear()

    def not_ready(self, last_position: int) -> SearchNotReady:
        """Return the error that says how far the index is, and how long the rest up to `last_position` takes."""
        position, (began_at, began) = self.until.position, self._start
        seconds = (monotonic() - began_at) * (last_position - position) / max(position - began, 1)
        return SearchNotReady(position, last_position, int(seconds) + 1, self.failure)
