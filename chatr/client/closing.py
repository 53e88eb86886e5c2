"""Ends waiting calls when a room is closed: aiohttp closes connections, but their readers would wait on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import aiohttp
from attrs import define, field

from chatr.client.errors import NoAnswer

CLOSED: Final = "The room was closed."


@define(eq=False)
class Closing:
    """Tracks the pauses, requests and streams in progress, so that `close` can end them."""

    _closed: asyncio.Event = field(factory=asyncio.Event)
    _waiting: set[asyncio.Timeout] = field(factory=set)
    _streams: set[aiohttp.StreamReader] = field(factory=set)
    _parts: set["Closing"] = field(factory=set)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def close(self) -> None:
        """End everything that waits."""
        self._closed.set()
        while self._waiting:
            # 0 is a time in the past: the block ends in the next iteration of the loop.
            self._waiting.pop().reschedule(0)
        for stream in self._streams:
            stream.set_exception(NoAnswer(CLOSED))
        for part in self._parts:
            part.close()

    def check(self) -> None:
        """Raise NoAnswer after `close`."""
        if self.is_closed:
            raise NoAnswer(CLOSED)

    async def pause(self, seconds: float) -> None:
        """Wait for `seconds`. Raises NoAnswer once `close` is called."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), seconds)
        self.check()

    @asynccontextmanager
    async def awaiting(self) -> AsyncIterator[None]:
        """Run a block that awaits a response. `close` ends it with TimeoutError."""
        async with asyncio.timeout(None) as waiting:
            self._waiting.add(waiting)
            try:
                yield
            finally:
                self._waiting.discard(waiting)

    @contextmanager
    def reading(self, stream: aiohttp.StreamReader) -> Iterator[None]:
        """Run a block that reads a stream. `close` ends it with NoAnswer, when it reads the next time."""
        # Not by a time-out, which would cancel whatever the reader does between two messages.
        self._streams.add(stream)
        try:
            yield
        finally:
            self._streams.discard(stream)

    def add(self, part: "Closing") -> None:
        """Close `part`, too, when this is closed."""
        self._parts.add(part)

    def remove(self, part: "Closing") -> None:
        """Remove a part that has ended."""
        self._parts.discard(part)
