"""The first protocol of every connection: a plain request for the stream becomes a watcher without aiohttp.

aiohttp's handler, parser, task, request and response were more than half of what it cost to accept a watcher
(docs/decisions/first-bytes.md). The simple alternative: let aiohttp read all requests; `server.py` says how.
Measured gain: half the CPU of an accepted watcher (docs/decisions/measured-tricks.md).
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import cast

import structlog

from chatr.adapters.http.admission.client_address import peer_of
from chatr.adapters.http.error_catalogue import HttpError
from chatr.adapters.http.errors import error_bytes
from chatr.adapters.http.observation import Answer, Observation
from chatr.adapters.http.open_connections import ClientSocket
from chatr.adapters.http.routes import STREAM
from chatr.adapters.http.stream.idle_connections import IdleConnections
from chatr.adapters.http.stream.stream_request import StreamRequest, parse_stream_request

log = structlog.get_logger()


class FirstBytesProtocol(asyncio.Protocol):
    """Waits for the first bytes of a connection, and hands the connection on with them.

    `watch` makes a watcher of the connection and returns True, raises HttpError to refuse it, or changes nothing and
    returns False. In that case, and for every other request, `make_connection` makes the protocol that serves it.
    `client` is the connection's socket. The path of a request may begin with `base_path`.
    """

    __slots__ = (
        "_base_path",
        "_client",
        "_idle_connections",
        "_make_connection",
        "_observation",
        "_transport",
        "_watch",
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        idle_connections: IdleConnections,
        watch: Callable[[asyncio.Transport, StreamRequest], bool],
        make_connection: Callable[[ClientSocket], asyncio.Protocol],
        client: ClientSocket,
        *,
        base_path: str = "",
        observation: Observation | None = None,
    ) -> None:
        self._observation = observation
        self._idle_connections = idle_connections
        self._watch = watch
        self._make_connection = make_connection
        self._client = client
        self._base_path = base_path

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass of it
        self._client.mark_idle(self._transport)
        self._idle_connections.add(self._transport)

    def data_received(self, data: bytes) -> None:
        """Hand the connection on."""
        self._idle_connections.discard(self._transport)
        request = parse_stream_request(data, self._base_path)
        if request is None or not self._became_watcher(request):
            self._hand_on(data)

    def _became_watcher(self, request: StreamRequest) -> bool:
        began = perf_counter()
        try:
            if became_watcher := self._watch(self._transport, request):
                self._client.mark_busy()
                self._observe(request, began, 200)
        except HttpError as error:
            self._observe(request, began, error.status, error.code)
            self._refuse(request, error)
            return True
        except Exception:
            # EventSource reconnects after a lost connection, but not after an error response.
            log.exception("watcher_failed")
            self._transport.abort()
            return True
        else:
            return became_watcher

    def _observe(self, request: StreamRequest, began: float, status: int, code: str | None = None) -> None:
        if self._observation is not None:
            path, seconds, peer = STREAM.path, perf_counter() - began, peer_of(self._transport)
            answer = Answer("GET", path, path, status, code, seconds, 0, request.request_id, peer)
            self._observation.stream_answered(answer, request.headers.get("x-forwarded-for", ""))

    def _refuse(self, request: StreamRequest, error: HttpError) -> None:
        """Write an error response, and wait for the next request as long as after any other response."""
        if self._transport.get_write_buffer_size():
            # The client takes no responses. Further ones would only fill the memory.
            self._transport.abort()
            return
        accept = request.headers.get("accept", "")
        self._transport.write(error_bytes(error, request.request_id, self._base_path, accept=accept))
        self._client.mark_idle(self._transport)
        self._idle_connections.add_answered(self._transport)

    def _hand_on(self, data: bytes) -> None:
        """Let another protocol serve the connection, as if it had done so from the beginning."""
        connection = self._make_connection(self._client)
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        connection.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio passes it by position
        """Stop waiting."""
        self._idle_connections.discard(self._transport)
