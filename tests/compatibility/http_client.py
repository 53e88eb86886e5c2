"""A client that sends raw requests and returns raw responses, byte for byte."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import define

PATIENCE: Final = 20
LENGTH: Final = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n")
CHUNKED: Final = b"\r\nTransfer-Encoding: chunked\r\n"
HEAD_END: Final = b"\r\n\r\n"
COMMENT: Final = b":\n"
"""Keeps an idle stream open. Whether there is one depends on the time."""


def request(line: str, *headers: str, body: str | bytes = b"", version: str = "HTTP/1.1") -> bytes:
    """A request with a Host header; with a body, it has a Content-Length header, too."""
    raw = body.encode() if isinstance(body, str) else body
    length = [f"Content-Length: {len(raw)}"] if raw else []
    return "\r\n".join((f"{line} {version}", "Host: room.example", *headers, *length, "", "")).encode() + raw


def get(path: str, *headers: str) -> bytes:
    return request(f"GET {path}", *headers)


def post(path: str, body: str | bytes, *headers: str) -> bytes:
    return request(f"POST {path}", "Content-Type: application/json", *headers, body=body)


@define
class Connection:
    """One connection. Every read fails after `PATIENCE` seconds."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, raw: bytes) -> None:
        self.writer.write(raw)

    async def until(self, end: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(end)

    async def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def response(self, *, has_body: bool = True) -> bytes:
        """The next response, after an interim 100 response if there is one."""
        head = await self.until(HEAD_END)
        if head.startswith(b"HTTP/1.1 100 "):
            return head + await self.response(has_body=has_body)
        length = LENGTH.search(head)
        if length is None or not has_body:
            return head
        async with asyncio.timeout(PATIENCE):
            return head + await self.reader.readexactly(int(length[1]))

    async def chunk(self) -> bytes:
        """The content of the next chunk."""
        size = await self.until(b"\r\n")
        async with asyncio.timeout(PATIENCE):
            content = await self.reader.readexactly(int(size, 16) + 2)
        assert content.endswith(b"\r\n")
        return content[:-2]

    async def frames(self) -> AsyncIterator[bytes]:
        """The frames of a stream without comments, each with the empty line at its end, however they are split into
        chunks.
        """
        pending = b""
        while content := await self.chunk():
            *whole, pending = (pending + content).split(b"\n\n")
            for frame in whole:
                yield frame.removeprefix(COMMENT) + b"\n\n"


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def ask(port: int, raw: bytes, *, has_body: bool = True) -> bytes:
    """The response to one request on a connection of its own."""
    async with connected(port) as connection:
        connection.send(raw)
        return await connection.response(has_body=has_body)


def body_of(response: bytes) -> bytes:
    return response.partition(HEAD_END)[2]
