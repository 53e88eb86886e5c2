"""A connection that aiohttp serves, with what aiohttp lacks: a time-out for request heads, and our error responses."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web

from chatr.adapters.http.error_catalogue import (
    BAD_REQUEST,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    HttpError,
    http_error,
)
from chatr.adapters.http.errors import error_response, raw_error_response
from chatr.adapters.http.headers import add_default_headers
from chatr.adapters.http.malformed_requests import BAD_FIRST_LINE
from chatr.adapters.http.observation import Observation
from chatr.adapters.http.open_connections import ClientSocket

FORGOTTEN_BYTES: Final = 128 * 1024
"""Bytes of a refused request that are read, so that the client sees the response: what it had sent by then."""
VERSIONS: Final = (HttpVersion11, HttpVersion10)
FRAMING_BYTES: Final = 24 * 1024
"""Sizes of chunks and trailers of one body that are read. Chunks of 16 bytes have 6 KiB of them in the largest body."""


class Connection(web.RequestHandler):
    """Ends with 408 if the head of a request does not arrive within `head_timeout` seconds, and without a response if
    the client does not take what waits to be sent within `response_timeout` seconds.

    aiohttp itself would wait for ever. `head_received` and `finish_response` enclose the handling of a request; bytes
    that arrive outside begin the head of the next one. In between, the connection of `client` is idle.
    """

    __slots__ = (
        "_client",
        "_content",
        "_framing",
        "_handling",
        "_head_bytes",
        "_head_timeout",
        "_head_timer",
        "_is_refused",
        "_linger",
        "_observation",
        "_reads_no_more",
        "_received_at",
        "_response_timeout",
        "_waiting",
        "_write_timer",
    )

    def __init__(
        self,
        server: web.Server,
        client: ClientSocket,
        *,
        head_timeout: float,
        response_timeout: float,
        lingering_time: float = 0.0,
        observation: Observation | None = None,
        **options: Any,
    ) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), lingering_time=lingering_time, **options)
        self._client = client
        self._observation = observation
        self._received_at = 0.0
        self._head_timeout = head_timeout
        self._head_timer: asyncio.TimerHandle | None = None
        self._response_timeout = response_timeout
        self._write_timer: asyncio.TimerHandle | None = None
        self._handling = False
        self._head_bytes = 0
        self._is_refused = False
        self._linger = lingering_time
        # The body of the last request, and how many bytes more than its content arrived since its head.
        self._content: StreamReader | None = None
        self._framing = 0
        self._reads_no_more = False
        self._waiting: asyncio.Timeout | None = None

    def data_received(self, data: bytes) -> None:
        """Start the timer with the first byte of a request head. It is for the whole head, not for each byte of it."""
        if self._is_refused:
            self._forget(len(data))
            return
        if self._head_timer is None and not self._handling:
            self._head_timer = asyncio.get_running_loop().call_later(self._head_timeout, self._head_timed_out)
        # The last bytes of a body arrive after a response too, if the request was refused before.
        body = None if self._content is None or self._content.is_eof() else self._content
        super().data_received(data)
        if body is None and not self._handling:
            self._limit_head(len(data))
        elif body is not None and not body.is_eof():
            self._limit_framing(body, len(data))

    def head_received(self, request: web.BaseRequest) -> None:
        """Stop the timer: the dispatcher has the request. Raises HttpError (400) for a version that is not served."""
        content = request.content
        self._handling, self._head_bytes = True, 0
        if self._observation is not None:
            self._received_at = perf_counter()
        self._content, self._framing = content, -content.total_bytes
        self._client.mark_busy()
        self._stop_head_timer()
        # The parser also accepts a first line without a version, which is HTTP/0.9, and one of HTTP/2.0.
        if request.version not in VERSIONS:
            raise http_error(BAD_REQUEST, reason=BAD_FIRST_LINE, closes=True)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Add the default headers to a response, unless its headers have been sent, as those of a stream."""
        # All responses pass here, those to requests that never reached the dispatcher included.
        self._handling = False
        self._stop_head_timer()
        if not resp.prepared:
            add_default_headers(request, resp)
        finished = await super().finish_response(request, resp, start_time)
        if self._observation is not None:
            # 0 for a request that aiohttp could not parse, of which no head was received.
            seconds = perf_counter() - self._received_at if self._received_at else 0.0
            self._received_at = 0.0
            self._observation.answered(request, resp, seconds)
        # Without a transport it has ended, or it is a stream now.
        if self.transport is not None:
            self._client.mark_idle(self.transport)
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- aiohttp's signature; its text could repeat what the client sent
    ) -> web.StreamResponse:
        """Return the response to a request that aiohttp could not parse. The connection ends with it."""
        if isinstance(exc, ConnectionError):
            raise exc
        error = exc if isinstance(exc, Exception) else RuntimeError(f"aiohttp answered {status}")
        response = error_response(request, error)
        # The end of the malformed request is unknown: the bytes after it could be a request that no proxy has seen.
        response.force_close()
        return response

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timers, and end the wait of the request that is handled."""
        self._stop_head_timer()
        self._stop_write_timer()
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())
        super().connection_lost(exc)

    @contextmanager
    def ends(self, wait: asyncio.Timeout) -> Iterator[None]:
        """Let a time-out expire at once when the connection is lost. aiohttp does not tell the handler."""
        if self.transport is None:
            wait.reschedule(asyncio.get_running_loop().time())
        self._waiting = wait
        try:
            yield
        finally:
            self._waiting = None

    def pause_writing(self) -> None:
        """Start a timer while responses wait: a client that takes none would keep its connection for ever."""
        super().pause_writing()
        self._write_timer = asyncio.get_running_loop().call_later(self._response_timeout, self._abort)

    def resume_writing(self) -> None:
        """Stop the timer."""
        super().resume_writing()
        self._stop_write_timer()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _limit_head(self, received: int) -> None:
        """Refuse a request whose head does not end. aiohttp limits single headers and their number, not their sum."""
        # What arrived with a whole head may be its body.
        self._head_bytes = 0 if self._messages else self._head_bytes + received
        if self._head_bytes > HEAD_BYTES:
            self._refuse_head(http_error(HEAD_TOO_LARGE, limit=HEAD_BYTES))

    def _forget(self, received: int) -> None:
        """Read no more of a refused request once this much came after its refusal."""
        self._head_bytes += received
        if self._head_bytes > FORGOTTEN_BYTES and self.transport is not None:
            self.transport.pause_reading()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _limit_framing(self, content: StreamReader, received: int) -> None:
        """Read no more of a body that is framing for the most part. It ends with a time-out then."""
        # aiohttp keeps trailers in memory, however many come, and calls back for each chunk of one byte.
        self._framing += received
        if self._framing > content.total_bytes + FRAMING_BYTES:
            self._reads_no_more = True
            if self.transport is not None:
                self.transport.pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Resume reading, unless no more of the body is read."""
        if not self._reads_no_more:
            super().resume_reading(resume_parser)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_timed_out(self) -> None:
        self._head_timer = None
        self._refuse_head(http_error(REQUEST_TIMEOUT, seconds=f"{self._head_timeout:g}"))

    def _refuse_head(self, error: HttpError) -> None:
        """Answer a request whose head has not arrived, and close the connection a little later."""
        self._stop_head_timer()
        if self.transport is not None:
            headers = {"X-Request-Id": str(uuid4()), "Connection": "close"}
            self.transport.write(raw_error_response(error, headers))
            if self._observation is not None:
                peer = self.transport.get_extra_info("peername") or ("",)
                self._observation.connection_refused(error.code, peer[0], headers["X-Request-Id"])
            if self.transport.can_write_eof():
                self.transport.write_eof()
        # Meanwhile what comes is read and forgotten: unread bytes would reset the connection, and the client might see
        # that instead of the response.
        self._is_refused = True
        asyncio.get_running_loop().call_later(self._linger, self.force_close)
