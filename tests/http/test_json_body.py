"""A request body must be one shallow JSON object in UTF-8, uncompressed, of at most 16 KiB."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from chatr.adapters.http.http_settings import HttpTimeouts
from tests.conftest import OpenRoom, Response, Room

JSON = {"Content-Type": "application/json"}
MAX_BODY_BYTES = 16 * 1024


async def send(room: Room, body: object, **headers: str) -> Response:
    """Send exactly these bytes to POST /api/register."""
    more_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await room.request("POST", "/api/register", data=body, headers=JSON | more_headers)


def nested(depth: int) -> bytes:
    """Return an object of that depth."""
    return b'{"name": "Ada", "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


NOT_AN_OBJECT = [b"", b" ", b"{", b"[]", b'["name", "Ada"]', b'"name"', b"null", b"7", b"true", b"name=Ada"]
NOT_JSON = [
    b'{"name": "Ada"} {}',
    b'{"name": "Ada",}',
    b"{'name': 'Ada'}",
    b"{name: 'Ada'}",
    b'{"name": "Ada"} // remark',
    b'{"name": "A\nda"}',
    b'{"name": "Ada"}\x00',
    b'{"name": "\\x41da"}',
]
INVALID_NUMBERS = [
    b'{"name": "Ada", "x": %b}' % number for number in (b"NaN", b"Infinity", b"-Infinity", b"01", b"1e400", b"-1e400")
]
TOO_LARGE_NUMBERS = [
    b'{"name": "Ada", "x": %b}' % number
    for number in (b"9007199254740993", b"-9007199254740993", b"1" * 30, b"1" * 5000)
]
DUPLICATE_KEYS = [
    b'{"name": "Ada", "name": "Bob"}',
    b'{"name": "Ada", "n\\u0061me": "Bob"}',
    b'{"name": "Ada", "x": [{"a": 1, "a": 1}]}',
]
INVALID_TEXT = [
    b'\xef\xbb\xbf{"name": "Ada"}',
    b'{"name": "\xff"}',
    b'{"name": "\xc1\x81da"}',
    b'{"name": "\xed\xa0\x80"}',
    b'{"name": "Ada", "x": "\\ud800"}',
    b'{"name": "Ada", "x": "\\udc00\\ud800"}',
    b'{"name": "Ada", "\\ud800": 1}',
    '{"name": "Ada"}'.encode("utf-16"),
    '{"name": "Ada"}'.encode("utf-32-le"),
]
TOO_DEEP = [nested(17), nested(1_000), nested(MAX_BODY_BYTES // 2 - 20), b'{"x":' * 2_000 + b"1" + b"}" * 2_000]


@pytest.mark.parametrize(
    "body",
    [*NOT_AN_OBJECT, *NOT_JSON, *INVALID_NUMBERS, *TOO_LARGE_NUMBERS, *DUPLICATE_KEYS, *INVALID_TEXT, *TOO_DEEP],
    ids=lambda body: repr(body[:40]),
)
async def test_invalid_json_is_rejected(body: bytes, room: Room) -> None:
    """What two parsers could read differently, or could fail on, is answered with 400 and the reason."""
    answer = await send(room, body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_json")
    assert answer.json["error"].startswith("The body must be one JSON object in UTF-8: ")


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_body_is_called_empty(body: bytes, room: Room) -> None:
    """The error about a body without content says that it is empty."""
    answer = await send(room, body)

    assert (answer.status, answer.json["reason"]) == (400, "it is empty")


@pytest.mark.parametrize(
    "body",
    [
        b' \r\n\t{ "name" : "Ada" } \n',
        b'{"name": "\\u0041da"}',
        b'{"name": "Ada", "avatar": "\\ud83e\\udd16"}',
        b'{"name": "Ada", "x": 9007199254740992, "y": -9007199254740992, "z": 0.1}',
        b'{"name": "Ada", "": {"name": "Bob"}}',
        nested(16),
    ],
)
async def test_unusual_but_valid_json_is_accepted(body: bytes, room: Room) -> None:
    """White space, escapes, the largest numbers and the greatest depth are valid."""
    answer = await send(room, body)

    assert (answer.status, answer.json["agent"]["name"]) == (200, "Ada")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
async def test_all_spellings_of_the_json_media_type_are_accepted(content_type: str, room: Room) -> None:
    """Case does not matter, and neither does a charset parameter for UTF-8."""
    assert (await send(room, b'{"name": "Ada"}', Content_Type=content_type)).status == 200


FORM_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
SIMILAR_TYPES = ["text/json", "application/jsonp", "application/problem+json", ";", "*/*"]
OTHER_CHARSETS = ["application/json; charset=latin-1", "application/json; charset=utf-16"]


@pytest.mark.parametrize("content_type", [*FORM_TYPES, *SIMILAR_TYPES, *OTHER_CHARSETS])
async def test_another_media_type_is_rejected(content_type: str, room: Room) -> None:
    """Forms and plain text, which pages of other sites can send without a preflight, are answered with 415."""
    answer = await send(room, b'{"name": "Ada"}', Content_Type=content_type)

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json["error"]


async def test_a_body_without_a_media_type_is_rejected(room: Room) -> None:
    """The media type is never guessed."""
    answer = await room.request("POST", "/api/register", data=b'{"name": "Ada"}', skip_auto_headers=["Content-Type"])

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


COMPRESSED = {
    "gzip": gzip.compress(b'{"name": "Ada"}'),
    "deflate": zlib.compress(b'{"name": "Ada"}'),
    "br": b"x",
    "zstd": b"x",
    "identity, gzip": b"x",
    "GZIP": gzip.compress(b" " * 10_000_000),
}


@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("path", ["/api/register", "/api/messages", "/api/heartbeat", "/api/disconnect"])
async def test_a_compressed_body_is_rejected(path: str, encoding: str, room: Room) -> None:
    """Nothing is decompressed, not even where bodies are ignored: a small body must stay small."""
    ada = await room.register()
    headers = JSON | {"Content-Encoding": encoding}
    answer = await room.request("POST", path, agent=ada, data=COMPRESSED[encoding], headers=headers)

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert "uncompressed" in answer.json["error"]


async def test_a_body_of_the_largest_size_is_accepted(room: Room) -> None:
    """16 KiB are read to the last byte."""
    assert (await send(room, b'{"name": "Ada"}'.ljust(MAX_BODY_BYTES))).status == 200


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield the body in pieces, so that the client sends it as chunks."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10 * MAX_BODY_BYTES])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_larger_body_is_rejected(size: int, chunked: bool, open_room: OpenRoom) -> None:
    """One byte more is answered with 413 and the limit, whether or not the length was announced."""
    room = await open_room(timeouts=HttpTimeouts(linger=0.1))
    body = b'{"name": "Ada"}'.ljust(size)
    answer = await send(room, in_pieces(body) if chunked else body)

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert answer.json["error"] == "The body may have at most 16384 bytes. Send a shorter one."


async def test_a_chunked_body_is_accepted(room: Room) -> None:
    """A body whose length is not announced is read like any other."""
    assert (await send(room, in_pieces(b'{"name": "Ada"}'.ljust(5_000)))).status == 200
