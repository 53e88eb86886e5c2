"""A connection without a network, and watchers at its end."""

import asyncio
from typing import Any

from attrs import define, field

from chatr.hub import Hub
from chatr.watcher import Watcher, chunk


@define(eq=False)
class Wire(asyncio.Transport):
    """The other end takes nothing until it is told to."""

    pieces: list[bytes] = field(factory=list)
    waiting: int = 0
    closed: bool = False
    aborted: bool = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writing to a connection that is closing is an error, as it is for uvloop."""
        assert not self.is_closing()
        self.pieces.append(bytes(data))
        self.waiting += len(data)

    def take(self, most: int | None = None) -> None:
        self.waiting = 0 if most is None else max(0, self.waiting - most)

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 -- it has no socket, nor else
        return default

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


def joined(
    hub: Hub, backlog: bytes = b"backlog", *, framed: bool = False, curious: bool = False
) -> tuple[Wire, Watcher]:
    wire = Wire()
    watcher = Watcher(hub, wire, lambda: None, framed=framed, curious=curious)
    hub.join(watcher, chunk(backlog).framed if framed else backlog)
    return wire, watcher


def told(hub: Hub, *frames: bytes) -> None:
    """Everybody is written these frames, now and in one piece."""
    hub.publish(frames)
    hub.flush()
