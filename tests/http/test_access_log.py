"""The access log, and debug lines about refusals: what they say of a request, and what they never say."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from chatr.adapters.http.http_settings import HttpTimeouts
from chatr.adapters.http.observation import MAX_LOGGED_PATH, loggable_path, truncated
from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.keys import key_from_random
from chatr.ports import LogUnavailable
from chatr.setting_values import parse_networks
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom, Response, Room
from tests.stream_client import connected, read_response, request, watching

KEY: Final = key_from_random("A1b2C3d4E5" * 3)


def lines_of(lines: Iterable[Mapping[str, Any]], event: str = "request_answered") -> list[dict[str, Any]]:
    """Return the lines about this event, each without the time that the request took."""
    return [
        {name: value for name, value in line.items() if name != "seconds"} for line in lines if line["event"] == event
    ]


async def test_nothing_is_logged_about_requests_by_default(open_room: OpenRoom) -> None:
    """Without --access-log and --log-level debug neither a response nor a refusal is a line."""
    room = await open_room()
    with capture_logs() as lines:
        await room.register()
        await room.get("/api/nope")

    assert lines == []


async def test_a_request_is_one_line(open_room: OpenRoom) -> None:
    """It has method, route, status, duration, bytes, request id and the /24 of the client."""
    room = await open_room(access_log=True)
    with capture_logs() as lines:
        answer = await room.get("/api/messages?limit=3&q=secret")
    (line,) = lines

    assert 0 < line.pop("seconds") < 60
    assert line == {
        "event": "request_answered",
        "log_level": "info",
        "method": "GET",
        "route": "/api/messages",
        "status": 200,
        "bytes": len(answer.raw),
        "request_id": answer.headers["X-Request-ID"],
        "address": "127.0.0.0/24",
    }


async def no_route(room: Room) -> Response:
    return await room.get("/a/path%0A%1B[31m?query=secret")


async def no_method(room: Room) -> Response:
    return await room.request("DELETE", "/api/messages")


async def head(room: Room) -> Response:
    return await room.request("HEAD", "/api/agents")


async def no_key(room: Room) -> Response:
    return await room.post("/api/messages", {"content": "secret"}, headers={"Authorization": f"Bearer {KEY}"})


async def a_page_file(room: Room) -> Response:
    return await room.get("/page/nope.css")


async def a_preflight(room: Room) -> Response:
    return await room.request("OPTIONS", "/api/register")


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (no_route, {"route": "other", "path": r"/a/path\n\x1b[31m", "status": 404, "code": "not_found"}),
        (no_method, {"route": "/api/messages", "status": 405, "code": "method_not_allowed"}),
        (head, {"route": "/api/agents", "status": 200, "method": "HEAD", "bytes": 0}),
        (no_key, {"route": "/api/messages", "status": 401, "code": "unauthorized", "method": "POST"}),
        (a_page_file, {"route": "/page/{file}", "status": 404}),
        (a_preflight, {"route": "/api/register", "status": 204, "method": "OPTIONS"}),
    ],
)
async def test_every_kind_of_response_is_one_line(
    ask: Callable[[Room], Awaitable[Response]], expected: dict[str, object], open_room: OpenRoom
) -> None:
    """The line names the template of the route; a path without a route is escaped; nothing the client sent is there."""
    room = await open_room(access_log=True)
    with capture_logs() as lines:
        answer = await ask(room)
    (line,) = lines_of(lines)

    assert line | expected == line
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["bytes"] == len(answer.raw)
    assert "secret" not in str(lines)
    assert KEY not in str(lines)


@pytest.mark.parametrize("through_aiohttp", [False, True])
@pytest.mark.parametrize("slots", [1, 2])
async def test_a_stream_is_one_line_when_it_begins(through_aiohttp: bool, slots: int, open_room: OpenRoom) -> None:
    """The same line is written of plain requests, which aiohttp does not read, and of all others; also if refused."""
    room = await open_room(access_log=True, max_streams_per_ip=slots)
    cookie = "é" if through_aiohttp else "e"
    async with watching(room.running.url):
        with capture_logs() as lines:
            async with watching(room.running.url, X_Request_Id="one", Cookie=cookie) as watch:
                status = watch.status
                if status == 200:
                    await watch.frame()
    line = lines_of(lines)[0]
    refused = {"code": "too_many_streams"} if slots == 1 else {}

    assert status == (429 if slots == 1 else 200)
    assert (
        line | {"route": "/api/stream", "status": status, "request_id": "one", "address": "127.0.0.0/24"} | refused
        == line
    )


async def test_a_malformed_request_is_one_line(open_room: OpenRoom) -> None:
    """What is no HTTP has no route, and its bytes are not in the line."""
    room = await open_room(access_log=True)
    with capture_logs() as lines:
        async with connected(room.running.url) as (reader, writer):
            writer.write(b"GET /\x1bsecret HTTP/1.1\r\nHost: localhost\r\n\r\n")
            watch = await read_response(reader, writer)
    (line,) = lines_of(lines)

    assert (line["status"], line["code"], line["route"]) == (400, "bad_request", "other")
    assert line["request_id"] == watch.headers["x-request-id"]
    assert "secret" not in str(lines)


async def test_refusals_are_lines_at_debug(open_room: OpenRoom) -> None:
    """With --log-level debug an error response is a line with its code, route and request id; others are none."""
    room = await open_room(log_level="debug")
    with capture_logs() as lines:
        await room.get("/api/messages")
        answer = await room.get("/api/messages?before=x")
    (line,) = lines

    assert line == {
        "event": "request_refused",
        "log_level": "debug",
        "method": "GET",
        "route": "/api/messages",
        "status": 400,
        "code": "invalid_cursor",
        "request_id": answer.headers["X-Request-ID"],
        "address": "127.0.0.0/24",
    }


async def test_a_head_that_never_ends_is_a_line_at_debug(open_room: OpenRoom) -> None:
    """The 408 on a connection without a request is a line with the id of the response."""
    room = await open_room(log_level="debug", timeouts=HttpTimeouts(head=0.05))
    with capture_logs() as lines:
        async with connected(room.running.url) as (reader, writer):
            writer.write(b"GET /secret")
            watch = await read_response(reader, writer)
    (line,) = lines_of(lines, "connection_refused")

    assert (line["code"], line["address"]) == ("request_timeout", "127.0.0.0/24")
    assert line["request_id"] == watch.headers["x-request-id"]
    assert "secret" not in str(lines)


async def test_a_refused_connection_is_a_line_at_debug(open_room: OpenRoom) -> None:
    """So is one that is over the limit of its address."""
    room = await open_room(log_level="debug", max_streams_per_ip=1, max_connections_per_ip=2)
    async with watching(room.running.url), connected(room.running.url) as (reader, writer):
        writer.write(request("/api/register", method="POST", Content_Length="9", Expect="100-continue"))
        await reader.readuntil(b"\r\n\r\n")
        with capture_logs() as lines:
            async with connected(room.running.url) as (refused, _):
                await refused.read()

    assert [line["code"] for line in lines if line["event"] == "connection_refused"] == ["too_many_connections"]


@pytest.mark.parametrize(("fault", "level"), [(LogUnavailable("away"), "warning"), (RuntimeError("ours"), "error")])
async def test_the_id_of_a_response_finds_why_it_failed(fault: Exception, level: str, open_room: OpenRoom) -> None:
    """A 503 because of the store is a warning with its reason, a 500 an error with its traceback, both with the id."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    ada = await room.register()
    log.fail("append", fault)
    with capture_logs() as lines:
        answer = await room.post("/api/messages", {"content": "secret"}, agent=ada)
    (line,) = [line for line in lines if line.get("request_id") == answer.headers["X-Request-ID"]]

    assert answer.status in (500, 503)
    assert line["log_level"] == level
    assert line.get("reason", "ours") == str(fault)
    assert ada.key not in str(lines)


