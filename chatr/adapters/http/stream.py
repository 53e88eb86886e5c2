"""GET /api/stream: what was said, then what is said, without a gap between.

There are two ways in, for the same answer: `watch` serves whatever aiohttp has read, `watch_at_once` the request that
nearly everyone sends.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Final

from aiohttp import HttpVersion11, web
from attrs import field, frozen

from chatr.adapters.http import frames
from chatr.adapters.http.answers import WORN_BY_API, dress, head, named
from chatr.adapters.http.attendance import Attendance
from chatr.adapters.http.door import Door
from chatr.adapters.http.plain_request import PlainRequest
from chatr.adapters.http.refusals import Turned
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
CONSTANT: Final = head(200, {**HEADERS, "Transfer-Encoding": "chunked", **WORN_BY_API}).removesuffix(b"\r\n")
"""Of the head of an answer that aiohttp does not write."""
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

    async def watch(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        if request.method == "HEAD":
            return response
        release = self._door.reserve_stream(self._door.address(request))
        try:
            cursor = shown_cursor(request.headers, request.query)
            if self._ahead(cursor):
                await self._node.catch_up()
            dress(request, response)
            await response.prepare(request)
            # From here on nothing may be awaited: what is said meanwhile would be missed or doubled.
            backlog = b"".join(self._backlog(cursor, framed=request.version >= HttpVersion11))
            watcher = hand_over(request, self._hub, release)
        except BaseException:
            release()
            raise
        self._join(watcher, backlog)
        return response

    def watch_at_once(self, transport: asyncio.Transport, asked: PlainRequest) -> bool:
        """Make a watcher of a connection that aiohttp never saw, with head and backlog in one write.

        False where there is something to wait for or to refuse: nothing has happened then, and aiohttp's way does it.
        """
        cursor = shown_cursor(asked.headers, asked.query)
        if self._ahead(cursor) or transport.is_closing():
            return False
        try:
            release = self._door.admit_watcher(self._address(transport, asked))
        except Turned:
            return False
        try:
            answer = b"".join((opening(asked.headers), *self._backlog(cursor, framed=True)))
            watcher = Watcher(self._hub, transport, release, framed=True, curious=is_curious(asked.query))
            transport.set_protocol(watcher)
        except BaseException:
            release()
            raise
        self._join(watcher, answer)
        return True

    def _address(self, transport: asyncio.Transport, asked: PlainRequest) -> str:
        peer = transport.get_extra_info("peername")
        return self._door.address_of(peer[0] if peer else "", asked.headers.get("x-forwarded-for", ""))

    def _join(self, watcher: Watcher, backlog: bytes) -> None:
        if watcher.curious:
            self._attendance.begin()
        self._hub.join(watcher, backlog)

    def _ahead(self, cursor: Cursor | None) -> bool:
        """It may come from another node that is faster than this one."""
        return cursor is not None and cursor.position > self._node.room.position

    def _backlog(self, cursor: Cursor | None, *, framed: bool) -> tuple[bytes, ...]:
        """In pieces: the history is shared, and long enough to be copied only once."""
        room, now = self._node.room, self._clock.now()
        missed = room.history.since(cursor) if cursor else None
        said = self._newest.at(room, now) if missed is None else frames.missed(room, missed)
        reset = frames.reset(reason(cursor, room.position)) if cursor and missed is None else b""
        pieces = (frames.RETRY, reset, said, frames.stats(room, now))
        return chunked(*pieces) if framed else pieces


def shown_cursor(headers: Mapping[str, str], query: Mapping[str, str]) -> Cursor | None:
    """Where the client says it is; nonsense is nothing."""
    text = headers.get("last-event-id") or query.get("lastEventId", "")
    found = CURSOR.fullmatch(text)
    return Cursor(int(found[1]), found[2]) if found else None


def is_curious(query: Mapping[str, str]) -> bool:
    return query.get("presence") == "1"


def opening(asked: Mapping[str, str]) -> bytes:
    """The head of the answer, as aiohttp would write it."""
    name = named(asked.get("x-request-id", ""))
    return b"%bDate: %b\r\nX-Request-Id: %b\r\n\r\n" % (CONSTANT, date(int(time())), name.encode())


@lru_cache(1)
def date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


def reason(cursor: Cursor, position: int) -> str:
    return (
        "this id is not of this log"
        if cursor.position > position
        else "too much was missed, or this id is not of this log"
    )


def hand_over(request: web.BaseRequest, hub: Hub, lost: Callable[[], None]) -> Watcher:
    """Take the connection from aiohttp, whose handler would weigh five times as much as a watcher.

    aiohttp lets go of a connection that it believes lost; it must not find the transport then, or it would close it.
    """
    old, transport = request.protocol, request.transport
    if transport is None:
        raise ConnectionResetError("the watcher has left already")
    framed, curious = request.version >= HttpVersion11, is_curious(request.query)
    watcher = Watcher(hub, transport, lost, framed=framed, curious=curious)
    transport.set_protocol(watcher)
    old.transport = None
    old.connection_lost(None)
    transport.resume_reading()
    return watcher
