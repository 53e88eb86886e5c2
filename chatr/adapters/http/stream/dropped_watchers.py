"""Watchers that the server drops: their connections are aborted a few at a time, and counted by reason."""

import asyncio
from collections import deque
from collections.abc import Iterable

import structlog

from chatr.adapters.http.stream.evictions import EVICTION_REASONS
from chatr.adapters.http.stream.few_per_iteration import WATCHERS_PER_ITERATION
from chatr.adapters.http.stream.lagging_watcher import LaggingWatcher
from chatr.adapters.http.stream.watcher import Watcher

log = structlog.get_logger()


class DroppedWatchers:
    """Aborts the connections of dropped watchers in several iterations of the loop. `counts`: how many, by reason."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(EVICTION_REASONS, 0)
        self._waiting: deque[tuple[Watcher | LaggingWatcher, str]] = deque()

    def add(self, watchers: Iterable[Watcher | LaggingWatcher], reason: str) -> None:
        """Abort the connections of these watchers soon, and discard what waits for them."""
        added = [(watcher, reason) for watcher in watchers]
        if added:
            self.count(reason, len(added))
            self._waiting.extend(added)
            self._abort_some()

    def count(self, reason: str, number: int) -> None:
        """Count and log watchers that were dropped for a reason, if there are any."""
        # SERVER_STOPPED is not counted: all streams end with the server.
        if reason in self.counts:
            self.counts[reason] += number
        if number:
            log.info("watchers_dropped", count=number, reason=reason)

    def _abort_some(self) -> None:
        for _ in range(min(WATCHERS_PER_ITERATION, len(self._waiting))):
            watcher, reason = self._waiting.popleft()
            watcher.abort(reason)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._abort_some)

    async def wait_until_aborted(self) -> None:
        """Return when the connections of all of them are aborted."""
        while self._waiting:  # noqa: ASYNC110 -- each step of `_abort_some` is one iteration of the loop
            await asyncio.sleep(0)
