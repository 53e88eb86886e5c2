"""One watcher: whatever its socket does not take waits there, so far and no further."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from attrs import frozen

BUDGET: Final = 1024 * 1024
"""Bytes of live frames that may wait for one watcher."""
END: Final = b"0\r\n\r\n"

log = structlog.get_logger()


@frozen
class Chunk:
    """Bytes of the stream, plain for HTTP/1.0 and framed as a chunk for HTTP/1.1."""

    plain: bytes
    framed: bytes


def chunk(plain: bytes) -> Chunk:
    return Chunk(plain, b"%x\r\n%b\r\n" % (len(plain), plain))


class Audience(Protocol):
    """What a watcher is part of."""

    def leave(self, watcher: "Watcher") -> None: ...


class Watcher(asyncio.Protocol):
    """The receiving end of one stream. Its request is over: whatever still arrives is ignored. A `curious` one is told
    what is said aside, too.
    """

    __slots__ = ("_framed", "_hub", "_live", "_lost", "_taken", "_taken_at", "_transport", "_written", "curious")

    def __init__(
        self,
        hub: Audience,
        transport: asyncio.Transport,
        lost: Callable[[], None],
        *,
        framed: bool,
        curious: bool = False,
    ) -> None:
        self._hub = hub
        self._transport = transport
        self._lost = lost
        self._framed = framed
        self.curious = curious
        self._live = 0
        self._written = 0
        self._taken = 0
        self._taken_at = 0.0

    def write(self, frames: Chunk, *, live: bool = True) -> None:
        if self._transport.is_closing():
            return
        data = frames.framed if self._framed else frames.plain
        self._transport.write(data)
        self._written += len(data)
        if live:
            self._live += len(data)
            if self._live > BUDGET:
                self._look()

    def _look(self) -> None:
        """Of what waits, the live frames are the last; to look at each write would take as long as the write."""
        self._live = min(self._live, self._transport.get_write_buffer_size())
        if self._live > BUDGET:
            self.cut()

    def stalled(self, now: float, patience: float) -> bool:
        """Something has been waiting for it for `patience` seconds, and it has taken nothing."""
        waiting = self._transport.get_write_buffer_size()
        taken = self._written - waiting
        if not waiting or taken > self._taken or not self._taken_at:
            self._taken, self._taken_at = taken, now
        return now - self._taken_at >= patience

    def cut(self) -> None:
        log.info("watcher_dropped", waiting=self._transport.get_write_buffer_size())
        self._transport.abort()

    def end(self, farewell: Chunk) -> None:
        self.write(farewell)
        if not self._transport.is_closing():
            if self._framed:
                self._transport.write(END)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it by position
        self._hub.leave(self)
        self._lost()
