"""A watcher on a bare connection, which hides nothing of what the room sends."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from attrs import define, field

from tests.sse import EventSource, Frame

PATIENCE: Final = 10.0
"""Seconds after which what a test waits for is not coming."""


@define
class Watch:
    """An answer to a request for the stream, and the stream if there is one. `last_id` is that of the last frame
    which was handed out.
    """

    status: int
    headers: Mapping[str, str]
    connection: asyncio.StreamWriter
    _reader: asyncio.StreamReader
    source: EventSource = field(factory=EventSource)
    last_id: str = ""
    _frames: deque[Frame] = field(factory=deque)

    async def frame(self) -> Frame:
        """The next frame. Raises EOFError when the stream has ended as it should, OSError when it was cut off."""
        async with asyncio.timeout(PATIENCE):
            while not self._frames:
                await self._read()
        frame = self._frames.popleft()
        self.last_id = frame.id
        return frame

    async def comment(self) -> None:
        """Wait for the next comment, however many frames come before it."""
        seen = self.source.comments
        async with asyncio.timeout(PATIENCE):
            while self.source.comments == seen:
                await self._read()

    async def _read(self) -> None:
        self._frames.extend(self.source.feed(await self._piece()))

    async def _piece(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return await self._plain_piece()
        try:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            piece = await self._reader.readexactly(size + 2)
        except asyncio.IncompleteReadError as error:
            raise ConnectionAbortedError("cut off within a chunk, or between two") from error
        assert piece.endswith(b"\r\n")
        if not size:
            await self._nothing_more()
        return piece[:-2]

    async def _plain_piece(self) -> bytes:
        piece = await self._reader.read(65536)
        if not piece:
            raise EOFError
        return piece

    async def _nothing_more(self) -> None:
        assert not await self._reader.read()
        raise EOFError

    async def body(self) -> bytes:
        """The whole of an answer that is no stream."""
        return await self._reader.readexactly(int(self.headers.get("content-length", "0")))

    async def frames(self, count: int) -> list[Frame]:
        return [await self.frame() for _ in range(count)]

    async def next(self, kind: str) -> Frame:
        """The next frame of this kind; others may come before it."""
        while (frame := await self.frame()).kind != kind:
            pass
        return frame

    async def messages(self, count: int) -> list[str]:
        """The ids of the messages in the next so many frames of that kind; others may come between them."""
        return [(await self.next("message")).data["id"] for _ in range(count)]

    async def rest(self) -> list[Frame]:
        """All that comes before the stream ends as it should."""
        found = []
        try:
            while True:
                found.append(await self.frame())
        except EOFError:
            return found

    def reset(self) -> None:
        """Go away without a word, as a process does that was killed."""
        self.connection.transport.abort()


@asynccontextmanager
async def connected(
    url: str, *, receive: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection; `receive` bounds, in bytes, what is taken from the room before somebody reads it."""
    client = socket.socket()
    client.setblocking(False)
    if receive is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    try:
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", urlsplit(url).port))
    except BaseException:
        client.close()
        raise
    reader, writer = await asyncio.open_connection(sock=client, limit=receive or 65536)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def request(path: str = "/api/stream", *, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "room", **headers}.items()]
    return "\r\n".join((f"{method} {path} HTTP/{version}", *lines, "", "")).encode()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Watch:
    """What is answered next on this connection."""
    async with asyncio.timeout(PATIENCE):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    named = [line.split(": ", 1) for line in lines]
    headers = {name.lower(): value for name, value in named}
    assert len(headers) == len(named), "no header is there twice"
    return Watch(int(status.split()[1]), headers, writer, reader)


@asynccontextmanager
async def watching(
    url: str,
    path: str = "/api/stream",
    *,
    last_id: str = "",
    receive: int | None = None,
    version: str = "1.1",
    **headers: str,
) -> AsyncIterator[Watch]:
    """A watcher of the room at `url`, a new one unless it comes back with its last id."""
    cursor = {"Last-Event-ID": last_id} if last_id else {}
    async with connected(url, receive=receive) as (reader, writer):
        writer.write(request(path, version=version, **cursor, **headers))
        watch = await answer(reader, writer)
        watch.last_id = watch.source.last_id = last_id
        yield watch