async def test_a_room_that_starts_warns_of_nothing(open_room: OpenRoom) -> None:
    """The 503 of /ready is expected: a probe that asks every second does not fill the log."""
    log = FaultyLog(MemoryLog())
    room = await open_room(event_log=log)
    log.fail("head", LogUnavailable("away"))
    with capture_logs() as lines:
        answer = await room.get("/ready")

    assert answer.status == 503
    assert lines == []


@pytest.mark.parametrize("sent", ["abc-1.2_3", "chatr_1", KEY, f"a.{KEY}", "a" * 65, "a b", ""])
async def test_one_id_is_in_the_response_and_in_its_lines(sent: str, open_room: OpenRoom) -> None:
    """The id that a client sends is taken over, unless it could break a line or is a key."""
    room = await open_room(access_log=True, log_level="debug")
    with capture_logs() as lines:
        answer = await room.get("/api/nope", headers={"X-Request-Id": sent})
    ids = {line["request_id"] for line in lines}

    assert len(lines) == 2
    assert ids == {answer.headers["X-Request-ID"]}
    assert (ids == {sent}) == (sent in ("abc-1.2_3", "chatr_1"))


async def test_the_address_is_the_one_that_a_proxy_forwards(open_room: OpenRoom) -> None:
    """Behind a trusted proxy the line has the network of the client, also for a stream."""
    room = await open_room(access_log=True, trusted_proxies=parse_networks("127.0.0.0/8"))
    with capture_logs() as lines:
        await room.get("/api/agents", headers={"X-Forwarded-For": "203.0.113.77"})
        async with watching(room.running.url, X_Forwarded_For="2001:db8:1:2:3:4:5:6"):
            pass

    assert [line["address"] for line in lines_of(lines)] == ["203.0.113.0/24", "2001:db8:1:2::/64"]


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/plain", "/plain"),
        (f"/api/{KEY}/x", "/api/[key]/x"),
        (f"/api/{KEY[:20]}", "/api/[key]"),
        ("/" + "a" * 300, "/" + "a" * (MAX_LOGGED_PATH - 1)),
        ("/" + "a" * (MAX_LOGGED_PATH - 10) + KEY, "/" + "a" * (MAX_LOGGED_PATH - 10) + "[key]"),
        ("/\r\n\x00\x1b\x9b\u2028\u202e\ud800é", r"/\r\n\x00\x1b\x9b\u2028\u202e\ud800\xe9"),
    ],
)
def test_a_path_is_made_harmless(path: str, logged: str) -> None:
    """It is cut, its control and other special characters are escaped, and keys in it are replaced."""
    assert loggable_path(path) == logged


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8::/64", "2001:db8::/64"), ("unknown", "unknown")],
)
def test_an_address_is_truncated(address: str, network: str) -> None:
    """IPv4 addresses become their /24, and IPv6 ones are given as their /64."""
    assert truncated(address) == network


