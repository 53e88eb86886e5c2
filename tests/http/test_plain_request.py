"""What is told of a request at a glance, aiohttp reads in it, too."""

import asyncio
from typing import Final

from aiohttp import HttpVersion11
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from chatr.adapters.http.plain_request import MOST, plain_request
from tests.watching import request

BEGUN: Final = [
    request("/api/stream?presence=1&lastEventId=12-0123abcd", X_Request_Id="a-1", Connection="keep-alive"),
    request(Last_Event_ID="12-0123abcd", Accept="text/event-stream", X_Forwarded_For="10.0.0.1, 10.0.0.2"),
]
SPOKEN: Final = (
    *(bytes([each]) for each in b"\0\t\r\n !#%&:;=?@_\x7f\x80\xff0aA"),
    *(b"\r\n", b"\r\n ", b"\r\nHost: b", b"\r\nConnection: close", b"\r\nContent-Length: 1", b"\r\nUpgrade: h2c"),
    *(b"\r\nTransfer-Encoding: chunked", b"%2F", b"&presence=0", b"HTTP/1.0", b"HEAD "),
)
EDITS: Final = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(SPOKEN)), max_size=4)


def edited(begun: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """With each of these put in at a place, instead of so many bytes there."""
    for place, gone, put in edits:
        begun = begun[:place] + put + begun[place + gone :]
    return begun


@given(st.sampled_from(BEGUN), EDITS)
async def test_what_is_plain_means_the_same_to_aiohttp(begun: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    """However a request is spoilt: where it still counts as plain, aiohttp finds in it one request, whole, without a
    body, for the same path, with the same headers and query, on a connection that stays.
    """
    arrived = edited(begun, edits)
    asked = plain_request(arrived)
    if asked is None:
        return
    loop = asyncio.get_running_loop()
    (((message, payload),), upgraded, tail) = HttpRequestParser(BaseProtocol(loop), loop, 2**16).feed_data(arrived)
    url = URL(message.path)

    assert (message.method, url.path, message.version) == ("GET", "/api/stream", HttpVersion11)
    assert [upgraded, tail, message.upgrade, message.chunked, message.should_close] == [False, b"", False, False, False]
    assert payload.is_eof()
    assert asked.query == dict(url.query)
    assert asked.headers == {name.lower(): value for name, value in message.headers.items()}


def test_what_is_plain_is_told() -> None:
    """Without it every watcher would be let in the long way round."""
    asked = [plain_request(each) for each in BEGUN]

    assert [each and each.query for each in asked] == [{"presence": "1", "lastEventId": "12-0123abcd"}, {}]


def test_no_long_request_is_looked_through() -> None:
    """What nobody needs is left to who reads it piece by piece."""
    long = [request(X_A="a" * count) for count in range(MOST - 60, MOST)]

    assert {len(each) <= MOST for each in long} == {True, False}
    assert [plain_request(each) is not None for each in long] == [len(each) <= MOST for each in long]
