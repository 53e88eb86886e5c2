"""Accepts connections within limits, and pauses for a moment when the process has no file descriptor left.

The servers of asyncio and uvloop accept without limit: one address could take every descriptor, and asyncio then logs
an error for each connection in the backlog (docs/decisions/connections.md).
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple, Self

import structlog

from chatr.adapters.http.access_errors import DENIED
from chatr.adapters.http.admission.client_address import ClientAddress
from chatr.adapters.http.error_catalogue import TOO_MANY_CONNECTIONS, HttpError, http_error
from chatr.adapters.http.errors import raw_error_response
from chatr.adapters.http.observation import Observation
from chatr.adapters.http.open_connections import ClientSocket, OpenConnections

ACCEPTS_PER_ITERATION: Final = 16
"""Connections accepted in one iteration of the event loop, so that a flood of them delays nobody."""
PAUSE: Final = 0.1
"""Seconds without accepting after an error, most likely because no descriptor is left."""
LOG_INTERVAL: Final = 60.0
"""Seconds between two log lines about such errors."""
REFUSAL_RETRY: Final = 10
"""Seconds of Retry-After for a connection over the limit. A guess: another one has to be closed first."""
DISCARDED_BYTES: Final = 64 * 1024
"""Bytes of a refused connection that are read first. Unread ones would reset it, and the client would see no error."""

logger = structlog.get_logger()


class Refusal(NamedTuple):
    """An error that is sent on a connection that nobody reads."""

    code: str
    response: bytes

    @classmethod
    def of(cls, error: HttpError) -> Self:
        """Return the refusal with this error."""
        return cls(error.code, raw_error_response(error, {"Connection": "close"}))


class Acceptor:
    """Accepts connections on `listening_sockets` and makes a protocol for each.

    `address_of` returns the address of a peer, or None for a trusted proxy. One that is denied is refused unread.
    """

    def __init__(
        self,
        listening_sockets: Sequence[socket.socket],
        connections: OpenConnections,
        address_of: Callable[[str], ClientAddress | None],
        make_protocol: Callable[[ClientSocket], asyncio.Protocol],
        *,
        per_address: int,
        observation: Observation | None = None,
    ) -> None:
        self._observation = observation
        self._listening_sockets = listening_sockets
        self._connections = connections
        self._address_of = address_of
        self._make_protocol = make_protocol
        # Rendered once: a flood of connections must not cost more than accepting them.
        self._denial = Refusal.of(http_error(DENIED))
        self._refusal = Refusal.of(http_error(TOO_MANY_CONNECTIONS, limit=per_address, retryAfter=REFUSAL_RETRY))
        self._opening: set[asyncio.Task[None]] = set()
        self._resume: asyncio.TimerHandle | None = None
        self._next_log = 0.0

    def start(self) -> None:
        """Accept from now on."""
        for each in self._listening_sockets:
            each.setblocking(False)
            asyncio.get_running_loop().add_reader(each, self._accept, each)

    def close(self) -> None:
        """Accept no more, and close the listening sockets."""
        if self._resume is not None:
            self._resume.cancel()
        for each in self._listening_sockets:
            if each.fileno() != -1:
                asyncio.get_running_loop().remove_reader(each)
            each.close()

    def _accept(self, listening_socket: socket.socket) -> None:
        for _ in range(ACCEPTS_PER_ITERATION):
            try:
                accepted, peer = listening_socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # EMFILE, ENFILE, ENOBUFS, ENOMEM; on Linux also errors of the network
                self._pause(error)
                return
            self._admit(accepted, peer[0])
            # The descriptor of a connection that was closed for this one is free in the next iteration only.
            if self._connections.is_full:
                return

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        """Open an accepted connection, or refuse it."""
        address = self._address_of(peer)
        counted = address.counted if address else None
        # Before it is counted, so that those who are denied take no connection from others.
        if address is not None and address.is_denied:
            self._refuse(accepted, peer, self._denial)
        elif self._connections.admit(counted):
            self._open(ClientSocket.take(accepted, self._connections, counted))
        else:
            self._refuse(accepted, peer, self._refusal)

    def _open(self, connection: ClientSocket) -> None:
        """Make the transport and the protocol of an accepted connection."""
        # A task, because the transport is ready one iteration later: awaited, only one connection would be accepted in
        # each. The set keeps it from being collected.
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._connect(loop, connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, loop: asyncio.AbstractEventLoop, connection: ClientSocket) -> None:
        try:
            await loop.connect_accepted_socket(partial(self._make_protocol, connection), connection)
        except OSError:  # the client has gone already
            connection.close()

    def _refuse(self, accepted: socket.socket, peer: str, refusal: Refusal) -> None:
        """Write the error straight to the socket, which costs less than a request, and close it."""
        if self._observation is not None:
            self._observation.connection_refused(refusal.code, peer)
        with suppress(OSError), accepted:
            accepted.setblocking(False)
            accepted.send(refusal.response)
            accepted.shutdown(socket.SHUT_WR)
            accepted.recv(DISCARDED_BYTES)

    def _pause(self, error: OSError) -> None:
        """Accept no more for a moment: a listening socket stays readable, and the loop would spin."""
        loop = asyncio.get_running_loop()
        for each in self._listening_sockets:
            loop.remove_reader(each)
        self._resume = loop.call_later(PAUSE, self.start)
        if loop.time() >= self._next_log:
            self._next_log = loop.time() + LOG_INTERVAL
            logger.error("cannot_accept", reason=str(error), open_connections=len(self._connections))
