"""GET /api/stream: what was said, then what is said, without a gap between."""

import re
from collections.abc import Callable
from typing import Final

from aiohttp import HttpVersion11, web
from attrs import field, frozen

from chatr.adapters.http import frames
from chatr.adapters.http.attendance import Attendance
from chatr.adapters.http.door import Door
from chatr.adapters.http.shared import Shared
from chatr.domain.events import Cursor
from chatr.hub import Hub
from chatr.node import Node
from chatr.ports import Clock
from chatr.watcher import Watcher, chunked

HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
CURSOR: Final = re.compile("([0-9]{1,18})-([0-9a-f]{8})")


@frozen
class Stream:
    _node: Node
    _hub: Hub
    _clock: Clock
    _door: Door
    _attendance: Attendance
    _history: int
    _newest: Shared[bytes] = field(init=False)

    @_newest.default
    def _keep_newest(self) -> Shared[bytes]:
        return Shared(lambda room, _now: frames.history(room, self._history))

    async def watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        if request.method == "HEAD":
            return response
        release = self._door.reserve_stream(self._door.address(request))
        try:
            cursor = await self._judgeable(shown_cursor(request))
            await response.prepare(request)
            # From here on nothing may be awaited: what is said meanwhile would be missed or doubled.
            backlog = b"".join(self._backlog(cursor, framed=request.version >= HttpVersion11))
            watcher = hand_over(request, self._hub, release)
        except BaseException:
            release()
            raise
        if watcher.curious:
            self._attendance.begin()
        self._hub.join(watcher, backlog)
        return response

    async def _judgeable(self, cursor: Cursor | None) -> Cursor | None:
        """A cursor ahead of this node may come from another one that is faster."""
        if cursor is not None and cursor.position > self._node.room.position:
            await self._node.catch_up()
        return cursor

    def _backlog(self, cursor: Cursor | None, *, framed: bool) -> tuple[bytes, ...]:
        """In pieces: the history is shared, and long enough to be copied only once."""
        room, now = self._node.room, self._clock.now()
        missed = room.history.since(cursor) if cursor else None
        said = self._newest.at(room, now) if missed is None else frames.missed(room, missed)
        reset = frames.reset(reason(cursor, room.position)) if cursor and missed is None else b""
        pieces = (frames.RETRY, reset, said, frames.stats(room, now))
        return chunked(*pieces) if framed else pieces


def shown_cursor(request: web.Request) -> Cursor | None:
    """Where the client says it is; nonsense is nothing."""
    text = request.headers.get("Last-Event-ID") or request.query.get("lastEventId", "")
    found = CURSOR.fullmatch(text)
    return Cursor(int(found[1]), found[2]) if found else None


def reason(cursor: Cursor, position: int) -> str:
    return (
        "this id is not of this log"
        if cursor.position > position
        else "too much was missed, or this id is not of this log"
    )


def hand_over(request: web.Request, hub: Hub, lost: Callable[[], None]) -> Watcher:
    """Take the connection from aiohttp, whose handler would weigh five times as much as a watcher.

    aiohttp lets go of a connection that it believes lost; it must not find the transport then, or it would close it.
    """
    old, transport = request.protocol, request.transport
    if transport is None:
        raise ConnectionResetError("the watcher has left already")
    curious = request.query.get("presence") == "1"
    watcher = Watcher(hub, transport, lost, framed=request.version >= HttpVersion11, curious=curious)
    transport.set_protocol(watcher)
    old.transport = None
    old.connection_lost(None)
    transport.resume_reading()
    return watcher
