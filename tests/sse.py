"""A strict reader of Server-Sent Events (WHATWG HTML, section 9.2) over a connection that hides nothing."""

import asyncio
import codecs
import json
import re
import socket
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import define, field, frozen

PATIENCE: Final = 10.0
"""Seconds after which what a test waits for is not coming."""
LINE_END: Final = re.compile("\r\n|\n|\r")


@frozen
class Frame:
    """An event as a client is handed it: `id` is what it would resume from, `own_id` what the frame itself said."""

    name: str
    text: str
    id: str
    own_id: str | None

    @property
    def kind(self) -> Any:
        return json.loads(self.text)["type"]

    @property
    def data(self) -> Any:
        return json.loads(self.text)["data"]


@define
class EventSource:
    """What a client makes of the bytes of a stream. A field that does not exist is an error here."""

    last_id: str = ""
    retry: int | None = None
    comments: int = 0
    _name: str = ""
    _data: list[str] = field(factory=list)
    _own_id: str | None = None
    _rest: str = ""
    _decoder: codecs.IncrementalDecoder = field(factory=codecs.getincrementaldecoder("utf-8-sig"))

    def feed(self, raw: bytes) -> Iterator[Frame]:
        text = self._rest + self._decoder.decode(raw)
        half = "\r" if text.endswith("\r") else ""
        *lines, rest = LINE_END.split(text.removesuffix("\r"))
        self._rest = rest + half
        for line in lines:
            if line:
                self._take(*line.partition(":"))
            else:
                yield from self._dispatched()

    def _take(self, name: str, _: str, value: str) -> None:
        value = value.removeprefix(" ")
        match name:
            case "":
                self.comments += 1
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._own_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)
            case _:
                raise ValueError(f"no line of a stream: {name}:{value}")

    def _dispatched(self) -> Iterator[Frame]:
        if self._own_id is not None:
            self.last_id = self._own_id
        if self._data:
            yield Frame(self._name or "message", "\n".join(self._data), self.last_id, self._own_id)
        self._name, self._data, self._own_id = "", [], None


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

    async def frames(self, count: int) -> list[Frame]:
        return [await self.frame() for _ in range(count)]

    async def next(self, kind: str) -> Frame:
        """The next frame of this kind; others may come before it."""
        while (frame := await self.frame()).kind != kind:
            pass
        return frame

    async def messages(self, count: int) -> list[Any]:
        """What the next so many `message` frames hold; frames of other kinds may come between them."""
        return [(await self.next("message")).data for _ in range(count)]

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


async def connect(url: str, *, receive: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection; `receive` bounds, in bytes, what is taken from the server before somebody reads it."""
    client = socket.socket()
    client.setblocking(False)
    if receive is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", urlsplit(url).port))
    return await asyncio.open_connection(sock=client, limit=receive or 65536)


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
    url: str, path: str = "/api/stream", *, receive: int | None = None, **headers: str
) -> AsyncIterator[Watch]:
    """A watcher of the room at `url`."""
    reader, writer = await connect(url, receive=receive)
    try:
        writer.write(request(path, **headers))
        yield await answer(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
