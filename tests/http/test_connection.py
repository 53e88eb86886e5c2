"""What arrives that is no HTTP, or arrives too slowly: it gets its one answer and is hung up on."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from typing import Any

import pytest
from structlog.testing import capture_logs
from yarl import URL

from chatr.adapters.http.site import Patience
from tests.conftest import OpenRoom, Room

HURRY = Patience(head=0.05, body=0.05, linger=0.01)
HOST = b"Host: localhost\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HOST
REGISTER = b"POST /api/register HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


async def dial(room: Room) -> tuple[StreamReader, StreamWriter]:
    url = URL(room.running.url)
    return await asyncio.open_connection(url.host, url.port)


async def answered(room: Room, sent: bytes) -> bytes:
    """All that comes back until the server hangs up."""
    reader, writer = await dial(room)
    writer.write(sent)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


def told(received: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of the one answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), dict(each.split(": ", 1) for each in headers), json.loads(body)


@pytest.fixture
async def hasty_room(open_room: OpenRoom) -> Room:
    """A room with little patience."""
    return await open_room(patience=HURRY)


MALFORMED = {
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /health HTTP/x\r\n\r\n",
    "no such method": b"get /health HTTP/1.1\r\n\r\n",
    "a raw byte in the path": b"GET /\xff HTTP/1.1\r\n\r\n",
    "a space in a header's name": GET + b"A b: c\r\n\r\n",
    "a line that is no header": GET + b"nonsense\r\n\r\n",
    "a NUL in a header": GET + b"A: \x00\r\n\r\n",
    "a folded header": GET + b"A: b\r\n c\r\n\r\n",
    "two lengths": REGISTER + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length that is none": REGISTER + b"Content-Length: -2\r\n\r\n{}",
    "a length and chunks": REGISTER + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks that are none": REGISTER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
async def test_what_is_no_http(kind: str, room: Room) -> None:
    """One answer in JSON, then the connection ends: what follows on it could be anybody's."""
    status, headers, body = told(await answered(room, MALFORMED[kind]))

    assert (status, body["success"], body["code"]) == (400, False, "bad_request")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["no HTTP at all", "chunks that are none"])
async def test_what_is_no_http_is_answered_like_all_else(kind: str, room: Room) -> None:
    """The answer has a name, and tells neither the language nor the library nor a version."""
    _, headers, _ = told(await answered(room, MALFORMED[kind]))
    names = {name.lower(): value for name, value in headers.items()}

    assert (names.get("server"), "x-request-id" in names) == ("chatr", True)


HEADS = {
    "a long path": b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n",
    "a long header": GET + b"A: " + b"a" * 9_000 + b"\r\nConnection: close\r\n\r\n",
    "many headers": GET + b"".join(b"A%d: b\r\n" % number for number in range(80)) + b"Connection: close\r\n\r\n",
    "16 KiB in all": GET + b"".join(b"A%d: %b\r\n" % (number, b"a" * 3_000) for number in range(6)) + b"\r\n",
}


@pytest.mark.parametrize("kind", HEADS)
async def test_a_head_that_is_too_large(kind: str, room: Room) -> None:
    """The head of a request is bounded, and the refusal says by what."""
    status, _, body = told(await answered(room, HEADS[kind]))

    assert (status, body["code"]) == (431, "head_too_large")
    assert "16384 bytes" in body["error"]


async def test_an_expectation_that_cannot_be_met(room: Room) -> None:
    """Whatever a client expects, the answer is JSON."""
    status, headers, body = told(
        await answered(room, REGISTER + b"Connection: close\r\nExpect: a miracle\r\nContent-Length: 2\r\n\r\n{}")
    )

    assert (status, headers["Content-Type"], body["success"]) == (417, "application/json", False)


async def test_a_key_that_is_no_text(room: Room) -> None:
    """Bytes that are no UTF-8 are a stranger's key."""
    status, _, body = told(
        await answered(
            room, REGISTER.replace(b"register", b"heartbeat") + b"Connection: close\r\nX-API-Key: \xff\r\n\r\n"
        )
    )

    assert (status, body["code"]) == (401, "unauthorized")


async def test_whoever_waits_is_told_to_go_on(room: Room) -> None:
    """A client that asks before it sends its body is told to send it, and then answered."""
    reader, writer = await dial(room)
    writer.write(REGISTER + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    told_to_go_on = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"{}")
    status, _, body = told(await reader.read())
    writer.close()

    assert told_to_go_on == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (status, body["code"]) == (400, "invalid_name")


async def test_a_body_that_is_announced_too_large(hasty_room: Room) -> None:
    """Whoever announces too much is told so before sending it."""
    status, _, body = told(await answered(hasty_room, REGISTER + b"Content-Length: 1000000000\r\n\r\n{"))

    assert (status, body["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"G", id="a request line"),
        pytest.param(GET, id="headers"),
        pytest.param(GET + b"A: b", id="a header"),
        pytest.param(REGISTER + b"Content-Length: 2\r\n\r\n", id="a body"),
        pytest.param(REGISTER + b"Content-Length: 2\r\n\r\n{", id="the end of a body"),
        pytest.param(REGISTER + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", id="the last chunk"),
    ],
)
async def test_who_never_finishes_is_hung_up_on(sent: bytes, hasty_room: Room) -> None:
    """A request that stands still half-way ends with one answer: it does not hold its place for ever."""
    status, _, body = told(await answered(hasty_room, sent))

    assert (status, body["success"], body["code"]) == (408, False, "request_timeout")


@pytest.mark.parametrize("sent", [GET + b"A: ", REGISTER + b"Content-Length: 10000\r\n\r\n"], ids=["head", "body"])
async def test_who_sends_drop_by_drop_is_hung_up_on(sent: bytes, hasty_room: Room) -> None:
    """The time is for the whole, not for each byte of it."""
    reader, writer = await dial(hasty_room)
    writer.write(sent)
    hung_up, drops = asyncio.create_task(reader.read()), 0
    while not (await asyncio.wait([hung_up], timeout=0.01))[0] and drops < 100:
        writer.write(b"a")
        drops += 1
    writer.transport.abort()

    assert (hung_up.done(), drops < 100) == (True, True)


@pytest.mark.parametrize("sent", [b"", GET + b"\r\n"], ids=["at all", "any more"])
async def test_who_sends_nothing_is_hung_up_on(sent: bytes, open_room: OpenRoom) -> None:
    """A connection without a request is not kept open for ever."""
    received = await answered(await open_room(patience=Patience(idle=0.05)), sent)

    assert received.count(b"HTTP/1.1 ") == len(sent[:1])


async def test_who_hangs_up_made_no_mistake_of_ours(room: Room) -> None:
    """Clients come and go: a request that breaks off is no error in the operator's log."""
    with capture_logs() as logs:
        _, writer = await dial(room)
        writer.write(REGISTER + b"Content-Length: 100\r\n\r\n{")
        await room.get("/health")
        writer.transport.abort()
        await room.get("/health")

    assert [each for each in logs if each["log_level"] == "error"] == []


async def test_requests_in_one_piece_are_answered_in_order(room: Room) -> None:
    """Pipelined requests are one answer each, in the order in which they were asked."""
    received = await answered(room, GET + b"\r\n" + b"GET /nope HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")

    assert received.count(b"HTTP/1.1 ") == 2
    assert received.index(b'"status":"ok"') < received.index(b'"not_found"')


async def test_an_old_client_is_answered(room: Room) -> None:
    """HTTP/1.0 without a Host header, as a load balancer's probe may be."""
    assert (await answered(room, b"GET /health HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200 OK\r\n")
