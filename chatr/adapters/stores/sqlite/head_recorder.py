"""Keeps the head file of an open log up to date, at a cost that no post notices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import aiosqlite

from chatr.adapters.stores.sqlite.connection import run_in_thread
from chatr.adapters.stores.sqlite.head import HeadFile
from chatr.ports import Stored

INTERVAL: Final = 1.0
"""Seconds between two writes of the head file. They cost less than to write it with each commit."""


class HeadRecorder:
    """Writes the head file, in the thread of `writer`. `last_stored` returns the last record that is on the disk."""

    def __init__(
        self, head_file: HeadFile, writer: aiosqlite.Connection, last_stored: Callable[[], Stored | None]
    ) -> None:
        self._head_file = head_file
        self._writer = writer
        self._last_stored = last_stored
        self._recorded = 0

    @asynccontextmanager
    async def recording(self) -> AsyncIterator[None]:
        """Record the head every second while the block runs, and when it ends."""
        task = asyncio.create_task(self._record_regularly(), name="head recorder")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            # After the task has ended: both write the same file.
            await self._record(flush=True)

    async def _record_regularly(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            # Not flushed: after a power failure an older head file only notices less.
            await self._record(flush=False)

    async def _record(self, *, flush: bool) -> None:
        last = self._last_stored()
        # Nothing is recorded before the first commit of this process: what the process before it wrote last may not be
        # on the disk yet, and the flush of the next commit is what puts it there.
        if last and (flush or last.position != self._recorded):
            self._recorded = last.position
            await run_in_thread(self._writer, lambda _: self._head_file.write(last, flush=flush))
