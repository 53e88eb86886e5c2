"""Work on thousands of watchers, a few in each iteration of the event loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, TypeVar

from chatr.adapters.http.stream.lagging_watcher import LaggingWatcher
from chatr.adapters.http.stream.watcher import Watcher

WATCHERS_PER_ITERATION: Final = 250
"""Watchers that are looked after, ended or dropped in one iteration of the loop: 5 ms, with the loss of connections."""

W = TypeVar("W", Watcher, LaggingWatcher)


async def a_few_per_iteration(watchers: Mapping[W, None]) -> AsyncIterator[W]:
    """Yield the watchers that are there now and have not left since, WATCHERS_PER_ITERATION at a time."""
    for number, watcher in enumerate(list(watchers), 1):
        if watcher in watchers:
            yield watcher
        if number % WATCHERS_PER_ITERATION == 0:
            await asyncio.sleep(0)
