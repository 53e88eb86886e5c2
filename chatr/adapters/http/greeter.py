"""The first to hear a connection. A plain request for the stream makes a watcher of it; all else is aiohttp's."""

import asyncio
from collections.abc import Callable
from itertools import takewhile
from typing import cast

import structlog

from chatr.adapters.http.plain_request import PlainRequest, plain_request

log = structlog.get_logger()


class Silent:
    """Connections that have said nothing yet: when they have been silent for so many seconds, they are hung up on.

    Everyone is given the same time, so the first to come is the first to go, and one timer does for all.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._until: dict[asyncio.Transport, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, transport: asyncio.Transport) -> None:
        if self._closed:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._until[transport] = loop.time() + self._patience
        if self._timer is None:
            self._timer = loop.call_later(self._patience, self._look)

    def discard(self, transport: asyncio.Transport) -> None:
        self._until.pop(transport, None)

    def _look(self) -> None:
        """Hang up on those whose time is over; look again when that of the next one is."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for transport, _ in list(takewhile(lambda each: each[1] <= now, self._until.items())):
            self._hang_up(transport)
        following = next(iter(self._until.values()), None)
        self._timer = None if following is None else loop.call_at(following, self._look)

    def _hang_up(self, transport: asyncio.Transport) -> None:
        self.discard(transport)
        transport.close()

    def close(self) -> None:
        """Hang up on all, and on whoever was accepted and has yet to arrive."""
        self._closed = True
        for transport in list(self._until):
            self._hang_up(transport)
        if self._timer is not None:
            self._timer.cancel()


class Greeter(asyncio.Protocol):
    """Hears the first bytes of one connection, and hands it over with them.

    `watch` makes a watcher of it, or leaves it as it is; `others` makes what serves it then.
    """

    __slots__ = ("_others", "_silent", "_transport", "_watch")

    _transport: asyncio.Transport

    def __init__(
        self,
        silent: Silent,
        watch: Callable[[asyncio.Transport, PlainRequest], bool],
        others: Callable[[], asyncio.Protocol],
    ) -> None:
        self._silent = silent
        self._watch = watch
        self._others = others

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by their class
        self._silent.add(self._transport)

    def data_received(self, data: bytes) -> None:
        self._silent.discard(self._transport)
        asked = plain_request(data)
        if asked is None or not self._becomes_watcher(asked):
            self._hand_on(data)

    def _becomes_watcher(self, asked: PlainRequest) -> bool:
        """After a mistake of ours the connection ends: watchers come back then, which they do not from an answer that
        is none. What it had of the room goes as it does when any connection is lost.
        """
        try:
            return self._watch(self._transport, asked)
        except Exception:
            log.exception("watcher_failed")
            self._transport.abort()
            return True

    def _hand_on(self, data: bytes) -> None:
        """As if nobody had been here before."""
        serving = self._others()
        self._transport.set_protocol(serving)
        serving.connection_made(self._transport)
        serving.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it by position
        self._silent.discard(self._transport)
