"""The response head of the stream: as headers for aiohttp, and as bytes for the first-bytes path."""

from time import time
from typing import Final

from chatr.adapters.http.caching import STREAM
from chatr.adapters.http.headers import API_HEADERS, http_date, response_head

STREAM_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",  # requests and others read text as Latin-1 without it
    "Cache-Control": STREAM.control,
    "X-Accel-Buffering": "no",  # nginx would buffer frames
}
CONSTANT_HEAD: Final = response_head(
    200, {**STREAM_HEADERS, "Transfer-Encoding": "chunked", **API_HEADERS, "Cache-Control": STREAM.control}
).removesuffix(b"\r\n")
"""The part of the head that is the same in all responses."""


def stream_response_head(request_id: str) -> bytes:
    """Return the head, with the same headers that aiohttp would write."""
    date = http_date(int(time()))
    return b"%bDate: %b\r\nX-Request-Id: %b\r\n\r\n" % (CONSTANT_HEAD, date.encode(), request_id.encode())
