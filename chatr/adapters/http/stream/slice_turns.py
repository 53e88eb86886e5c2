"""Turns of the watchers that are behind: each writes one slice in its turn, and everything else runs in between."""

import asyncio
from collections import OrderedDict
from typing import Final, Protocol

import structlog

from chatr.adapters.http.stream.evictions import BACKLOG_FAILED

# A post takes about ten loop iterations until it is stored: with 2 ms it waits 20 ms for the watchers.
SLICE_SECONDS_PER_ITERATION: Final = 0.002
"""Seconds of one loop iteration that all slices together may take."""
# The loop sends the rest of each slice when the socket takes it, outside of those seconds. With 500 readers at full
# speed posts took 11 to 14 ms in the median, 22 to 34 ms without this limit, and the readers were served as fast.
SLICES_PER_ITERATION: Final = 32
"""Slices that are written in one loop iteration at most: 512 KiB."""

log = structlog.get_logger()


class SliceWriter(Protocol):
    """What takes turns. A watcher that is behind implements it."""

    def write_slice(self) -> None:
        """Write the next slice."""

    def abort(self, reason: str) -> None:
        """End the connection for this reason, because `write_slice` has failed."""


class SliceTurns:
    """The watchers whose sockets can take a slice, in the order in which they asked."""

    def __init__(self) -> None:
        # An ordered set. A watcher has one turn, however many reasons: with two it would join the live fan-out twice.
        self._ready: OrderedDict[SliceWriter, None] = OrderedDict()
        self._scheduled = False

    def request(self, writer: SliceWriter, *, first: bool = False) -> None:
        """Let `writer` write a slice soon, before all others if it is to be `first`."""
        self._ready[writer] = None
        if first:
            self._ready.move_to_end(writer, last=False)
        self._schedule()

    def _schedule(self) -> None:
        if self._ready and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + SLICE_SECONDS_PER_ITERATION
        # Reset before anything can raise: otherwise no slice would ever be scheduled again.
        self._scheduled = False
        # Also bounded by the length: in a simulation the time of the loop stands still within an iteration.
        for _ in range(min(len(self._ready), SLICES_PER_ITERATION)):
            writer, _ = self._ready.popitem(last=False)
            try:
                writer.write_slice()
            except Exception:
                # The client reconnects; the other watchers must not wait for ever.
                log.exception("slice_failed")
                writer.abort(BACKLOG_FAILED)
            if loop.time() >= end:
                break
        self._schedule()
