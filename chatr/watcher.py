"""One watcher: whatever its socket does not take waits there, so far and no further."""

import asyncio
import os
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from attrs import frozen

BUDGET: Final = 1024 * 1024
"""Bytes of live frames that may wait for one watcher."""
NO_FILE: Final = -1
"""The kernel takes nothing for it: that of a connection which ended, or of a test's, which has none."""
END: Final = b"0\r\n\r\n"

log = structlog.get_logger()


@frozen
class Chunk:
    """Bytes of the stream, plain for HTTP/1.0 and framed as a chunk for HTTP/1.1."""

    plain: bytes
    framed: bytes


def chunk(plain: bytes) -> Chunk:
    return Chunk(plain, b"".join(chunked(plain)))


def chunked(*pieces: bytes) -> tuple[bytes, ...]:
    """These pieces as one chunk of HTTP/1.1."""
    return (b"%x\r\n" % sum(map(len, pieces)), *pieces, b"\r\n")


def sent_straight(file: int, data: bytes) -> int:
    """How much the kernel took. Whatever is wrong with the connection, its transport finds out for itself."""
    try:
        return os.write(file, data)
    except OSError:
        return 0


class Audience(Protocol):
    """What a watcher is part of."""

    def leave(self, watcher: "Watcher") -> None: ...


class Watcher(asyncio.Protocol):
    """The receiving end of one stream. Its request is over: whatever still arrives is ignored. A `curious` one is told
    what is said aside, too.
    """

    __slots__ = (
        "_behind",
        "_file",
        "_framed",
        "_handed",
        "_hub",
        "_live",
        "_lost",
        "_taken",
        "_taken_at",
        "_transport",
        "curious",
    )

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
        socket = transport.get_extra_info("socket")
        self._file = socket.fileno() if socket else NO_FILE
        self._behind = transport.get_write_buffer_size() > 0
        self._live = 0
        self._handed = 0
        self._taken = 0
        self._taken_at = 0.0

    def begin(self, backlog: bytes) -> None:
        """Write what the watcher asked for, as it goes over the wire: it does not count as live."""
        sent = 0 if self._behind else sent_straight(self._file, backlog)
        if sent < len(backlog):
            self._hand(backlog[sent:], live=False)

    def write(self, frames: Chunk) -> None:
        """Straight to the kernel while nothing waits, and why that is safe: docs/decisions/fan-out.md."""
        data = frames.framed if self._framed else frames.plain
        if self._behind:
            self._behind = self._transport.get_write_buffer_size() > 0
        sent = 0 if self._behind else sent_straight(self._file, data)
        if sent < len(data):
            self._hand(data[sent:], live=True)

    def _hand(self, data: bytes, *, live: bool) -> None:
        """The transport keeps what the kernel did not take."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        self._behind = True
        self._handed += len(data)
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
        taken = self._handed - waiting
        if not waiting or taken > self._taken or not self._taken_at:
            self._taken, self._taken_at = taken, now
        return now - self._taken_at >= patience

    def cut(self) -> None:
        log.info("watcher_dropped", waiting=self._transport.get_write_buffer_size())
        self._file = NO_FILE
        self._transport.abort()

    def end(self, farewell: Chunk) -> None:
        self.write(farewell)
        if not self._transport.is_closing():
            if self._framed:
                self._transport.write(END)
            self._file = NO_FILE
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it by position
        self._file = NO_FILE
        self._hub.leave(self)
        self._lost()
