"""Parsing of a plain request for the stream, in one regular expression. All other requests are left to aiohttp."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from attrs import frozen

from chatr.adapters.http.headers import request_id_for

MAX_BYTES: Final = 2 * 1024
"""Larger requests are left to aiohttp. Clients send some hundred bytes, more only with a large cookie."""
# Printable ASCII only, nothing that has to be decoded, folded or skipped: aiohttp cannot read it in another way.
# Possessive quantifiers (++, *+) never backtrack, so no request can make the match slow.
PLAIN_REQUEST: Final = r"/api/stream(?:\?([\w.~=&,-]*+))?+ HTTP/1\.1\r\n((?:[\w-]++:[ -~]*+\r\n){1,32}+)\r\n"
"""A regular expression of the request, behind the method and the base path."""
UNSUPPORTED_HEADERS: Final = frozenset(
    "content-length transfer-encoding content-encoding expect upgrade proxy-connection sec-websocket-key1".split()
)
"""Headers that announce a body, ask for another protocol, or say whether the connection is kept."""


@frozen
class StreamRequest:
    """A request for the stream, with the id for its response.

    Header names are in lower case; no header and no query parameter comes twice.
    """

    headers: Mapping[str, str]
    query: Mapping[str, str]
    request_id: str


def parse_stream_request(data: bytes, base_path: str = "") -> StreamRequest | None:
    """Return the request if `data` is one whole, plain request for the stream and nothing else, else None.

    Its path may begin with `base_path`. If that is percent-encoded in another way, the request is left to aiohttp.
    """
    found = plain_request(base_path).fullmatch(data.decode("latin-1")) if len(data) <= MAX_BYTES else None
    if found is None:
        return None
    headers = unique_pairs(found[2], "\r\n", ":", lambda name: name.lower())
    query = unique_pairs(found[1] or "", "&", "=", str)
    # Every unusual request is left to aiohttp, so that the two parsers cannot differ in how they understand it.
    if headers is None or query is None or "host" not in headers or not UNSUPPORTED_HEADERS.isdisjoint(headers):
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return StreamRequest(headers, query, request_id_for(headers.get("x-request-id", "")))


@cache  # a process has one base path, tests aside
def plain_request(base_path: str) -> re.Pattern[str]:
    """Return the pattern of a plain request for the stream, at the root or below the base path."""
    return re.compile(f"GET (?:{re.escape(base_path)})?{PLAIN_REQUEST}", re.ASCII)


def unique_pairs(text: str, separator: str, assignment: str, normalize: Callable[[str], str]) -> dict[str, str] | None:
    """Return names and values, or None if a name comes twice: which of them counts depends on the parser."""
    parts = [part.partition(assignment) for part in text.split(separator) if part]
    pairs = {normalize(name): value.strip() for name, _, value in parts}
    return pairs if len(pairs) == len(parts) else None
