"""JSON responses: the types of `chatr.wire` as bytes, with their headers."""

from typing import Final

from aiohttp import web
from msgspec import Struct
from msgspec.json import Encoder

RESPONSE_HEADERS: Final = web.RequestKey("headers", dict[str, str])
"""Key of the request under which a handler leaves headers for its response. An error response gets them too."""

# One encoder for all: `msgspec.json.encode` makes a new one at each call.
encode: Final = Encoder().encode
"""Encode a wire type as JSON in UTF-8, without white space."""


def json_response(body: bytes) -> web.Response:
    """Return a response with status 200 and `body`, which is JSON already."""
    return web.Response(body=body, content_type="application/json")


def as_response(result: Struct | web.StreamResponse) -> web.StreamResponse:
    """Return what a handler returned as a response. A wire type becomes JSON with status 200."""
    return result if isinstance(result, web.StreamResponse) else json_response(encode(result))
