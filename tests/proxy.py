"""A line to a server, on the loopback, that can be cut, held or led to another server at chosen moments."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path

from attrs import define, field

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Moment(Enum):
    """When a connection is cut: what its client says then is not heard, or heard, or answered by the server."""

    UNHEARD = auto()
    HEARD = auto()
    ANSWERED = auto()


@define
class Fuse:
    """Blows where a client says `word`."""

    word: bytes
    moment: Moment
    blown: asyncio.Event = field(factory=asyncio.Event)


@define(eq=False)
class Proxy:
    """`server` is the socket that new connections are led to, None if they are turned away."""

    server: Path | None
    port: int = 0
    fuse: Fuse | None = None
    flowing: asyncio.Event = field(factory=asyncio.Event)
    calls: set["Call"] = field(factory=set)

    def way_to(self, url: str) -> str:
        """The URL of a log by way of this proxy."""
        return re.sub("host=[^&]*", f"host=127.0.0.1&port={self.port}", url)

    def cut(self) -> None:
        """End every connection that there is, without a word to either side."""
        for call in self.calls:
            call.cut()

    def close(self) -> None:
        """Cut, and turn away whoever comes."""
        self.server = None
        self.cut()

    def hold(self) -> None:
        """Let nothing through in either direction, as if a cable had been pulled."""
        self.flowing.clear()

    def release(self) -> None:
        self.flowing.set()

    def cut_at(self, word: bytes, moment: Moment) -> asyncio.Event:
        """Cut the next connection on which a client says `word`. The event tells when that has happened."""
        self.fuse = Fuse(word, moment)
        return self.fuse.blown

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.server is None:
            writer.transport.abort()
            return
        with suppress(OSError):
            server = await asyncio.open_unix_connection(self.server)
            await Call(self, (reader, writer), server).carry()


@define(eq=False)
class Call:
    """One connection through a proxy."""

    proxy: Proxy
    client: End
    server: End
    burning: Fuse | None = None
    over: asyncio.Event = field(factory=asyncio.Event)

    async def carry(self) -> None:
        self.proxy.calls.add(self)
        ways = {asyncio.create_task(self._requests()), asyncio.create_task(self._answers())}
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self.cut()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self.proxy.calls.remove(self)
        self.over.set()
        if self.burning is not None:
            self.burning.blown.set()

    def cut(self) -> None:
        for _, writer in (self.client, self.server):
            writer.transport.abort()

    async def _requests(self) -> None:
        while data := await self.client[0].read(65536):
            await self.proxy.flowing.wait()
            if self.proxy.fuse is not None and self.proxy.fuse.word in data:
                self.burning, self.proxy.fuse = self.proxy.fuse, None
            if self.burning is None or self.burning.moment is not Moment.UNHEARD:
                self.server[1].write(data)
            if self.burning is not None and self.burning.moment is not Moment.ANSWERED:
                return

    async def _answers(self) -> None:
        while data := await self.server[0].read(65536):
            await self.proxy.flowing.wait()
            if self.burning is not None:
                return
            self.client[1].write(data)


@asynccontextmanager
async def proxy(server: Path) -> AsyncIterator[Proxy]:
    line = Proxy(server)
    line.release()
    listener = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    line.port = listener.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listener.close()
        line.close()
        line.release()
        for call in list(line.calls):
            await call.over.wait()
