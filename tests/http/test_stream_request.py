"""What chatr parses as a plain request for the stream, aiohttp parses alike."""

import asyncio
from typing import Final

from aiohttp import HttpVersion11
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from chatr.adapters.http.stream.stream_request import MAX_BYTES, parse_stream_request
from tests.stream_client import request

REQUESTS: Final = [
    request("/api/stream?presence=1&lastEventId=12-0123abcd", X_Request_Id="a-1", Connection="keep-alive"),
    request(Last_Event_ID="12-0123abcd", Accept="text/event-stream", X_Forwarded_For="10.0.0.1, 10.0.0.2"),
]
INSERTIONS: Final = (
    *(bytes([each]) for each in b"\0\t\r\n !#%&:;=?@_\x7f\x80\xff0aA"),
    *(b"\r\n", b"\r\n ", b"\r\nHost: b", b"\r\nConnection: close", b"\r\nContent-Length: 1", b"\r\nUpgrade: h2c"),
    *(b"\r\nTransfer-Encoding: chunked", b"%2F", b"&presence=0", b"HTTP/1.0", b"HEAD "),
)
EDITS: Final = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(INSERTIONS)), max_size=4)


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Replace so many bytes at a place by others, once for each edit."""
    for place, removed, inserted in edits:
        data = data[:place] + inserted + data[place + removed :]
    return data


@given(st.sampled_from(REQUESTS), EDITS, st.sampled_from(["", "/chat", "/a.b/caf%C3%A9", "/api"]))
async def test_aiohttp_parses_plain_requests_alike(
    original: bytes, edits: list[tuple[int, int, bytes]], base_path: str
) -> None:
    """However a request is edited: where it still counts as plain, aiohttp finds in it one whole request without a
    body, for the same path, with the same headers and query, on a connection that stays open.
    """
    data = edited(original.replace(b"GET ", b"GET " + base_path.encode()), edits)
    parsed = parse_stream_request(data, base_path)
    if parsed is None:
        return
    loop = asyncio.get_running_loop()
    (((message, payload),), upgraded, tail) = HttpRequestParser(BaseProtocol(loop), loop, 2**16).feed_data(data)
    url = URL(message.path)

    assert (message.method, message.version) == ("GET", HttpVersion11)
    assert url.raw_path in ("/api/stream", f"{base_path}/api/stream")
    assert [upgraded, tail, message.upgrade, message.chunked, message.should_close] == [False, b"", False, False, False]
    assert payload.is_eof()
    assert parsed.query == dict(url.query)
    assert parsed.headers == {name.lower(): value for name, value in message.headers.items()}


def test_plain_requests_are_recognised() -> None:
    """Otherwise all requests would be left to aiohttp."""
    parsed = [parse_stream_request(data) for data in REQUESTS]

    assert [request and request.query for request in parsed] == [{"presence": "1", "lastEventId": "12-0123abcd"}, {}]


def test_long_requests_are_left_to_aiohttp() -> None:
    """Requests of more than MAX_BYTES are not parsed."""
    requests = [request(X_A="a" * count) for count in range(MAX_BYTES - 60, MAX_BYTES)]

    assert {len(data) <= MAX_BYTES for data in requests} == {True, False}
    assert [parse_stream_request(data) is not None for data in requests] == [
        len(data) <= MAX_BYTES for data in requests
    ]
