"""A client of the stream on a bare connection, which hides nothing of what the server sends."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from attrs import define, field

from tests.sse import EventSource, Frame

TIMEOUT: Final = 10.0
"""Seconds after which a test gives up waiting."""


@define
class Watch:
    """A response to a request for the stream, and the stream if it is one. Header names are in lower case.

    `last_id` is the id to resume from after the last frame that was returned.
    """

    status: int
    headers: Mapping[str, str]
    connection: asyncio.StreamWriter
    _reader: asyncio.StreamReader
    source: EventSource = field(factory=EventSource)
    last_id: str = ""
    _frames: deque[Frame] = field(factory=deque)

    async def frame(self) -> Frame:
        """Return the next frame. Raises EOFError after the end of the stream, OSError if the connection was aborted."""
        if not self._frames:
            async with asyncio.timeout(TIMEOUT):
                while not self._frames:
                    await self._read()
        frame = self._frames.popleft()
        self.last_id = frame.id
        return frame

    async def comment(self) -> None:
        """Wait for the next comment, however many frames come before it."""
        seen = self.source.comments
        async with asyncio.timeout(TIMEOUT):
            while self.source.comments == seen:
                await self._read()

    async def _read(self) -> None:
        self._frames.extend(self.source.feed(await self._read_piece()))

    async def _read_piece(self) -> bytes:
        """Return the data of the next chunk, or what comes next of a stream without chunks."""
        if self.headers.get("transfer-encoding") != "chunked":
            return await self._read_plain_piece()
        try:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            piece = await self._reader.readexactly(size + 2)
        except asyncio.IncompleteReadError as error:
            raise ConnectionAbortedError("cut off within a chunk, or between two") from error
        assert piece.endswith(b"\r\n")
        if not size:
            await self._expect_end()
        return piece[:-2]

    async def _read_plain_piece(self) -> bytes:
        piece = await self._reader.read(65536)
        if not piece:
            raise EOFError
        return piece

    async def _expect_end(self) -> None:
        assert not await self._reader.read()
        raise EOFError

    async def body(self) -> bytes:
        """Return the whole body of a response that is no stream."""
        return await self._reader.readexactly(int(self.headers.get("content-length", "0")))

    async def frames(self, count: int) -> list[Frame]:
        """Return the next frames."""
        return [await self.frame() for _ in range(count)]

    async def next(self, kind: str) -> Frame:
        """Return the next frame of this kind, and skip those before it."""
        while (frame := await self.frame()).kind != kind:
            pass
        return frame

    async def messages(self, count: int) -> list[str]:
        """Return the ids of the next messages, and skip all other frames."""
        return [(await self.next("message")).data["id"] for _ in range(count)]

    async def rest(self) -> list[Frame]:
        """Return all frames until the stream ends. Raises OSError if the connection was aborted."""
        frames = []
        try:
            while True:
                frames.append(await self.frame())
        except EOFError:
            return frames

    def reset(self) -> None:
        """Abort the connection, as happens when a client's process is killed."""
        self.connection.transport.abort()


@asynccontextmanager
async def connected(
    url: str, *, receive: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a bare connection. `receive` bounds, in bytes, what the client's side buffers before it is read."""
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
    """Return a request without a body. Underscores in header names stand for hyphens."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
    return "\r\n".join((f"{method} {path} HTTP/{version}", *lines, "", "")).encode()


async def read_response(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Watch:
    """Read the head of the next response on this connection."""
    async with asyncio.timeout(TIMEOUT):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    pairs = [line.split(": ", 1) for line in lines]
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs), "no header is there twice"
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
    """Watch the room at `url`, from `last_id` on if it is given."""
    cursor = {"Last-Event-ID": last_id} if last_id else {}
    async with connected(url, receive=receive) as (reader, writer):
        writer.write(request(path, version=version, **cursor, **headers))
        watch = await read_response(reader, writer)
        watch.last_id = watch.source.last_id = last_id
        yield watch
