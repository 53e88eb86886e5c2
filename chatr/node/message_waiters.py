"""Requests that wait for the next message."""

import asyncio
from itertools import islice
from typing import Final

RELEASED_AT_ONCE: Final = 20
"""Tasks that are released in one iteration of the loop: each then makes a response, which takes half a millisecond."""


class MessageWaiters:
    """Lets tasks wait for the next message. However many wait, other tasks run between their releases.

    `releases` counts the calls of `release`.
    """

    def __init__(self) -> None:
        # Dicts as ordered sets: who waits longest is released first.
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._to_release: dict[asyncio.Future[None], None] = {}
        self.releases = 0

    async def wait(self) -> None:
        """Wait until `release` is called."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await future
        finally:
            self._waiting.pop(future, None)
            self._to_release.pop(future, None)

    def release(self) -> None:
        """Release all tasks that wait now, the first ones in the next iteration of the loop."""
        self.releases += 1
        if self._waiting and not self._to_release:
            asyncio.get_running_loop().call_soon(self._release_some)
        self._to_release |= self._waiting
        self._waiting = {}

    def _release_some(self) -> None:
        for future in list(islice(self._to_release, RELEASED_AT_ONCE)):
            del self._to_release[future]
            if not future.done():
                future.set_result(None)
        if self._to_release:
            asyncio.get_running_loop().call_soon(self._release_some)
