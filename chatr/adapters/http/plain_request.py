"""The request that nearly every watcher sends, told at a glance. Whatever is odd about one is aiohttp's to judge."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

MOST: Final = 2 * 1024
"""Bytes that are looked at. Clients send some hundred; a large cookie may make it more, and that is slower only."""
WHOLE: Final = re.compile(
    r"GET /api/stream(?:\?([\w.~=&-]*+))?+ HTTP/1\.1\r\n((?:[\w-]++:[ -~]*+\r\n){1,32}+)\r\n", re.ASCII
)
"""Nothing here has to be decoded, folded or thrown away, so there are no two ways to read it."""
ODD: Final = frozenset(
    "content-length transfer-encoding content-encoding expect upgrade proxy-connection sec-websocket-key1".split()
)
"""Headers that announce a body, ask for another protocol, or say in other words whether the connection stays."""


@frozen
class PlainRequest:
    """A whole request for the stream with nothing odd about it. Names of headers are in lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]


def plain_request(arrived: bytes) -> PlainRequest | None:
    """What the first bytes of a connection ask for, if that is the stream, and they are that and no more."""
    found = WHOLE.fullmatch(arrived.decode("latin-1")) if len(arrived) <= MOST else None
    if found is None:
        return None
    headers = pairs(found[2], "\r\n", ":", lambda name: name.lower())
    query = pairs(found[1] or "", "&", "=", str)
    if headers is None or query is None or "host" not in headers or not ODD.isdisjoint(headers):
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return PlainRequest(headers, query)


def pairs(text: str, between: str, within: str, spelled: Callable[[str], str]) -> dict[str, str] | None:
    """Names and what follows them; None where a name is there twice, for then it matters who reads them."""
    parted = [each.partition(within) for each in text.split(between) if each]
    found = {spelled(name): value.strip() for name, _, value in parted}
    return found if len(found) == len(parted) else None
