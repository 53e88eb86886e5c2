"""A watcher that is behind: it reads the log at its own speed, and becomes a live watcher once it has caught up.

It takes a slice of shared frames only when its socket has accepted the one before. So it holds one slice at most,
however much it has missed and however slowly its client reads (docs/decisions/behind.md).
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from attrs import frozen

from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.backlog import Backlog
from chatr.adapters.http.stream.chunks import LAST_CHUNK, EncodedFrames, encode_frames
from chatr.adapters.http.stream.evictions import CLIENT_LEFT, SERVER_STOPPED
from chatr.adapters.http.stream.removed_feed import RemovedFeed, repeated
from chatr.adapters.http.stream.resume import ResumePoint, Subscription
from chatr.adapters.http.stream.slice_turns import SliceTurns
from chatr.adapters.http.stream.socket_write import NO_DESCRIPTOR, descriptor_of, write_to_socket
from chatr.adapters.listening_socket import SEND_BUFFER
from chatr.domain.removals import VisibilityChange

SLICE_BYTES: Final = 16 * 1024
"""Bytes of frames in a slice, unless a single frame is longer."""
CHANGES_IN_SLICE: Final = 150
"""Removals and restorations in a slice: about as many bytes."""
# The kernel allows twice as much: 5,000 watchers that read nothing hold 170 MB in it, and 1.3 GB with SEND_BUFFER.
LAGGING_SEND_BUFFER: Final = 16 * 1024
"""Bytes that the kernel holds for a watcher that is behind."""


class LaggingRegistry(Protocol):
    """What is notified when a watcher is no longer behind, or gone. The hub implements it."""

    def leave(self, watcher: "LaggingWatcher") -> None:
        """Forget the watcher."""


@frozen
class CatchUp:
    """What all watchers that are behind share."""

    hub: LaggingRegistry
    backlog: Backlog
    turns: SliceTurns
    removed_feed: RemovedFeed


class LaggingWatcher(asyncio.Protocol):
    """The protocol of a connection whose client has missed messages. Whatever the client still sends is ignored.

    `go_live` is called once it has caught up: it must hand the connection over, without awaiting anything. It gets the
    reason if the stream cannot be resumed after all, else None.
    """

    __slots__ = (
        "_catch_up",
        "_cursor_message",
        "_descriptor",
        "_end_reason",
        "_expected_id_line",
        "_go_live",
        "_is_loading",
        "_next",
        "_next_change",
        "_room",
        "_subscription",
        "_transport",
        "_waiting_bytes",
        "_waiting_since",
        "_written_at",
    )

    def __init__(
        self,
        catch_up: CatchUp,
        transport: asyncio.Transport,
        point: ResumePoint,
        subscription: Subscription,
        go_live: Callable[[str | None], None],
    ) -> None:
        self._catch_up = catch_up
        self._transport = transport
        self._cursor_message = point.next_message - 1
        self._next = catch_up.backlog.next_shown(point.next_message)
        self._next_change = point.next_change
        self._room = catch_up.backlog.room
        # The id line that the frame of `_cursor_message` must begin with; None once that is verified.
        self._expected_id_line: bytes | None = point.id_line
        self._subscription = subscription
        self._go_live = go_live
        self._descriptor = descriptor_of(transport)
        self._end_reason = CLIENT_LEFT
        self._is_loading = False
        self._waiting_bytes = 0
        self._waiting_since = self._written_at = asyncio.get_running_loop().time()

    @property
    def reader(self) -> str | None:
        """The digest of the key with which it reads a private room."""
        return self._subscription.reader

    def start(self, response_head: bytes, first_line: bytes) -> None:
        """Write the response head, if it was not written yet, and the beginning of the body; slices follow."""
        set_send_buffer(self._transport, LAGGING_SEND_BUFFER)
        # `resume_writing` is then called exactly when the transport holds nothing.
        self._transport.set_write_buffer_limits(high=0)
        self._write_raw(response_head + self._encoded(encode_frames(first_line)))
        self._request_turn()

    def resume_writing(self) -> None:
        """Take the next slice in turn: the socket has accepted everything."""
        self._request_turn()

    def block_loaded(self) -> None:
        """Take the next slice before others: the cache is small and may soon discard the block."""
        self._is_loading = False
        self._catch_up.turns.request(self, first=True)

    def write_slice(self) -> None:
        """Write the next frames, and hand the connection over after the last ones."""
        if self._is_loading or self._transport.is_closing() or self._transport.get_write_buffer_size():
            return
        # The log was replaced: in the new room other messages have these indices. The hub drops this watcher soon.
        if self._room is not self._catch_up.backlog.room:
            return
        if self._expected_id_line is None and (changes := self._missed_changes()):
            self._next_change += len(changes)
            self._write_frames(repeated(changes, self._catch_up.backlog.position_before(self._next)))
            return
        found = self._catch_up.backlog.frames_from(self._wanted)
        if found is None:
            self._is_loading = True
            self._catch_up.backlog.load(self._wanted, self)
        elif self._expected_id_line is None:
            found = first_slice(found)
            self._next = self._catch_up.backlog.next_shown(self._next + len(found))
            self._write_frames(list(filter(frames.is_frame, found)))
        elif found[0].startswith(self._expected_id_line):
            self._expected_id_line = None
            self.write_slice()
        else:
            self._finish("this id is not of this log")

    @property
    def _wanted(self) -> int:
        """The message that is read next: first that of the cursor itself."""
        return self._next if self._expected_id_line is None else self._cursor_message

    def _missed_changes(self) -> Sequence[VisibilityChange]:
        """Return the next removals and restorations for a client that wants to know of them."""
        if not self._subscription.wants_removed:
            return ()
        return self._catch_up.removed_feed.changes_from(self._next_change, CHANGES_IN_SLICE)

    def _write_frames(self, written: Sequence[bytes]) -> None:
        # All messages of a block may be hidden, and an empty chunk would end the body.
        if written:
            self._write_raw(self._encoded(encode_frames(b"".join(written))))
        if self._next == self._catch_up.backlog.end and not self._missed_changes():
            # Now, not at its next turn: by then there may be newer messages, again and again. Live frames are written
            # after this slice.
            self._finish(None)
        else:
            self._request_turn()

    def _write_raw(self, data: bytes) -> None:
        self._written_at = asyncio.get_running_loop().time()
        waiting = self._transport.get_write_buffer_size()
        if not waiting:
            # The client took everything. If as much waits again, `is_stalled` must not take it for the old bytes.
            self._waiting_bytes = 0
        sent = 0 if waiting else write_to_socket(self._descriptor, data)
        if sent < len(data) and not self._transport.is_closing():
            self._transport.write(data[sent:])

    def _request_turn(self) -> None:
        # Otherwise `resume_writing` requests the turn later.
        if not self._transport.get_write_buffer_size():
            self._catch_up.turns.request(self)

    def _encoded(self, frames: EncodedFrames) -> bytes:
        return frames.chunked if self._subscription.chunked else frames.plain

    def _finish(self, reset_reason: str | None) -> None:
        self._catch_up.hub.leave(self)
        self._transport.set_write_buffer_limits()
        set_send_buffer(self._transport, SEND_BUFFER)
        self._go_live(reset_reason)

    def keep_alive(self, now: float, interval: float, comment: EncodedFrames) -> None:
        """Write a comment if nothing was written for so many seconds, as while the log is unavailable."""
        if now - self._written_at >= interval and not self._transport.get_write_buffer_size():
            self._write_raw(self._encoded(comment))

    def is_stalled(self, now: float, timeout: float) -> bool:
        """Return whether bytes have been waiting for `timeout` seconds and the client has taken none of them."""
        waiting = self._transport.get_write_buffer_size()
        # While bytes wait, none are added. So their number changes only when the client reads some.
        if not waiting or waiting != self._waiting_bytes:
            self._waiting_bytes, self._waiting_since = waiting, now
        return now - self._waiting_since >= timeout

    def abort(self, reason: str) -> None:
        """Abort the connection for this reason, and discard the bytes that wait."""
        self._end_reason = reason
        self._stop()
        self._transport.abort()

    def end(self, last_frames: EncodedFrames) -> None:
        """Write the last frames after the current slice, and the end of the body."""
        self._end_reason = SERVER_STOPPED
        if not self._transport.is_closing():
            self._write_raw(self._encoded(last_frames) + LAST_CHUNK * self._subscription.chunked)
            self._stop()
            self._transport.close()

    def _stop(self) -> None:
        self._descriptor = NO_DESCRIPTOR
        if self._is_loading:
            self._is_loading = False
            self._catch_up.backlog.cancel(self._wanted, self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it by position
        """Leave the hub, and free the slot."""
        self._stop()
        self._catch_up.hub.leave(self)
        self._subscription.free_slot()
        if self._subscription.log_end is not None:
            self._subscription.log_end(self._end_reason)


def first_slice(frames: Sequence[bytes]) -> Sequence[bytes]:
    """Return the first frames: at least one, and no more than fit into SLICE_BYTES."""
    size = 0
    for index, frame in enumerate(frames):
        size += len(frame)
        if size > SLICE_BYTES:
            return frames[: max(index, 1)]
    return frames


def set_send_buffer(transport: asyncio.Transport, size: int) -> None:
    """Let the kernel hold so many bytes for this connection, if it has this option."""
    with suppress(OSError):  # macOS has it no longer once the client has gone
        if connection := transport.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
