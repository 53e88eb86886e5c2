"""GET /api/stream: messages of the past, then live ones, without a gap between them.

`watch` serves requests that aiohttp has read, `watch_from_first_bytes` the plain ones that nearly every client sends.
Both send the same response. With aiohttp it costs twice as much CPU to accept a watcher, so `first_bytes.py` parses the
plain requests itself, before aiohttp sees the connection (docs/decisions/first-bytes.md).
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import HttpVersion11, web
from attrs import field, frozen

from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.error_catalogue import HttpError
from chatr.adapters.http.headers import add_default_headers
from chatr.adapters.http.response_cache import CachedValue
from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.chunks import http_chunk
from chatr.adapters.http.stream.connection_handover import hand_over
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.presence_feed import PresenceFeed
from chatr.adapters.http.stream.response_head import STREAM_HEADERS, stream_response_head
from chatr.adapters.http.stream.stream_request import StreamRequest
from chatr.adapters.http.stream.watcher import Watcher
from chatr.domain.events import Cursor
from chatr.node.node import Node
from chatr.ports import Clock

CURSOR: Final = re.compile("([0-9]{1,18})-([0-9a-f]{8})")
"""A frame's id: the position of a message and the fingerprint of its record."""


@frozen
class StreamHandlers:
    """Handlers of the stream. `_history` is the number of messages that a new watcher is sent."""

    _node: Node
    _hub: Hub
    _clock: Clock
    _admission: Admission
    _presence_feed: PresenceFeed
    _history: int
    _history_frame: CachedValue[bytes] = field(init=False)

    @_history_frame.default
    def _make_history_frame(self) -> CachedValue[bytes]:
        return CachedValue(lambda room: frames.history(room, self._history))

    async def watch(
        self, request: web.BaseRequest, response: web.StreamResponse | None = None, /
    ) -> web.StreamResponse:
        """Respond to a request that aiohttp has read, and make a watcher of its connection. Raises HttpError (429).

        `response` is one whose head was sent while the room started.
        """
        response = web.StreamResponse(headers=STREAM_HEADERS) if response is None else response
        if request.method == "HEAD":
            return response
        # Only a slot: dispatch.py has counted the request already.
        free_slot = self._admission.take_stream_slot(self._admission.client_address(request))
        try:
            cursor = requested_cursor(request.headers, request.query)
            if self._is_ahead(cursor):
                await self._node.follower.catch_up()
            add_default_headers(request, response)
            await response.prepare(request)
            # From here on nothing may be awaited: messages that arrive meanwhile would be missed or sent twice.
            backlog = b"".join(self._backlog(cursor, chunked=request.version >= HttpVersion11))
            watcher = hand_over(request, lambda transport: self._watcher_for(request, transport, free_slot))
        except BaseException:
            # The client may have disconnected, or the server may be closing: nothing else would free the slot.
            free_slot()
            raise
        self._join(watcher, backlog)
        return response

    def watch_from_first_bytes(self, transport: asyncio.Transport, request: StreamRequest) -> bool:
        """Make a watcher of a connection that aiohttp never saw, and write head and backlog.

        Returns False without any effect if the request has to wait or to be rejected: `watch` does that.
        """
        cursor = requested_cursor(request.headers, request.query)
        if self._is_ahead(cursor) or transport.is_closing():
            return False
        try:
            self._admission.check_host(request.headers)
            free_slot = self._admission.count_request_and_take_slot(self._client_address(transport, request))
        except HttpError:
            return False
        try:
            response = b"".join((stream_response_head(request.headers), *self._backlog(cursor, chunked=True)))
            watcher = Watcher(
                self._hub, transport, free_slot, chunked=True, wants_presence=wants_presence(request.query)
            )
            transport.set_protocol(watcher)
        except BaseException:
            free_slot()
            raise
        self._join(watcher, response)
        return True

    def _watcher_for(
        self, request: web.BaseRequest, transport: asyncio.Transport, free_slot: Callable[[], None]
    ) -> Watcher:
        # HTTP/1.0 has no chunked encoding. It is what nginx uses to upstream servers unless it is configured otherwise.
        chunked = request.version >= HttpVersion11
        return Watcher(self._hub, transport, free_slot, chunked=chunked, wants_presence=wants_presence(request.query))

    def _client_address(self, transport: asyncio.Transport, request: StreamRequest) -> str:
        peer = transport.get_extra_info("peername")
        return self._admission.address_of_peer(peer[0] if peer else "", request.headers.get("x-forwarded-for", ""))

    def _join(self, watcher: Watcher, backlog: bytes) -> None:
        if watcher.wants_presence:
            self._presence_feed.start()
        self._hub.join(watcher, backlog)

    def _is_ahead(self, cursor: Cursor | None) -> bool:
        """Return whether the cursor is beyond what this node has folded; another node may have folded more."""
        return cursor is not None and cursor.position > self._node.room.position

    def _backlog(self, cursor: Cursor | None, *, chunked: bool) -> tuple[bytes, ...]:
        """Return the frames with which the stream begins: those missed since `cursor`, or else the history."""
        # A tuple, not one bytes object: the cached history frame is long, and the join of the caller is its only copy.
        room, now = self._node.room, self._clock.now()
        missed = room.history.messages_since(cursor) if cursor else None
        messages = self._history_frame.of(room) if missed is None else frames.messages(room, missed)
        reset = frames.reset(reset_reason(cursor, room.position)) if cursor and missed is None else b""
        pieces = (frames.RETRY, reset, messages, frames.stats(room, now))
        return http_chunk(*pieces) if chunked else pieces


def requested_cursor(headers: Mapping[str, str], query: Mapping[str, str]) -> Cursor | None:
    """Return the cursor that the client resumes from, or None if the request has no cursor or a malformed one."""
    # The header takes precedence: browsers update it at each reconnect, while the id in a page's URL stays the old one.
    text = headers.get("last-event-id") or query.get("lastEventId", "")
    match = CURSOR.fullmatch(text)
    return Cursor(int(match[1]), match[2]) if match else None


def wants_presence(query: Mapping[str, str]) -> bool:
    """Return whether the client asked for presence frames."""
    return query.get("presence") == "1"


def reset_reason(cursor: Cursor, position: int) -> str:
    """Return why the stream cannot be resumed from `cursor` in a log that ends at `position`."""
    return (
        "this id is not of this log"
        if cursor.position > position
        else "too much was missed, or this id is not of this log"
    )
