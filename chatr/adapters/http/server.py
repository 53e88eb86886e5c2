"""The web server: it listens, connects the handlers with the node, and runs the background ticks of the stream."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from aiohttp import web
from attrs import field, frozen

from chatr.adapters.http.acceptor import Acceptor
from chatr.adapters.http.admission.admission import Admission, NodeLimits
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.dispatch import web_server
from chatr.adapters.http.endpoints.agents import AgentHandlers
from chatr.adapters.http.endpoints.documents import DocumentHandlers
from chatr.adapters.http.endpoints.health import HealthHandlers
from chatr.adapters.http.endpoints.log_head import LogHandlers
from chatr.adapters.http.endpoints.messages import MessageHandlers
from chatr.adapters.http.endpoints.registration import RegistrationHandlers
from chatr.adapters.http.endpoints.room_at import TIME_LIMIT, RoomAtHandlers
from chatr.adapters.http.endpoints.verification import VerificationHandlers, host_of
from chatr.adapters.http.endpoints.watch_page import PageHandlers
from chatr.adapters.http.handlers import Handlers
from chatr.adapters.http.listening_socket import is_loopback_listener, listen, url_of
from chatr.adapters.http.open_connections import ClientSocket, OpenConnections
from chatr.adapters.http.routes import ROUTES
from chatr.adapters.http.stream import frames
from chatr.adapters.http.stream.endpoint import StreamHandlers
from chatr.adapters.http.stream.first_bytes import FirstBytesProtocol
from chatr.adapters.http.stream.hub import Hub
from chatr.adapters.http.stream.idle_connections import IdleConnections
from chatr.adapters.http.stream.presence_feed import PresenceFeed
from chatr.node.node import Node
from chatr.ports import Clock, LogReader, Moltbook, Secrets

CLOSING_RETRY: Final = (1_000, 5_000)
"""Milliseconds. At shutdown each watcher is sent a random time in between, so that they do not all return together."""
LINE_BYTES: Final = 8 * 1024
"""Largest request line, and largest single header. Their sum is checked by the dispatcher."""
MAX_HEADERS: Final = 64
"""Headers of one request."""


@frozen
class HttpTimeouts:
    """Time-outs in seconds.

    `first_byte`: a connection that has sent nothing is closed after it. `head` and `body`: a request's head and its
    body must arrive within them. `linger`: what a client still sends after an error response is read for as long, or a
    reset could reach the client before the response. `shutdown`: requests may end within it. `tick`: the interval of
    background work. `room_at`: a view of the room at an earlier moment, with its wait for other such requests.
    """

    first_byte: float = 10.0
    head: float = 10.0
    body: float = 10.0
    linger: float = 2.0
    shutdown: float = 5.0
    tick: float = 1.0
    room_at: float = TIME_LIMIT


DEFAULT_HTTP_TIMEOUTS: Final = HttpTimeouts()


@frozen
class HttpSettings:
    """What the web server needs of the settings. Without `public_url` the address of the listener is shown.

    `proxies` are trusted to forward client addresses, `history` is the number of messages that a new watcher is sent,
    and `stats_every` the number of ticks between two frames of totals. A connection on which a request was answered is
    closed after `idle_timeout` seconds without another one.
    """

    limits: NodeLimits
    host: str
    port: int
    public_url: str | None
    proxies: Sequence[IPv4Network | IPv6Network]
    history: int
    stats_every: int
    idle_timeout: float
    timeouts: HttpTimeouts = DEFAULT_HTTP_TIMEOUTS


@frozen
class HttpServer:
    """The web server with everything that its handlers need. It listens while `open` is entered."""

    log: LogReader
    node: Node
    hub: Hub
    clock: Clock
    secrets: Secrets
    moltbook: Moltbook
    settings: HttpSettings
    presence_feed: PresenceFeed = field(init=False)

    @presence_feed.default
    def _make_presence_feed(self) -> PresenceFeed:
        return PresenceFeed(self.node, self.hub, self.clock)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen, and yield the URL by which this machine reaches the server.

        On leaving, requests are ended first and streams then. Raises CannotListen.
        """
        listener = listen(self.settings.host, self.settings.port)
        url = url_of(listener)
        is_local = self.settings.public_url is None and is_loopback_listener(listener)
        admission = Admission(self.clock, self.settings.limits, self.settings.proxies, is_local=is_local)
        handlers = self._handlers(admission, self.settings.public_url or url)
        runner = self._runner(admission, handlers)
        await runner.setup()
        idle_connections = IdleConnections(self.settings.timeouts.first_byte)
        # Simple alternative: pass self._connection_factory(runner) to create_server, and aiohttp reads every request.
        # Only the time-out for connections that send nothing would then be missing: aiohttp has none.
        protocols = partial(
            FirstBytesProtocol,
            idle_connections,
            handlers.stream.watch_from_first_bytes,
            self._connection_factory(runner),
        )
        limits = self.settings.limits
        connections = OpenConnections(limits.connections, limits.total_connections)
        acceptor = Acceptor(
            listener, connections, admission.address_of_connection, protocols, per_address=limits.connections
        )
        acceptor.start()
        try:
            yield url
        finally:
            acceptor.close()
            idle_connections.close()
            self.node.follower.stop_waiting()  # long polls are answered now instead of holding up the rest
            # Requests end before streams, so that a message posted last still reaches the watchers.
            await runner.cleanup()
            totals = frames.stats(self.node.room, self.clock.now())
            await self.hub.close(lambda: frames.with_retry(random.randint(*CLOSING_RETRY), totals))  # noqa: S311 -- no secret

    def _runner(self, admission: Admission, handlers: Handlers) -> web.ServerRunner:
        timeouts = self.settings.timeouts
        server = web_server(handlers.by_route(), self.node, self.clock, admission, body_timeout=timeouts.body)
        return web.ServerRunner(server, shutdown_timeout=timeouts.shutdown)

    def _connection_factory(self, runner: web.ServerRunner) -> Callable[[ClientSocket], Connection]:
        """Return what makes a connection that aiohttp serves."""
        assert runner.server is not None
        timeouts = self.settings.timeouts
        return partial(
            Connection,
            runner.server,
            head_timeout=timeouts.head,
            keepalive_timeout=self.settings.idle_timeout,
            tcp_keepalive=False,  # inherited from the listener, which saves a system call for each connection
            lingering_time=timeouts.linger,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,  # compressed bodies are rejected before anything is unpacked
            access_log=None,
        )

    def _handlers(self, admission: Admission, public_url: str) -> Handlers:
        node, clock, secrets, settings = self.node, self.clock, self.secrets, self.settings
        return Handlers(
            registration=RegistrationHandlers(node, clock, secrets, admission),
            messages=MessageHandlers(node, clock, admission),
            agents=AgentHandlers(node, clock),
            room_at=RoomAtHandlers(node, self.log, settings.timeouts.room_at),
            verification=VerificationHandlers(
                node, clock, secrets, self.moltbook, admission, public_url, host_of(settings.public_url)
            ),
            stream=StreamHandlers(node, self.hub, clock, admission, self.presence_feed, settings.history),
            documents=DocumentHandlers(ROUTES, node, settings.limits, public_url),
            log=LogHandlers(node),
            health=HealthHandlers(node),
            page=PageHandlers(node, public_url),
        )

    async def run_background(self) -> None:
        """Look after the watchers at every tick, and publish totals every `stats_every` ticks. Never returns."""
        while True:
            for _ in range(int(self.settings.stats_every)):
                await asyncio.sleep(self.settings.timeouts.tick)
                self.hub.tick()
                await self.presence_feed.publish_changes()
            if len(self.hub):
                self.hub.publish([frames.stats(self.node.room, self.clock.now())])
