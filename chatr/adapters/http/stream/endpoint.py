"""GET /api/stream: messages of the past, then live ones, without a gap between them.

`watch` serves requests that aiohttp has read, `watch_from_first_bytes` the plain ones that nearly every client sends.
Both send the same response. With aiohttp it costs twice as much CPU to accept a watcher, so `first_bytes.py` parses the
plain requests itself, before aiohttp sees the connection (docs/decisions/first-bytes.md).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiohttp import HttpVersion11, web
from attrs import field, frozen

from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.admission.client_address import peer_of
from chatr.adapters.http.admission.reading import ReadingAccess
from chatr.adapters.http.headers import add_default_headers, request_id_of
from chatr.adapters.http.observation import stream_end_logger
from chatr.adapters.http.response_cache import CachedValue
from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.backlog import Backlog
from chatr.adapters.http.stream.chunks import http_chunk
from chatr.adapters.http.stream.connection_handover import hand_over
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.lagging_watcher import CHANGES_IN_SLICE, CatchUp, LaggingWatcher
from chatr.adapters.http.stream.presence_feed import PresenceFeed
from chatr.adapters.http.stream.removed_feed import RemovedFeed, repeated
from chatr.adapters.http.stream.response_head import STREAM_HEADERS, stream_response_head
from chatr.adapters.http.stream.resume import (
    ResumePoint,
    Subscription,
    requested_cursor,
    requested_max_missed,
    resume_point,
    subscription_for,
)
from chatr.adapters.http.stream.slice_turns import SliceTurns
from chatr.adapters.http.stream.stream_request import StreamRequest
from chatr.adapters.http.stream.watcher import Watcher
from chatr.domain.events import Cursor
from chatr.node.node import Node
from chatr.ports import Clock, LogUnavailable

MAX_FIRST_BYTES: Final = 64 * 1024
"""Bytes of missed messages that are written at once, with the response head. A watcher that missed more is behind."""
HISTORY_TIMEOUT: Final = 2.0
"""Seconds for reading the newest messages, where a thousand newer ones were removed."""


@frozen
class StreamHandlers:
    """Handlers of the stream. `_history` is the number of messages that a new watcher is sent.

    With `_logs_ends` the end of each stream is logged.
    """

    _node: Node
    _hub: Hub
    _clock: Clock
    _admission: Admission
    _presence_feed: PresenceFeed
    _history: int
    _removed_feed: RemovedFeed
    _reading: ReadingAccess
    _logs_ends: bool
    _history_frame: CachedValue[bytes] = field(init=False)
    _catch_up: CatchUp = field(init=False)

    @_catch_up.default
    def _make_catch_up(self) -> CatchUp:
        return CatchUp(self._hub, Backlog(self._node), SliceTurns(), self._removed_feed)

    @_history_frame.default
    def _make_history_frame(self) -> CachedValue[bytes]:
        # At least one message, even if none is to be sent: the id of the frame is that of the newest one.
        count = max(self._history, 1)
        return CachedValue(
            lambda room: frames.history(room, self._node.newest.at_hand(count), self._history),
            lambda room: (room.position, self._node.newest.are_at_hand(count)),
        )

    def forget_texts(self) -> None:
        """Forget cached frames, because texts were erased."""
        self._history_frame.forget()
        self._catch_up.backlog.forget()

    async def watch(
        self, request: web.BaseRequest, response: web.StreamResponse | None = None, /
    ) -> web.StreamResponse:
        """Respond to a request that aiohttp has read, and make a watcher of its connection.

        Raises HttpError (403, 429), and RuleViolated for a wrong key in a private room.

        `response` is one whose head was sent while the room started.
        """
        response = web.StreamResponse(headers=STREAM_HEADERS) if response is None else response
        if request.method == "HEAD":
            return response
        # Only a slot: dispatch.py has counted the request already.
        address = self._admission.client_address(request)
        free_slot = self._admission.take_stream_slot(address)
        try:
            cursor = requested_cursor(request.headers, request.query)
            if self._is_ahead(cursor):
                await self._node.follower.catch_up()
            await self._load_history()
            # Checked again, because the room may have become private while this request waited.
            reader = await self._reading.reader_of(request)
            add_default_headers(request, response)
            await response.prepare(request)
            # From here on nothing may be awaited: messages that arrive meanwhile would be missed or sent twice.
            # HTTP/1.0 has no chunked encoding. nginx uses it to upstream servers unless it is configured otherwise.
            chunked = request.version >= HttpVersion11
            log_end = self._end_logger(request_id_of(request), address)
            subscription = subscription_for(request.query, free_slot, chunked=chunked, reader=reader, log_end=log_end)
            first = self._first_frames(cursor, requested_max_missed(request.query), subscription)
            watcher = hand_over(request, lambda transport: self._watcher_for(transport, subscription, first))
        except BaseException:
            # The client may have disconnected, or the server may be closing: nothing else would free the slot.
            free_slot()
            raise
        self._join(watcher, b"", first)
        return response

    def watch_from_first_bytes(self, transport: asyncio.Transport, request: StreamRequest) -> bool:
        """Make a watcher of a connection that aiohttp never saw, and write head and backlog.

        Returns False without any effect if the request has to wait: `watch` does that. Raises HttpError (403, 429).
        """
        # Checking a key may have to wait for the log, which cannot be done here: `watch` does it.
        if self._reading.needs_key:
            return False
        client = (peer_of(transport), request.headers.get("x-forwarded-for", ""))
        self._admission.check_address(*client)
        cursor = requested_cursor(request.headers, request.query)
        if self._is_ahead(cursor) or not self._has_history() or transport.is_closing():
            return False
        self._admission.check_host(request.headers)
        address = self._admission.address_of_peer(*client)
        self._admission.count_request(address)
        free_slot = self._admission.take_stream_slot(address)
        try:
            head = stream_response_head(request.request_id)
            log_end = self._end_logger(request.request_id, address)
            subscription = subscription_for(request.query, free_slot, chunked=True, log_end=log_end)
            first = self._first_frames(cursor, requested_max_missed(request.query), subscription)
            watcher = self._watcher_for(transport, subscription, first)
            transport.set_protocol(watcher)
        except BaseException:
            free_slot()
            raise
        self._join(watcher, head, first)
        return True

    def _end_logger(self, request_id: str, address: str) -> Callable[[str], None] | None:
        return stream_end_logger(request_id, address) if self._logs_ends else None

    def _is_ahead(self, cursor: Cursor | None) -> bool:
        """Return whether the cursor is beyond what this node has folded; another node may have folded more."""
        return cursor is not None and cursor.position > self._node.room.position

    def _has_history(self) -> bool:
        return self._node.newest.are_at_hand(max(self._history, 1))

    async def _load_history(self) -> None:
        """Read the newest messages if all that are in memory are hidden. If the log is unavailable, fewer are sent."""
        with suppress(LogUnavailable, TimeoutError):
            async with asyncio.timeout(HISTORY_TIMEOUT):
                await self._node.newest.load(max(self._history, 1))

    def _first_frames(
        self, cursor: Cursor | None, max_missed: int | None, subscription: Subscription
    ) -> tuple[bytes, ...] | ResumePoint:
        """Return the frames with which the stream begins, or where a watcher that is behind begins to read."""
        point = resume_point(self._node.room, cursor, max_missed) if cursor else None
        if not isinstance(point, ResumePoint):
            return self._history_frames(point)
        # With the message of the cursor itself, whose frame shows whether it is the same one.
        known = self._catch_up.backlog.frames_to_end(point.next_message - 1, MAX_FIRST_BYTES)
        changes = (
            self._removed_feed.changes_from(point.next_change, CHANGES_IN_SLICE) if subscription.wants_removed else ()
        )
        if known is None or len(changes) == CHANGES_IN_SLICE:
            return point
        if not known[0].startswith(point.id_line):
            return self._history_frames("this id is not of this log")
        missed = filter(frames.is_frame, known[1:])
        return (*repeated(changes, point.cursor.position), *missed, self._stats())

    def _history_frames(self, reset_reason: str | None) -> tuple[bytes, ...]:
        """Return the newest messages and the totals, after a reset if there is a reason for one."""
        # A tuple, not one bytes object: the cached history frame is long, and the join of the caller is its only copy.
        history = self._history_frame.of(self._node.room)
        return (frames.reset(reset_reason) if reset_reason else b"", history, self._stats())

    def _stats(self) -> bytes:
        return frames.stats(self._node.room, self._clock.now())

    def _watcher_for(
        self, transport: asyncio.Transport, subscription: Subscription, first: tuple[bytes, ...] | ResumePoint
    ) -> Watcher | LaggingWatcher:
        if not isinstance(first, ResumePoint):
            return self._live_watcher(transport, subscription)
        return LaggingWatcher(
            self._catch_up,
            transport,
            first,
            subscription,
            lambda reset_reason: self._go_live(transport, subscription, reset_reason),
        )

    def _live_watcher(self, transport: asyncio.Transport, subscription: Subscription) -> Watcher:
        return Watcher(
            self._hub,
            transport,
            subscription.free_slot,
            chunked=subscription.chunked,
            wants_presence=subscription.wants_presence,
            wants_removed=subscription.wants_removed,
            reader=subscription.reader,
            log_end=subscription.log_end,
        )

    def _join(self, watcher: Watcher | LaggingWatcher, head: bytes, first: tuple[bytes, ...] | ResumePoint) -> None:
        """Write the response head and the beginning of the stream, with `retry:` as its first line."""
        if isinstance(watcher, LaggingWatcher):
            self._hub.follow(watcher)
            watcher.start(head, frames.RETRY)
        else:
            assert not isinstance(first, ResumePoint)
            self._join_live(watcher, head, (frames.RETRY, *first))

    def _go_live(self, transport: asyncio.Transport, subscription: Subscription, reset_reason: str | None) -> None:
        """Make a live watcher of one that has caught up, or that cannot resume."""
        watcher = self._live_watcher(transport, subscription)
        transport.set_protocol(watcher)
        self._join_live(watcher, b"", self._history_frames(reset_reason) if reset_reason else (self._stats(),))

    def _join_live(self, watcher: Watcher, head: bytes, pieces: tuple[bytes, ...]) -> None:
        if watcher.wants_presence:
            self._presence_feed.start()
        self._hub.join(watcher, b"".join((head, *(http_chunk(*pieces) if watcher.chunked else pieces))))
