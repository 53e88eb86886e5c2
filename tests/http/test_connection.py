"""Requests that are malformed or too slow get one JSON error response, and their connection is closed."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from typing import Any

import pytest
from structlog.testing import capture_logs
from yarl import URL

from chatr.adapters.http.http_settings import HttpTimeouts
from tests.conftest import OpenRoom, Room
from tests.stream_client import connected, read_response

SHORT_TIMEOUTS = HttpTimeouts(head=0.05, body=0.05, linger=0.01)
HOST = b"Host: localhost\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HOST
REGISTER = b"POST /api/register HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


async def open_connection(room: Room) -> tuple[StreamReader, StreamWriter]:
    url = URL(room.running.url)
    return await asyncio.open_connection(url.host, url.port)


async def send(room: Room, data: bytes) -> bytes:
    """Send these bytes on a new connection; return what comes back until the server closes it."""
    reader, writer = await open_connection(room)
    writer.write(data)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


def parse_response(received: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of the only response."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in headers), json.loads(body)


@pytest.fixture
async def short_timeout_room(open_room: OpenRoom) -> Room:
    """A room with short time-outs."""
    return await open_room(timeouts=SHORT_TIMEOUTS)


MALFORMED = {
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a malformed version": b"GET /health HTTP/x\r\n\r\n",
    "a method in lower case": b"get /health HTTP/1.1\r\n\r\n",
    "a raw byte in the path": b"GET /\xff HTTP/1.1\r\n\r\n",
    "a space in a header's name": GET + b"A b: c\r\n\r\n",
    "a line that is no header": GET + b"nonsense\r\n\r\n",
    "a NUL in a header": GET + b"A: \x00\r\n\r\n",
    "a folded header": GET + b"A: b\r\n c\r\n\r\n",
    "two lengths": REGISTER + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a negative length": REGISTER + b"Content-Length: -2\r\n\r\n{}",
    "a length and chunks": REGISTER + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "malformed chunks": REGISTER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
async def test_a_malformed_request_is_answered_with_400(kind: str, room: Room) -> None:
    """One JSON response, then the connection is closed: what follows on it could be a smuggled request."""
    status, headers, body = parse_response(await send(room, MALFORMED[kind]))

    assert (status, body["success"], body["code"]) == (400, False, "bad_request")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["a TLS handshake", "malformed chunks"])
async def test_the_response_to_a_malformed_request_has_the_default_headers(kind: str, room: Room) -> None:
    """It has a request id, and its Server header names no language, library or version."""
    _, headers, _ = parse_response(await send(room, MALFORMED[kind]))
    names = {name.lower(): value for name, value in headers.items()}

    assert (names.get("server"), "x-request-id" in names) == ("chatr", True)


HEADS = {
    "a long path": b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a long header": GET + b"A: " + b"a" * 17_000 + b"\r\nConnection: close\r\n\r\n",
    "many headers": GET + b"".join(b"A%d: b\r\n" % number for number in range(110)) + b"Connection: close\r\n\r\n",
    "32 KiB in all": GET + b"".join(b"A%d: %b\r\n" % (number, b"a" * 3_000) for number in range(11)) + b"\r\n",
}


@pytest.mark.parametrize("kind", HEADS)
async def test_a_request_head_that_is_too_large_is_answered_with_431(kind: str, room: Room) -> None:
    """The error states the limit."""
    status, _, body = parse_response(await send(room, HEADS[kind]))

    assert (status, body["code"]) == (431, "head_too_large")
    assert "32768 bytes" in body["error"]
    assert "100 headers" in body["error"]


async def test_a_request_head_without_an_end_is_refused_early(room: Room) -> None:
    """The bytes of all headers are counted as they come, and not only when the last one is there."""
    async with connected(room.running.url) as (reader, writer):
        writer.write(GET)
        for number in range(10):
            writer.write(b"A%d: %b\r\n" % (number, b"a" * 10_000))
        await writer.drain()
        status, _, body = parse_response(await reader.read())

    assert (status, body["code"]) == (431, "head_too_large")


async def test_late_bodies_do_not_count_as_heads(room: Room) -> None:
    """The body of a refused request may arrive after the response. The next request has all the bytes of a head."""
    head = GET + b"".join(b"A%d: %b\r\n" % (number, b"a" * 1_000) for number in range(30)) + b"\r\n"
    parts = [b"b" * 7_000, head[:-2], head[-2:]]
    async with connected(room.running.url) as (reader, writer):
        writer.write(b"POST /nope HTTP/1.1\r\n" + HOST + b"Content-Length: 7000\r\n\r\n")
        refused = await read_response(reader, writer)
        await reader.readexactly(int(refused.headers["content-length"]))
        for part in parts:
            writer.write(part)
            await room.get("/health")  # meanwhile the server reads what has arrived
        response = await read_response(reader, writer)

    assert (refused.status, response.status) == (404, 200)


LARGE_HEADS = {
    "one cookie": b"Cookie: " + b"c" * 10_240 + b"\r\n",
    "many cookies": b"".join(b"Cookie: a%d=%b\r\n" % (number, b"c" * 3_000) for number in range(8)),
    "many headers": b"".join(b"X-Forwarded-%d: b\r\n" % number for number in range(80)),
    "a long X-Forwarded-For": b"X-Forwarded-For: " + b"192.0.2.1, " * 1_000 + b"192.0.2.2\r\n",
}


@pytest.mark.parametrize("kind", LARGE_HEADS)
async def test_headers_of_a_single_sign_on_are_accepted(kind: str, room: Room) -> None:
    """Proxies pass on the cookies of the whole site, and add headers of their own."""
    raw = await send(room, GET.replace(b"GET / ", b"GET /health ") + LARGE_HEADS[kind] + b"Connection: close\r\n\r\n")

    assert parse_response(raw)[0] == 200


REASONS = {
    "TLS": (bytes.fromhex("16030100c8010000c40303"), "https address"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1"),
    "the PROXY protocol": (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" + GET + b"\r\n", "PROXY protocol"),
    "its second version": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + GET + b"\r\n", "PROXY protocol"),
    "no HTTP at all": (b"SSH-2.0-OpenSSH_9\r\n", "method"),
    "HTTP/3": (b"GET / HTTP/3\r\n" + HOST + b"\r\n", "first line"),
    "no version": (b"GET /health\r\n" + HOST + b"\r\n", "first line"),
    "HTTP/0.9": (b"GET /health\r\n\r\n", "first line"),
    "HTTP/2 in the first line": (b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n", "first line"),
    "a bad chunk": (MALFORMED["malformed chunks"], "chunk"),
    "two lengths": (MALFORMED["two lengths"], "Content-Length"),
    "a negative length": (MALFORMED["a negative length"], "Content-Length"),
    "a length and chunks": (MALFORMED["a length and chunks"], "exclude each other"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "Host"),
    "a bad header": (MALFORMED["a line that is no header"], "NAME: VALUE"),
}
"""Malformed requests, and what the error says of them."""


@pytest.mark.parametrize("kind", REASONS)
async def test_the_error_says_what_is_malformed(kind: str, room: Room) -> None:
    """Whoever configures a proxy reads what to change, and nothing of the request is repeated."""
    raw, reason = REASONS[kind]
    status, _, body = parse_response(await send(room, raw))

    assert (status, reason in body["error"]) == (400, True), body
    assert not any(part in body["error"] for part in ("OpenSSH", "192.0.2.1", "nonsense", "zz"))


async def test_an_unknown_expectation_is_answered_with_417(room: Room) -> None:
    """The response is JSON like all others."""
    status, headers, body = parse_response(
        await send(room, REGISTER + b"Connection: close\r\nExpect: a miracle\r\nContent-Length: 2\r\n\r\n{}")
    )

    assert (status, headers["Content-Type"], body["success"]) == (417, "application/json", False)


async def test_a_key_that_is_not_utf8_is_unknown(room: Room) -> None:
    """Such a key is answered with 401, like any unknown key."""
    status, _, body = parse_response(
        await send(room, REGISTER.replace(b"register", b"heartbeat") + b"Connection: close\r\nX-API-Key: \xff\r\n\r\n")
    )

    assert (status, body["code"]) == (401, "unauthorized")


async def test_a_client_that_expects_100_continue_gets_it(room: Room) -> None:
    """A client that waits before it sends the body gets 100 Continue, and then the response to its request."""
    reader, writer = await open_connection(room)
    writer.write(REGISTER + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    interim_response = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"{}")
    status, _, body = parse_response(await reader.read())
    writer.close()

    assert interim_response == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (status, body["code"]) == (400, "invalid_name")


async def test_a_body_that_is_announced_as_too_large_is_rejected_before_it_is_sent(short_timeout_room: Room) -> None:
    """The error response does not wait for the body."""
    status, _, body = parse_response(await send(short_timeout_room, REGISTER + b"Content-Length: 1000000000\r\n\r\n{"))

    assert (status, body["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"G", id="a request line"),
        pytest.param(GET, id="headers"),
        pytest.param(GET + b"A: b", id="a header"),
        pytest.param(REGISTER + b"Content-Length: 2\r\n\r\n", id="a body"),
        pytest.param(REGISTER + b"Content-Length: 2\r\n\r\n{", id="the end of a body"),
        pytest.param(REGISTER + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", id="the last chunk"),
    ],
)
async def test_an_unfinished_request_times_out(data: bytes, short_timeout_room: Room) -> None:
    """A request that stops in the middle is answered with 408, and its connection is closed."""
    status, _, body = parse_response(await send(short_timeout_room, data))

    assert (status, body["success"], body["code"]) == (408, False, "request_timeout")


@pytest.mark.parametrize("data", [GET + b"A: ", REGISTER + b"Content-Length: 10000\r\n\r\n"], ids=["head", "body"])
async def test_a_request_that_is_sent_byte_by_byte_times_out(data: bytes, short_timeout_room: Room) -> None:
    """The time-out is for the whole head or body, not for each byte of it."""
    reader, writer = await open_connection(short_timeout_room)
    writer.write(data)
    closed, sent_bytes = asyncio.create_task(reader.read()), 0
    while not (await asyncio.wait([closed], timeout=0.01))[0] and sent_bytes < 100:
        writer.write(b"a")
        sent_bytes += 1
    writer.transport.abort()

    assert (closed.done(), sent_bytes < 100) == (True, True)


@pytest.mark.parametrize("data", [b"", GET + b"\r\n"], ids=["no request", "no second request"])
async def test_an_idle_connection_is_closed(data: bytes, open_room: OpenRoom) -> None:
    """It is closed after the idle time-out, whether or not a request was sent on it before."""
    room = await open_room(idle_timeout=0.05, timeouts=HttpTimeouts(first_byte=0.05))
    received = await send(room, data)

    assert received.count(b"HTTP/1.1 ") == len(data[:1])


async def test_a_request_that_is_cut_off_is_not_logged_as_an_error(room: Room) -> None:
    """Clients come and go, and must not fill the operator's log."""
    with capture_logs() as logs:
        _, writer = await open_connection(room)
        writer.write(REGISTER + b"Content-Length: 100\r\n\r\n{")
        await room.get("/health")
        writer.transport.abort()
        await room.get("/health")

    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_pipelined_requests_are_answered_in_order(room: Room) -> None:
    """Each request gets one response, in the order in which they were sent."""
    received = await send(room, GET + b"\r\n" + b"GET /nope HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")

    assert received.count(b"HTTP/1.1 ") == 2
    assert received.index(b'"status":"ok"') < received.index(b'"not_found"')


async def test_http_1_0_without_a_host_header_is_answered(room: Room) -> None:
    """Probes of load balancers may send that."""
    assert (await send(room, b"GET /health HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200 OK\r\n")
