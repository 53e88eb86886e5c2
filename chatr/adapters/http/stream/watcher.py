"""A watcher: the receiving end of one stream. Bytes that its socket does not accept are buffered, up to a limit."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from chatr.adapters.http.stream.chunks import LAST_CHUNK, EncodedFrames
from chatr.adapters.http.stream.evictions import CLIENT_LEFT, SERVER_STOPPED, TOO_MUCH_WAITING
from chatr.adapters.http.stream.socket_write import NO_DESCRIPTOR, descriptor_of, write_to_socket

# The limit bounds the memory for slow watchers. A dropped client misses nothing: it reconnects with its last id.
MAX_WAITING_BYTES: Final = 1024 * 1024
"""Bytes of live frames that may wait for one watcher. The backlog that it asked for does not count."""

log = structlog.get_logger()


class WatcherRegistry(Protocol):
    """What a watcher notifies. The hub implements it."""

    def dropped(self) -> None:
        """Count a watcher that dropped itself."""

    def leave(self, watcher: "Watcher") -> None:
        """Forget the watcher."""


class Watcher(asyncio.Protocol):
    """The protocol of a connection that receives the stream. Whatever the client still sends is ignored.

    `on_lost` is called once, when the connection is lost. `chunked` is for HTTP/1.1. One that `wants_presence` is sent
    presence frames too, and one that `wants_removed` removed frames. `reader` is the digest of the key with which it
    reads a private room. `log_end` is called with the reason after the connection is lost.
    """

    # There may be thousands: slots keep an idle one below 3 kB, and it has no task and no queue of its own.
    __slots__ = (
        "_descriptor",
        "_end_reason",
        "_hub",
        "_is_buffering",
        "_live_waiting",
        "_log_end",
        "_on_lost",
        "_taken",
        "_taken_at",
        "_transport",
        "_transport_bytes",
        "chunked",
        "reader",
        "wants_presence",
        "wants_removed",
    )

    def __init__(  # noqa: PLR0913 -- named arguments, each kept in a slot
        self,
        hub: WatcherRegistry,
        transport: asyncio.Transport,
        on_lost: Callable[[], None],
        *,
        chunked: bool,
        wants_presence: bool = False,
        wants_removed: bool = False,
        reader: str | None = None,
        log_end: Callable[[str], None] | None = None,
    ) -> None:
        self._hub = hub
        self._transport = transport
        self._on_lost = on_lost
        self._log_end = log_end
        self._end_reason = CLIENT_LEFT
        self.chunked = chunked
        self.wants_presence = wants_presence
        self.wants_removed = wants_removed
        self.reader = reader
        self._descriptor = descriptor_of(transport)
        # The headers that aiohttp wrote may still be in the transport's buffer.
        self._is_buffering = transport.get_write_buffer_size() > 0
        self._transport_bytes = 0
        self._live_waiting = 0
        self._taken = 0
        self._taken_at = 0.0

    def write_backlog(self, backlog: bytes) -> None:
        """Write the backlog, which is encoded already. It does not count towards MAX_WAITING_BYTES."""
        sent = 0 if self._is_buffering else write_to_socket(self._descriptor, backlog)
        if sent < len(backlog):
            self._write_to_transport(backlog[sent:], live=False)

    def write(self, frames: EncodedFrames) -> None:
        """Write live frames. Drops the watcher when too much waits for it."""
        data = frames.chunked if self.chunked else frames.plain
        # While the transport holds bytes, new ones must go through it, too: written directly they would overtake those.
        if self._is_buffering:
            self._is_buffering = self._transport.get_write_buffer_size() > 0
        sent = 0 if self._is_buffering else write_to_socket(self._descriptor, data)
        if sent < len(data):
            self._write_to_transport(data[sent:], live=True)

    def _write_to_transport(self, data: bytes, *, live: bool) -> None:
        # After a connection is lost asyncio ignores a write, but uvloop raises: that would fail the post of an agent.
        if self._transport.is_closing():
            return
        self._transport.write(data)
        self._is_buffering = True
        self._transport_bytes += len(data)
        if live:
            self._live_waiting += len(data)
            if self._live_waiting > MAX_WAITING_BYTES:
                self._check_waiting_bytes()

    def _check_waiting_bytes(self) -> None:
        """Correct `_live_waiting`, which only grew until now, and drop the watcher if it is over the limit."""
        # Live frames come last in the buffer, so no more of them wait than it holds. To ask for its size at each
        # write would take as long as the write itself.
        self._live_waiting = min(self._live_waiting, self._transport.get_write_buffer_size())
        if self._live_waiting > MAX_WAITING_BYTES:
            log.info("watcher_dropped", waiting=self._live_waiting)
            self._hub.dropped()
            self.abort(TOO_MUCH_WAITING)

    def is_stalled(self, now: float, timeout: float) -> bool:
        """Return whether bytes have been waiting for `timeout` seconds and the client has taken none of them.

        To be called every second or so: the time begins with the first call at which something waits.
        """
        waiting = self._transport.get_write_buffer_size()
        taken = self._transport_bytes - waiting
        if not waiting or taken > self._taken or not self._taken_at:
            self._taken, self._taken_at = taken, now
        return now - self._taken_at >= timeout

    def abort(self, reason: str) -> None:
        """Abort the connection for this reason, and discard the bytes that wait."""
        self._end_reason = reason
        self._descriptor = NO_DESCRIPTOR
        self._transport.abort()

    def end(self, last_frames: EncodedFrames) -> None:
        """Write the last frames and the end of the body. The connection closes when the client has taken everything."""
        self._end_reason = SERVER_STOPPED
        self.write(last_frames)
        if not self._transport.is_closing():
            if self.chunked:
                self._transport.write(LAST_CHUNK)
            self._descriptor = NO_DESCRIPTOR
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it by position
        """Leave the hub, and call `on_lost`."""
        self._descriptor = NO_DESCRIPTOR
        self._hub.leave(self)
        self._on_lost()
        if self._log_end is not None:
            self._log_end(self._end_reason)
