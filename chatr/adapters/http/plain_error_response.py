"""Error responses written as bytes: they must cost less than others, or rejecting a flood costs more than serving it.

Simple alternative: aiohttp's own response, as for HTTP/1.0. It costs as much as any small response.
"""

from functools import lru_cache
from time import time
from typing import Final

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from attrs import frozen

from chatr.adapters.http.headers import belongs_to_api, default_headers, http_date, request_id_of, response_head

HEADS_CACHED: Final = 256
"""Response heads that are kept. Rate limits differ by the seconds to wait. About 1 kB each."""
Headers = tuple[tuple[str, str], ...]
"""Names and values."""


@frozen
class RenderedError:
    """An error as it is sent. `closes` ends the connection after it."""

    code: str
    status: int
    headers: Headers
    body: bytes
    closes: bool

    def as_bytes(self, request_id: str, more: Headers, *, is_api: bool, closes: bool, has_body: bool = True) -> bytes:
        """Return the whole response in HTTP/1.1, with `more` headers."""
        template = head_template(self.status, self.headers, more, len(self.body), is_api=is_api, closes=closes)
        head = template % (request_id.encode(), http_date(int(time())).encode())
        return head + self.body if has_body else head


@lru_cache(HEADS_CACHED)
def head_template(status: int, headers: Headers, more: Headers, length: int, *, is_api: bool, closes: bool) -> bytes:
    """Return a response head, in aiohttp's order of headers, with places for the request id and the date."""
    all_headers = {
        **dict(headers),
        # With the date the only part in which two responses of a kind differ, so the rest is cached.
        "X-Request-Id": "%b",
        **default_headers(is_api=is_api),
        **dict(more),
        hdrs.CONTENT_LENGTH: str(length),
        hdrs.DATE: "%b",
    }
    if closes:
        all_headers[hdrs.CONNECTION] = "close"
    return response_head(status, all_headers)


class PlainErrorResponse(web.StreamResponse):
    """The response to a request in HTTP/1.1, sent by `prepare` in one write, with `more` headers."""

    def __init__(self, request: web.BaseRequest, error: RenderedError, more: Headers) -> None:
        super().__init__(status=error.status)
        self._error = error
        self._more = more
        self._has_body = request.method != hdrs.METH_HEAD
        self._closes = error.closes or not request.keep_alive

    @property
    def prepared(self) -> bool:
        """True: no header can be added."""
        return True

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open."""
        return not self._closes

    @property
    def body_length(self) -> int:
        """The bytes of the body that are sent."""
        return len(self._error.body) if self._has_body else 0

    def force_close(self) -> None:
        """Close the connection after the response."""
        self._closes = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the response, and wait while the client does not read."""
        if request.transport is None:
            raise ConnectionResetError("the client has left already")
        raw = self._error.as_bytes(
            request_id_of(request),
            self._more,
            is_api=belongs_to_api(request.path),
            closes=self._closes,
            has_body=self._has_body,
        )
        request.transport.write(raw)
        await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: `prepare` has sent everything."""
