"""Requests that wait for the next message."""

import asyncio
from itertools import islice
from typing import Final

RELEASED_AT_ONCE: Final = 20
"""Tasks that are released in one iteration of the loop: each then makes a response, which takes half a millisecond."""


class MessageWaiters:
    """Lets tasks wait for the next message. However many wait, other tasks run between their releases."""

    def __init__(self) -> None:
        # Dicts as ordered sets: who waits longest is released first.
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._released: dict[asyncio.Future[None], None] = {}

    async def wait(self) -> None:
        """Wait until `release` is called."""
        released = asyncio.get_running_loop().create_future()
        self._waiting[released] = None
        try:
            await released
        finally:
            self._waiting.pop(released, None)
            self._released.pop(released, None)

    def release(self) -> None:
        """Release all tasks that wait now, the first ones in the next iteration of the loop."""
        if self._waiting and not self._released:
            asyncio.get_running_loop().call_soon(self._release_some)
        self._released |= self._waiting
        self._waiting = {}

    def _release_some(self) -> None:
        for released in list(islice(self._released, RELEASED_AT_ONCE)):
            del self._released[released]
            if not released.done():
                released.set_result(None)
        if self._released:
            asyncio.get_running_loop().call_soon(self._release_some)
