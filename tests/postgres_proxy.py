"""A TCP proxy to a PostgreSQL server, whose connections can be cut, paused or led to another server.

It forwards bytes. `tests/client/faulty_proxy.py` forwards HTTP requests, each with a fault of its own.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from attrs import define, field

Endpoint = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CutPoint(Enum):
    """When a connection is cut, relative to the request that triggers it."""

    BEFORE_REQUEST = auto()
    """The server does not receive the request."""
    BEFORE_PROCESSING = auto()
    """The server receives the request; the connection is cut at once."""
    BEFORE_RESPONSE = auto()
    """The server has answered; the client does not receive the answer."""


@define
class PlannedCut:
    """Cuts a connection when its client sends `trigger`."""

    trigger: bytes
    point: CutPoint
    done: asyncio.Event = field(factory=asyncio.Event)


@define(eq=False)
class Proxy:
    """Forwards connections to the socket `server`; rejects them while `server` is None."""

    server: Path | None
    port: int = 0
    planned_cut: PlannedCut | None = None
    forwarding: asyncio.Event = field(factory=asyncio.Event)
    """Not set while everything is held back."""
    connections: set["ProxiedConnection"] = field(factory=set)
    requests: list[bytes] = field(factory=list)
    """What clients sent, each as it was received in one piece."""

    def url_through(self, url: str) -> str:
        """Return the URL of a log with this proxy as its host."""
        return re.sub("host=[^&]*", f"host=127.0.0.1&port={self.port}", url)

    def cut(self) -> None:
        """Abort every open connection on both sides."""
        for connection in self.connections:
            connection.cut()

    def close(self) -> None:
        """Abort every connection, and reject new ones."""
        self.server = None
        self.cut()

    def hold(self) -> None:
        """Forward nothing in either direction, as if a cable had been pulled."""
        self.forwarding.clear()

    def release(self) -> None:
        """Forward what was held back, and all that follows."""
        self.forwarding.set()

    def cut_at(self, trigger: bytes, point: CutPoint) -> asyncio.Event:
        """Cut the next connection on which a client sends `trigger`; the event returned is set when that is done."""
        self.planned_cut = PlannedCut(trigger, point)
        return self.planned_cut.done

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client, to its end."""
        if self.server is None:
            writer.transport.abort()
            return
        with suppress(OSError):
            server = await asyncio.open_unix_connection(self.server)
            await ProxiedConnection(self, (reader, writer), server).forward()


@define(eq=False)
class ProxiedConnection:
    """One connection of a client, and the proxy's connection to the server for it."""

    proxy: Proxy
    client: Endpoint
    server: Endpoint
    started_cut: PlannedCut | None = None
    ended: asyncio.Event = field(factory=asyncio.Event)

    async def forward(self) -> None:
        """Forward both directions until one of them ends; then abort both connections."""
        self.proxy.connections.add(self)
        directions = {asyncio.create_task(self._forward_requests()), asyncio.create_task(self._forward_responses())}
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        self.cut()
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
        self.proxy.connections.remove(self)
        self.ended.set()
        if self.started_cut is not None:
            self.started_cut.done.set()

    def cut(self) -> None:
        """Abort both connections."""
        for _, writer in (self.client, self.server):
            writer.transport.abort()

    async def _forward_requests(self) -> None:
        while data := await self.client[0].read(65536):
            self.proxy.requests.append(data)
            await self.proxy.forwarding.wait()
            if self.proxy.planned_cut is not None and self.proxy.planned_cut.trigger in data:
                self.started_cut, self.proxy.planned_cut = self.proxy.planned_cut, None
            if self.started_cut is None or self.started_cut.point is not CutPoint.BEFORE_REQUEST:
                self.server[1].write(data)
            if self.started_cut is not None and self.started_cut.point is not CutPoint.BEFORE_RESPONSE:
                return

    async def _forward_responses(self) -> None:
        while data := await self.server[0].read(65536):
            await self.proxy.forwarding.wait()
            if self.started_cut is not None:
                return
            self.client[1].write(data)


@asynccontextmanager
async def run_proxy(server: Path) -> AsyncIterator[Proxy]:
    """Run a proxy to the Unix socket `server` on a free port of the loopback."""
    proxy = Proxy(server)
    proxy.release()
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        proxy.close()
        proxy.release()
        for connection in list(proxy.connections):
            await connection.ended.wait()
