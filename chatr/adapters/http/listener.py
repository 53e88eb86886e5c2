"""Listening: connections are accepted before the log is opened, and served by the room once it is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from chatr import stop_budget
from chatr.adapters.http.acceptor import Acceptor
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.dispatch import Handler, web_server
from chatr.adapters.http.error_catalogue import HEAD_BYTES, MAX_HEADERS
from chatr.adapters.http.http_settings import HttpSettings
from chatr.adapters.http.observation import Observation, RequestMetrics
from chatr.adapters.http.open_connections import ClientSocket, OpenConnections
from chatr.adapters.http.starting_room import StartingRoom, WatchHandler
from chatr.adapters.http.stream.first_bytes import FirstBytesProtocol
from chatr.adapters.http.stream.idle_connections import IdleConnections
from chatr.adapters.http.stream.stream_request import StreamRequest
from chatr.adapters.listening_socket import is_loopback_listener, listen, url_of
from chatr.ports import Clock

LINE_BYTES: Final = HEAD_BYTES // 2
"""Largest request line, and largest single header. Their sum is checked by the connection and the dispatcher."""

logger = structlog.get_logger()

WatchFirstBytes = Callable[[asyncio.Transport, StreamRequest], bool]
"""Makes a watcher of a new connection, or returns False."""


@asynccontextmanager
async def listening(
    settings: HttpSettings, clock: Clock, metrics: RequestMetrics | None = None
) -> AsyncIterator["HttpListener"]:
    """Listen while the block runs, and count requests in `metrics`. Raises CannotListen."""
    listener = HttpListener(settings, clock, metrics)
    try:
        await listener.start()
        yield listener
    finally:
        await listener.close()


class HttpListener:
    """Accepts connections. Until `open` is called, `starting` answers their requests."""

    def __init__(self, settings: HttpSettings, clock: Clock, metrics: RequestMetrics | None = None) -> None:
        """Bind the address. Raises CannotListen."""
        sockets = listen(settings.host, settings.port)
        limits, timeouts = settings.limits, settings.timeouts
        self.url = url_of(sockets)
        self._is_loopback = is_loopback_listener(sockets)
        is_local = settings.public_url is None and self._is_loopback
        self.admission = Admission(clock, limits, settings.proxies, denied=settings.denied, is_local=is_local)
        self._observation = observation_for(settings, metrics, self.admission)
        self.starting = StartingRoom(self.admission, timeouts.start, is_read_only=settings.is_read_only)
        self._settings = settings
        self._watch: WatchFirstBytes | None = None
        self._server = web_server(self.starting.handle, settings.base_path)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=timeouts.shutdown + stop_budget.RESPONSES)
        answered = IdleConnections(settings.idle_timeout)
        self._idle_connections = IdleConnections(timeouts.first_byte, answered)
        # Simple alternative: use what _connection_factory returns as the protocol, and aiohttp reads every request.
        # Only the time-out for connections that send nothing would then be missing: aiohttp has none.
        self.connections = OpenConnections(limits.connections, limits.total_connections)
        self._acceptor = Acceptor(
            sockets,
            self.connections,
            self.admission.address_of_connection,
            partial(
                FirstBytesProtocol,
                self._idle_connections,
                self._watch_from_first_bytes,
                self._connection_factory(),
                base_path=settings.base_path,
                observation=self._observation,
            ),
            per_address=limits.connections,
            observation=self._observation,
        )

    async def start(self) -> None:
        """Accept connections from now on."""
        await self._runner.setup()
        self._acceptor.start()

    def announce(self) -> None:
        """Log the address, and warn if other machines reach it, but the documents will say localhost."""
        logger.info("listening", url=self.url)
        if self._settings.public_url is None and not self._is_loopback:
            logger.warning("no_public_url", documents_say=self.url, hint="set --public-url to the address for others")

    async def open(self, handler: Handler, watch: WatchHandler, watch_from_first_bytes: WatchFirstBytes) -> None:
        """Let the room serve all requests from now on, those on connections that are open already included."""
        self._server.request_handler = handler  # each new connection takes the handler from there
        self._watch = watch_from_first_bytes
        await self.starting.open(handler, watch)

    def stop_accepting(self) -> None:
        """Close the listening socket, connections on which nothing was sent, and streams that wait for the room."""
        self._acceptor.close()
        self._idle_connections.close()
        self.starting.close()

    async def close(self) -> None:
        """Accept no more, and end the requests. May be called twice."""
        self.stop_accepting()
        await self._runner.cleanup()

    def _watch_from_first_bytes(self, transport: asyncio.Transport, request: StreamRequest) -> bool:
        return self._watch is not None and self._watch(transport, request)

    def _connection_factory(self) -> Callable[[ClientSocket], Connection]:
        """Return what makes a connection that aiohttp serves."""
        timeouts = self._settings.timeouts
        return partial(
            Connection,
            self._server,
            head_timeout=timeouts.head,
            response_timeout=timeouts.response,
            observation=self._observation,
            keepalive_timeout=self._settings.idle_timeout,
            tcp_keepalive=False,  # inherited from the listening socket, which saves a system call for each connection
            lingering_time=timeouts.linger,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,  # compressed bodies are rejected before anything is unpacked
            access_log=None,
        )


def observation_for(settings: HttpSettings, metrics: RequestMetrics | None, admission: Admission) -> Observation | None:
    """Return what observes the requests; None, which costs nothing, if nobody wants to know of them."""
    if metrics is None and not settings.access_log and not settings.log_refusals:
        return None
    return Observation(
        metrics, admission.address_of_peer, access_log=settings.access_log, log_refusals=settings.log_refusals
    )
