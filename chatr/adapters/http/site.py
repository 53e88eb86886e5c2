"""The door as a whole: the nouns behind the routes, the listening socket, and the beat of the stream."""

import asyncio
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from aiohttp import web
from attrs import field, frozen

from chatr.adapters.http import frames
from chatr.adapters.http.agents import Agents
from chatr.adapters.http.attendance import Attendance
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.documents import Documents
from chatr.adapters.http.door import Door, DoorLimits
from chatr.adapters.http.greeter import Greeter, Silent
from chatr.adapters.http.health import Health
from chatr.adapters.http.log import Log
from chatr.adapters.http.messages import Messages
from chatr.adapters.http.moments import Moments
from chatr.adapters.http.registration import Registration
from chatr.adapters.http.routes import ROUTES, Nouns
from chatr.adapters.http.server import server
from chatr.adapters.http.stream import Stream
from chatr.adapters.http.verification import Verifications
from chatr.adapters.http.watch_page import WatchPage
from chatr.hub import Hub
from chatr.node import Node
from chatr.ports import Clock, LogReader, Moltbook, Secrets

RETRY: Final = (1_000, 5_000)
"""Milliseconds between which each watcher returns when this node goes away: not all at once."""
LINE_BYTES: Final = 8 * 1024
"""Of the request line and of one header; the whole head is counted when it is there."""
HEADERS: Final = 64
BACKLOG: Final = 1024
"""Connections that wait to be accepted; one more is dropped, and its client tries again after a second."""


SEND_BUFFER: Final = 128 * 1024
"""Bytes that the kernel takes for a watcher: small, so that one that stalls is seen to."""
DEAD_AFTER: Final = 30_000
"""Milliseconds for which a peer that vanished may leave bytes unacknowledged."""


class CannotListen(Exception):
    """The address is taken, or not this machine's. The text is one sentence."""


@frozen
class Patience:
    """Seconds for which the door waits. `idle` is as long as reverse proxies keep their connections open."""

    head: float = 10.0
    body: float = 10.0
    idle: float = 75.0
    linger: float = 2.0
    shutdown: float = 5.0
    tick: float = 1.0


@frozen
class SiteSettings:
    limits: DoorLimits
    host: str
    port: int
    public_url: str | None
    proxies: Sequence[IPv4Network | IPv6Network]
    history: int
    stats_every: int
    patience: Patience = Patience()


@frozen
class Site:
    """Everything behind the door, before anybody is let in."""

    log: LogReader
    node: Node
    hub: Hub
    clock: Clock
    secrets: Secrets
    moltbook: Moltbook
    settings: SiteSettings
    attendance: Attendance = field(init=False)

    @attendance.default
    def _attend(self) -> Attendance:
        return Attendance(self.node, self.hub, self.clock)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen; gives the URL by which this machine reaches the room. Leaving ends requests first, streams then."""
        listener = listen(self.settings.host, self.settings.port)
        url = address(listener)
        door = Door(self.node, self.clock, self.settings.limits, self.settings.proxies)
        nouns = self._nouns(door, self.settings.public_url or url)
        runner, silent = self._runner(door, nouns), Silent(self.settings.patience.idle)
        await runner.setup()
        greeter = partial(Greeter, silent, nouns.stream.watch_at_once, self._connections(runner))
        accepting = await asyncio.get_running_loop().create_server(greeter, sock=listener, backlog=BACKLOG)
        try:
            yield url
        finally:
            accepting.close()
            silent.close()
            self.node.leave()
            await runner.cleanup()
            await self.hub.close(lambda: frames.farewell(random.randint(*RETRY)))  # noqa: S311 -- it guards nothing

    def _runner(self, door: Door, nouns: Nouns) -> web.ServerRunner:
        patience = self.settings.patience
        serving = server(nouns.routes(), self.node, self.clock, door, body_seconds=patience.body)
        return web.ServerRunner(serving, shutdown_timeout=patience.shutdown)

    def _connections(self, runner: web.ServerRunner) -> Callable[[], Connection]:
        """What makes a connection that aiohttp serves. That it is kept alive is inherited."""
        assert runner.server is not None
        patience = self.settings.patience
        return partial(
            Connection,
            runner.server,
            head_seconds=patience.head,
            keepalive_timeout=patience.idle,
            tcp_keepalive=False,
            lingering_time=patience.linger,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=HEADERS,
            auto_decompress=False,
            access_log=None,
        )

    def _nouns(self, door: Door, public_url: str) -> Nouns:
        node, clock, secrets, settings = self.node, self.clock, self.secrets, self.settings
        return Nouns(
            registration=Registration(node, clock, secrets, door),
            messages=Messages(node, clock, door),
            agents=Agents(node, clock),
            moments=Moments(node, self.log),
            verifications=Verifications(node, clock, secrets, self.moltbook, door, public_url),
            stream=Stream(node, self.hub, clock, door, self.attendance, settings.history),
            documents=Documents(ROUTES, node, settings.limits, public_url),
            log=Log(node),
            health=Health(node),
            page=WatchPage(node, public_url),
        )

    async def beat(self) -> None:
        """Tell the totals now and then, and look after the watchers every second. Never returns."""
        while True:
            for _ in range(int(self.settings.stats_every)):
                await asyncio.sleep(self.settings.patience.tick)
                self.hub.tick()
                self.attendance.tell()
            if len(self.hub):
                self.hub.publish([frames.stats(self.node.room, self.clock.now())])


def listen(host: str, port: int) -> socket.socket:
    """Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
    bound(listener)
    return listener


def bound(listener: socket.socket) -> None:
    """Let the kernel hold little for a watcher, send at once what there is for it, and give up on one that vanished;
    connections inherit it, so that none has to be told.
    """
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("127.0.0.1", "0.0.0.0", "::1", "::"):  # noqa: S104 -- this is read, not bound to
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
