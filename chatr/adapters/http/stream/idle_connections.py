"""Closing of connections on which no first byte arrives."""

import asyncio
from itertools import takewhile
from typing import Self


class IdleConnections:
    """New connections that have sent nothing. Each is closed `timeout` seconds after it was accepted.

    Those that were refused a stream are in `answered`, and closed after another time. aiohttp knows none of them: it
    closes idle connections only after their first request.
    """

    # The time-out is the same for all, so the oldest connection expires first, and one timer serves all of them.

    def __init__(self, timeout: float, answered: Self | None = None) -> None:
        self._timeout = timeout
        self._answered = answered
        self._deadlines: dict[asyncio.Transport, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, transport: asyncio.Transport) -> None:
        """Watch a new connection; abort it if the server is closing."""
        if self._closed:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._deadlines[transport] = loop.time() + self._timeout
        if self._timer is None:
            self._timer = loop.call_later(self._timeout, self._close_expired)

    def add_answered(self, transport: asyncio.Transport) -> None:
        """Watch a connection on which a request was answered."""
        (self._answered or self).add(transport)

    def discard(self, transport: asyncio.Transport) -> None:
        """Stop watching a connection, if it is watched."""
        self._deadlines.pop(transport, None)
        if self._answered is not None:
            self._answered.discard(transport)

    def close(self) -> None:
        """Close all connections. Those that asyncio has accepted but not reported yet are aborted in `add`."""
        self._closed = True
        for transport in list(self._deadlines):
            self._close_connection(transport)
        if self._timer is not None:
            self._timer.cancel()
        if self._answered is not None:
            self._answered.close()

    def _close_expired(self) -> None:
        """Close the connections that have expired, and set the timer for the next one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for transport, _ in list(takewhile(lambda item: item[1] <= now, self._deadlines.items())):
            self._close_connection(transport)
        next_deadline = next(iter(self._deadlines.values()), None)
        self._timer = None if next_deadline is None else loop.call_at(next_deadline, self._close_expired)

    def _close_connection(self, transport: asyncio.Transport) -> None:
        self.discard(transport)
        transport.close()
