"""The listener at which Prometheus reads the metrics: HTTP as far as that needs it, in bounded memory and time.

Not the web server of the room: its port is public, its requests are counted, and it needs more than one path.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog

from chatr.adapters.listening_socket import FEW_OPTIONS, CannotListen, listen, url_of

MAX_CONNECTIONS: Final = 16
"""Open connections. For a further one the oldest is closed, so that idle ones cannot keep Prometheus away."""
HEAD_BYTES: Final = 8 * 1024
"""Largest head of a request. Prometheus sends about 300 bytes."""
TIME_LIMIT: Final = 5.0
"""Seconds for a whole request and its response."""
REQUEST_LINE: Final = re.compile(rb"([A-Z]+) (/[^ ?]*)(?:\?[^ ]*)? HTTP/1\.[01]\r?\n")
PATH: Final = b"/metrics"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that every Prometheus reads."""

Render = Callable[[], Awaitable[bytes]]
"""Returns the metrics as text."""

logger = structlog.get_logger()


class CannotServeMetrics(Exception):
    """The address is in use or not one of this machine, or a package is missing. The text is one sentence."""


@asynccontextmanager
async def metrics_listener(
    host: str, port: int, render: Render, *, time_limit: float = TIME_LIMIT
) -> AsyncIterator[str]:
    """Serve the metrics while the block runs, and yield their URL. Raises CannotServeMetrics."""
    try:
        sockets = listen(host, port, FEW_OPTIONS, purpose="serve metrics")
    except CannotListen as error:
        raise CannotServeMetrics(str(error)) from error
    url = f"{url_of(sockets)}/metrics"
    connections = Connections(render, time_limit)
    servers = [await asyncio.start_server(connections.serve, sock=each, limit=HEAD_BYTES) for each in sockets]
    try:
        yield url
    finally:
        for server in servers:
            server.close()
        await connections.close()


class Connections:
    """Serves one request on each connection, within `time_limit` seconds. `render` returns the metrics."""

    def __init__(self, render: Render, time_limit: float) -> None:
        self._render = render
        self._time_limit = time_limit
        # A dict as ordered set: the first connection is the oldest.
        self._open: dict[asyncio.Task[None], None] = {}

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the request of a new connection, and close it."""
        task = asyncio.create_task(self._answer(reader, writer))
        self._open[task] = None
        task.add_done_callback(partial(self._ended, writer))
        if len(self._open) > MAX_CONNECTIONS:
            next(iter(self._open)).cancel()

    async def close(self) -> None:
        """Close all connections."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # `drain` then waits until the kernel has all of the response.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(self._time_limit):
                writer.write(await self._response(reader))
                await writer.drain()
            writer.close()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            # The client is too slow or gone: `_ended` aborts the connection, and nobody is left to be told.
            pass

    def _ended(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        # Not in a `finally` of the task: one that is cancelled before its first step runs none of its code.
        del self._open[task]
        # `close` would hold in memory what a client does not read, for as long as it likes.
        if not writer.is_closing():
            writer.transport.abort()

    async def _response(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        found = REQUEST_LINE.match(head)
        if found is None:
            return response(HTTPStatus.BAD_REQUEST)
        if found[2] != PATH:
            return response(HTTPStatus.NOT_FOUND)
        if found[1] not in (b"GET", b"HEAD"):
            return response(HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            body = await self._render()
        # A fault in one metric is a 500 with a log line, which Prometheus reports, instead of silence.
        except Exception:
            logger.exception("metrics_failed")
            return response(HTTPStatus.INTERNAL_SERVER_ERROR)
        return response(HTTPStatus.OK, body, has_body=found[1] == b"GET")


def response(status: HTTPStatus, body: bytes | None = None, *, has_body: bool = True) -> bytes:
    """Return a response that ends the connection; without `body`, with the name of the status."""
    body = f"{status.phrase}. Metrics are at GET /metrics.\n".encode() if body is None else body
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        # One request for each connection: at one scrape in some seconds, keeping it open would gain nothing.
        "Connection": "close",
    } | ({"Allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else {})
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    )
    return "\r\n".join(lines).encode() + (body if has_body else b"")
