"""What may stand in the body of a request: one shallow JSON object in UTF-8, uncompressed, of 16 KiB at most."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from tests.conftest import Answer, Room

JSON = {"Content-Type": "application/json"}
LARGEST = 16 * 1024


async def send(room: Room, body: object, **headers: str) -> Answer:
    """Register with exactly these bytes."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await room.ask("POST", "/api/register", data=body, headers=JSON | given)


def nested(depth: int) -> bytes:
    """An object that is `depth` deep."""
    return b'{"name": "Ada", "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


NO_OBJECT = [b"", b" ", b"{", b"[]", b'["name", "Ada"]', b'"name"', b"null", b"7", b"true", b"name=Ada"]
NO_JSON = [
    b'{"name": "Ada"} {}',
    b'{"name": "Ada",}',
    b"{'name': 'Ada'}",
    b"{name: 'Ada'}",
    b'{"name": "Ada"} // remark',
    b'{"name": "A\nda"}',
    b'{"name": "Ada"}\x00',
    b'{"name": "\\x41da"}',
]
NO_NUMBERS = [
    b'{"name": "Ada", "x": %b}' % each for each in (b"NaN", b"Infinity", b"-Infinity", b"01", b"1e400", b"-1e400")
]
TOO_LARGE_NUMBERS = [
    b'{"name": "Ada", "x": %b}' % each for each in (b"9007199254740993", b"-9007199254740993", b"1" * 30, b"1" * 5000)
]
DUPLICATES = [
    b'{"name": "Ada", "name": "Bob"}',
    b'{"name": "Ada", "n\\u0061me": "Bob"}',
    b'{"name": "Ada", "x": [{"a": 1, "a": 1}]}',
]
NO_TEXT = [
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
TOO_DEEP = [nested(17), nested(1_000), nested(LARGEST // 2 - 20), b'{"x":' * 2_000 + b"1" + b"}" * 2_000]


@pytest.mark.parametrize(
    "body",
    [*NO_OBJECT, *NO_JSON, *NO_NUMBERS, *TOO_LARGE_NUMBERS, *DUPLICATES, *NO_TEXT, *TOO_DEEP],
    ids=lambda body: repr(body[:40]),
)
async def test_what_is_no_body(body: bytes, room: Room) -> None:
    """Whatever two programs could read in two ways, or could choke on, is refused with its reason."""
    answer = await send(room, body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_json")
    assert answer.json["error"].startswith("The body must be one JSON object in UTF-8: ")


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
async def test_an_odd_body_that_will_do(body: bytes, room: Room) -> None:
    """The bounds themselves are within bounds."""
    answer = await send(room, body)

    assert (answer.status, answer.json["agent"]["name"]) == (200, "Ada")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
async def test_a_type_that_will_do(content_type: str, room: Room) -> None:
    """JSON is JSON, however its type is spelled."""
    assert (await send(room, b'{"name": "Ada"}', Content_Type=content_type)).status == 200


FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
NEARLY_JSON = ["text/json", "application/jsonp", "application/problem+json", ";", "*/*"]
OTHER_CHARSETS = ["application/json; charset=latin-1", "application/json; charset=utf-16"]


@pytest.mark.parametrize("content_type", [*FORMS, *NEARLY_JSON, *OTHER_CHARSETS])
async def test_another_type_is_refused(content_type: str, room: Room) -> None:
    """A form is not taken for JSON: what a foreign web page may send without asking is of another type."""
    answer = await send(room, b'{"name": "Ada"}', Content_Type=content_type)

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json["error"]


async def test_a_body_without_a_type_is_refused(room: Room) -> None:
    """The type is never guessed."""
    answer = await room.ask("POST", "/api/register", data=b'{"name": "Ada"}', skip_auto_headers=["Content-Type"])

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


COMPRESSED = {
    "gzip": gzip.compress(b'{"name": "Ada"}'),
    "deflate": zlib.compress(b'{"name": "Ada"}'),
    "br": b"x",
    "zstd": b"x",
    "identity, gzip": b"x",
    "GZIP": gzip.compress(b" " * 10_000_000),
}


@pytest.mark.parametrize("coding", COMPRESSED)
@pytest.mark.parametrize("path", ["/api/register", "/api/messages", "/api/heartbeat", "/api/disconnect"])
async def test_a_compressed_body_is_refused(path: str, coding: str, room: Room) -> None:
    """Nothing is unpacked: a small body stays a small body, also where bodies are ignored."""
    ada = await room.register()
    headers = JSON | {"Content-Encoding": coding}
    answer = await room.ask("POST", path, agent=ada, data=COMPRESSED[coding], headers=headers)

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    assert "uncompressed" in answer.json["error"]


async def test_the_largest_body(room: Room) -> None:
    """16 KiB are read to the last byte."""
    assert (await send(room, b'{"name": "Ada"}'.ljust(LARGEST))).status == 200


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("size", [LARGEST + 1, 10 * LARGEST])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_larger_body_is_refused(size: int, chunked: bool, room: Room) -> None:
    """One byte more is too much, whether its length was told before or not; the refusal tells the limit."""
    body = b'{"name": "Ada"}'.ljust(size)
    answer = await send(room, in_pieces(body) if chunked else body)

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert answer.json["error"] == "The body may have 16384 bytes at most."


async def test_a_body_in_pieces_is_a_body(room: Room) -> None:
    """A body whose length is not told before is read like any other."""
    assert (await send(room, in_pieces(b'{"name": "Ada"}'.ljust(5_000)))).status == 200
