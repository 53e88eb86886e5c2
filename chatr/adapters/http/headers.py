"""Headers that every response carries, request ids, and the head of a response as bytes."""

import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from aiohttp import hdrs, web

from chatr.adapters.http import json_rpc
from chatr.adapters.http.json_response import RESPONSE_HEADERS
from chatr.domain.keys import KEY_INSIDE

# aiohttp would name itself, Python and the versions of both in Server.
COMMON_HEADERS: Final = {"X-Content-Type-Options": "nosniff", hdrs.SERVER: "chatr"}
# Without Cache-Control, a cache would choose a lifetime: Varnish stores such a response for 120 s.
DEFAULT_HEADERS: Final = {**COMMON_HEADERS, hdrs.CACHE_CONTROL: "no-store"}
"""Headers of every response. Only the successful ones of a route have another Cache-Control: see `caching.py`."""
API_HEADERS: Final = {
    **COMMON_HEADERS,
    # Scripts of any site may use the API. No cookie is ever read, so a foreign page has no rights to misuse.
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
    hdrs.CACHE_CONTROL: "no-store",
}
"""Headers of every response under /api/ and at /mcp."""
ALLOWED_REQUEST_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-Id"
"""What a preflight response lets scripts send."""
ALLOWED_MCP_HEADERS: Final = f"{ALLOWED_REQUEST_HEADERS}, MCP-Protocol-Version, Mcp-Method, Mcp-Name"
"""What it lets them send to /mcp."""
REQUEST_ID: Final = re.compile("[A-Za-z0-9._-]{1,64}")
"""Request ids of clients that may be repeated: nothing that could break a header or a line of a log."""
ID_OF_REQUEST: Final = web.RequestKey("id", str)


def add_default_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Set the request id, the headers that every response has, and those that the handler left in the request."""
    headers = response.headers
    headers["X-Request-Id"] = request_id_of(request)
    may_be_stored = headers.get(hdrs.CACHE_CONTROL)
    headers.update(default_headers(is_api=belongs_to_api(request.path)))
    if may_be_stored is not None:
        headers[hdrs.CACHE_CONTROL] = may_be_stored
    headers.update(request.get(RESPONSE_HEADERS, {}))


def belongs_to_api(path: str) -> bool:
    """Return whether programs use what is at this path, scripts of other sites included."""
    return path.startswith("/api/") or path == json_rpc.PATH


def forwarded_for(request: web.BaseRequest) -> str:
    """Return the X-Forwarded-For of a request, "" without one."""
    # A proxy may add a header instead of appending to the one that is there: together they are one list. aiohttp gives
    # a request that it could not parse a plain dictionary.
    return ",".join(request.headers.getall("X-Forwarded-For", ())) if request.headers else ""


def default_headers(*, is_api: bool) -> Mapping[str, str]:
    """Return the headers of every response of the API, or of every other one."""
    return API_HEADERS if is_api else DEFAULT_HEADERS


def request_id_of(request: web.BaseRequest) -> str:
    """Return the id of a request: the same one for its response and for each of its log lines."""
    # Not `get`, which aiohttp's requests inherit: it raises an exception inside where there is no value.
    try:
        return request[ID_OF_REQUEST]
    except KeyError:  # aiohttp could not parse the request, so it was not dispatched
        return set_request_id(request)


def set_request_id(request: web.BaseRequest) -> str:
    """Choose the id of a request, and return it."""
    request_id = request[ID_OF_REQUEST] = request_id_for(request.headers.get("X-Request-Id", ""))
    return request_id


def request_id_for(requested: str) -> str:
    """Return the id that the client sent, if it is plain and no API key, else a new one."""
    return requested if REQUEST_ID.fullmatch(requested) and not KEY_INSIDE.search(requested) else str(uuid4())


@lru_cache(1)  # many responses are sent in the same second
def http_date(second: int) -> str:
    """Return seconds since 1970 as in RFC 9110, 5.6.7."""
    return formatdate(second, usegmt=True)


def response_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return status line and headers as HTTP/1.1, for responses that aiohttp does not write."""
    lines = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join((f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", "")).encode()
