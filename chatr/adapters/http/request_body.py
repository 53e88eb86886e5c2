"""Reading of a request: the size of its head is checked, and its body is read whole."""

import asyncio
from contextlib import nullcontext
from itertools import chain
from typing import Final

from aiohttp import hdrs, web

from chatr.adapters.http.error_catalogue import (
    BODY_BYTES,
    BODY_TOO_LARGE,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    UNSUPPORTED_MEDIA_TYPE,
    http_error,
)

PLAIN_ENCODINGS: Final = ("", "identity", "chunked")
"""Values of Content-Encoding and Transfer-Encoding that leave a body as it is."""


async def read_body(request: web.BaseRequest, timeout: float) -> None:
    """Read the whole request, so that handlers need not wait for it. Raises HttpError where it is too large or slow."""
    # aiohttp limits single headers and their number: 40 headers of 4 KiB would pass.
    if len(request.raw_path) + sum(map(len, chain.from_iterable(request.raw_headers))) > HEAD_BYTES:
        raise http_error(HEAD_TOO_LARGE, limit=HEAD_BYTES, closes=True)
    headers = request.headers
    # Nothing is decompressed: a small body must stay small (CVE-2025-69223 was a decompression bomb in aiohttp).
    if (
        headers.get(hdrs.CONTENT_ENCODING, "").lower() not in PLAIN_ENCODINGS
        or headers.get(hdrs.TRANSFER_ENCODING, "").lower() not in PLAIN_ENCODINGS
    ):
        raise http_error(UNSUPPORTED_MEDIA_TYPE, closes=True)
    if (request.content_length or 0) > BODY_BYTES:
        raise http_error(BODY_TOO_LARGE, limit=BODY_BYTES, closes=True)
    if request.can_read_body:
        try:
            # Most bodies have arrived with the head, and a time-out costs more than reading them.
            async with nullcontext() if request.content.is_eof() else asyncio.timeout(timeout):
                await request.read()
        except TimeoutError as error:
            raise http_error(REQUEST_TIMEOUT, seconds=f"{timeout:g}", closes=True) from error
        except web.HTTPRequestEntityTooLarge as error:  # a chunked body announces no length
            raise http_error(BODY_TOO_LARGE, limit=BODY_BYTES, closes=True) from error
