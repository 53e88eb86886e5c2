"""Requests that examine many messages or names: they take turns, and each address has one of them at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from aiohttp import web
from attrs import define

from chatr.adapters.http.error_catalogue import STORE_RETRY_SECONDS, http_error
from chatr.adapters.http.error_type import ErrorType

SLICE_SECONDS: Final = 0.0005
"""Seconds for which a request examines before others run. One step may take some milliseconds longer.

Beside sixty such requests of one address, ten loop iterations of another task take at most 7 ms, and took 369 without
turns (400,000 messages of two agents who mention each other).
"""

Pause = Callable[[], Awaitable[object]]
"""To be awaited between two steps: other requests run meanwhile, if the time of a slice has passed."""


async def pause_always() -> None:
    """Let other tasks run. For those that examine messages without a request."""
    await asyncio.sleep(0)


class LongReads:
    """Limits the requests that need more than one slice.

    All of them together run one slice in an iteration of the event loop, and an address that sends many has one turn
    like any other. `client_address` returns the address of a request, and `time_limit` is in seconds.
    """

    def __init__(self, client_address: Callable[[web.BaseRequest], str], time_limit: float) -> None:
        self._client_address = client_address
        self._time_limit = time_limit
        # Weak, so that unused locks are removed.
        self._slots: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._turns = asyncio.Lock()

    @asynccontextmanager
    async def limited(self, request: web.BaseRequest, error_type: ErrorType) -> AsyncIterator[Pause]:
        """Yield what the block has to await between two steps. Raises HttpError of `error_type` after the time limit.

        The wait for earlier requests of the same address counts, or they would queue without end.
        """
        try:
            async with asyncio.timeout(self._time_limit), AsyncExitStack() as stack:
                slot = self._slots.setdefault(self._client_address(request), asyncio.Lock())
                yield Slices(slot, self._turns, stack, asyncio.get_running_loop().time()).pause
        except TimeoutError as error:
            raise http_error(error_type, retryAfter=STORE_RETRY_SECONDS) from error


@define
class Slices:
    """The slices of one request, the first of which begins at `began`, by the clock of the event loop."""

    _slot: asyncio.Lock
    _turns: asyncio.Lock
    _stack: AsyncExitStack
    _began: float
    _has_slot: bool = False

    async def pause(self) -> None:
        """Wait for the next turn if the time of a slice has passed. The first time also wait for the address's slot."""
        clock = asyncio.get_running_loop().time
        # Most requests end within their first slice: they wait for nobody.
        if clock() - self._began < SLICE_SECONDS:
            return
        if not self._has_slot:
            await self._stack.enter_async_context(self._slot)
            self._has_slot = True
        # The lock passes from one request to the next in the order in which they asked, once in an iteration.
        async with self._turns:
            await asyncio.sleep(0)
        self._began = clock()