async def test_a_starting_room_logs_its_requests(open_room: OpenRoom) -> None:
    """Requests that arrive before the log is read have lines, too."""
    log = FaultyLog(MemoryLog())
    hold = log.hold("head")
    with capture_logs() as lines:
        opening = asyncio.ensure_future(open_room(event_log=log, access_log=True, timeouts=HttpTimeouts(start=0.0)))
        await hold.reached.wait()
        url = next(line["url"] for line in lines if line["event"] == "listening")
        async with ClientSession(url) as http:
            for path in ("/health", "/api/messages", "/nope"):
                async with http.get(path) as reply:
                    await reply.read()
        hold.release()
        await opening

    assert [(line["route"], line["status"]) for line in lines_of(lines)] == [
        ("/health", 200),
        ("/api/messages", 503),
        ("other", 503),
    ]


async def test_a_pipelined_request_is_a_line_of_its_own(open_room: OpenRoom) -> None:
    """Two requests in one piece are two lines, with the ids of their responses."""
    room = await open_room(access_log=True)
    with capture_logs() as lines:
        async with connected(room.running.url) as (reader, writer):
            writer.write(request("/health", X_Request_Id="one") + request("/api/me", X_Request_Id="two"))
            for _ in range(2):
                json.loads(await (await read_response(reader, writer)).body())

    assert [(line["route"], line["request_id"]) for line in lines_of(lines)] == [("/health", "one"), ("/api/me", "two")]
