"""The response to a request beyond the rate limit. It must cost less than answering, or a flood costs more than use.

Simple alternative: raise `rate_limit_error`, as for all other limits. HTTP/1.0, HEAD and clients that close get it so.
"""

from collections.abc import Mapping
from functools import lru_cache
from time import time
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from chatr.adapters.http.admission.admission import Admission, whole_seconds
from chatr.adapters.http.error_catalogue import PROBLEM, REQUEST_RATE_LIMITED, http_error
from chatr.adapters.http.errors import render_error
from chatr.adapters.http.headers import default_headers, request_id_for, response_head
from chatr.adapters.http.stream.response_head import http_date

Headers = tuple[tuple[str, str], ...]
"""Names and values."""
RESPONSES_CACHED: Final = 256
"""Rendered responses that are kept: they differ by the seconds to wait. About 1 kB each."""
SIMPLE_METHODS: Final = (hdrs.METH_GET, hdrs.METH_POST)
"""Methods whose refusal has a body and needs no headers of its own."""


class RefusedRequest(web.StreamResponse):
    """A response that is bytes already, on a connection that stays open."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(status=REQUEST_RATE_LIMITED.status)
        self._raw = raw

    @property
    def prepared(self) -> bool:
        """True: no header can be added."""
        return True

    @property
    def keep_alive(self) -> bool:
        """True: the connection stays open."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the response, and wait while the client does not read."""
        if request.transport is None:
            raise ConnectionResetError("the client has left already")
        request.transport.write(self._raw)
        await request.writer.drain()
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: `prepare` has sent everything."""


def count_request(
    request: web.BaseRequest, admission: Admission, headers: Mapping[str, str]
) -> web.StreamResponse | None:
    """Count a request; return or raise the 429, with `headers`, where its address has made too many."""
    address = admission.client_address(request)
    if not can_be_refused_cheaply(request):
        admission.count_request(address)
    elif wait := admission.try_request(address):
        return refused_request(request, admission.request_limit, whole_seconds(wait), tuple(headers.items()))
    return None


def can_be_refused_cheaply(request: web.BaseRequest) -> bool:
    """Whether `refused_request` can answer: the client speaks HTTP/1.1, reads a body and keeps its connection."""
    return request.version == HttpVersion11 and request.keep_alive and request.method in SIMPLE_METHODS


def refused_request(request: web.BaseRequest, limit: str, seconds: int, headers: Headers) -> web.StreamResponse:
    """Return the 429 response: `limit` is reached, and the next request may be made in `seconds`."""
    head, body = rendered(
        limit,
        seconds,
        is_problem=PROBLEM in request.headers.get(hdrs.ACCEPT, ""),
        is_api=request.rel_url.path_safe.startswith("/api/"),
        headers=headers,
    )
    request_id = request_id_for(request.headers.get("X-Request-Id", ""))
    return RefusedRequest(head % (request_id.encode(), http_date(int(time()))) + body)


@lru_cache(RESPONSES_CACHED)
def rendered(limit: str, seconds: int, *, is_problem: bool, is_api: bool, headers: Headers) -> tuple[bytes, bytes]:
    """Return the head, with places for the request id and the date, and the body."""
    error = http_error(REQUEST_RATE_LIMITED, limit=limit, retryAfter=seconds)
    response = render_error(error, accept=PROBLEM if is_problem else "")
    body = response.body
    assert isinstance(body, bytes)
    all_headers: dict[str, str] = {
        **response.headers,
        "X-Request-Id": "%b",
        **default_headers(is_api=is_api),
        **dict(headers),
        hdrs.CONTENT_LENGTH: str(len(body)),
        hdrs.DATE: "%b",
    }
    return response_head(error.status, all_headers), body
