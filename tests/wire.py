"""A connection without a network, and watchers at its end."""

import asyncio
from typing import Any

from attrs import define, field

from chatr.adapters.http.stream.chunks import encode_frames
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.watcher import Watcher


@define(eq=False)
class Wire(asyncio.Transport):
    """A transport whose other end takes nothing until `take` is called. It has no socket."""

    pieces: list[bytes] = field(factory=list)
    waiting: int = 0
    closed: bool = False
    aborted: bool = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Record what is written. Writing to a closing connection is an error, as it is for uvloop."""
        assert not self.is_closing()
        self.pieces.append(bytes(data))
        self.waiting += len(data)

    def take(self, count: int | None = None) -> None:
        """Let the other end take that many bytes, or all that wait."""
        self.waiting = 0 if count is None else max(0, self.waiting - count)

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 -- there is no socket and nothing else
        """Return the default."""
        return default

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that were not taken."""
        return self.waiting

    def is_closing(self) -> bool:
        """Return whether `close` or `abort` was called."""
        return self.closed or self.aborted

    def close(self) -> None:
        """Record that the connection was closed."""
        self.closed = True

    def abort(self) -> None:
        """Record that the connection was aborted."""
        self.aborted = True


def joined(
    hub: Hub, backlog: bytes = b"backlog", *, chunked: bool = False, wants_presence: bool = False
) -> tuple[Wire, Watcher]:
    """Let a new watcher join the hub; return its connection and the watcher."""
    wire = Wire()
    watcher = Watcher(hub, wire, lambda: None, chunked=chunked, wants_presence=wants_presence)
    hub.join(watcher, encode_frames(backlog).chunked if chunked else backlog)
    return wire, watcher


def publish_now(hub: Hub, *frames: bytes) -> None:
    """Write these frames to all watchers, in one piece."""
    hub.publish(frames)
    hub.flush()
