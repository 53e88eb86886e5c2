"""A room that listens on the loopback only, without a public URL, is closed to web pages of other sites."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import pytest

from chatr.adapters.http.admission.loopback import is_loopback
from chatr.adapters.listening_socket import is_loopback_listener, listen
from tests.conftest import OpenRoom, Room
from tests.stream_client import connected, read_response, request, watching

LOOPBACK: Final = (
    *("localhost", "LOCALHOST", "localhost.", "localhost:8080", "LocalHost.:80", "room.localhost", "a.b.localhost:1"),
    *("127.0.0.1", "127.0.0.1:8080", "127.255.255.254", "127.0.0.1.", "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]"),
    *("[::ffff:127.0.0.1]:8080", "localhost:"),
)
"""Hosts that a browser leads to its own machine."""
FOREIGN: Final = (
    *(
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "evil-localhost",
        "localhost:80:80",
        ".",
        ":80",
    ),
    *(
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#localhost",
        "localhost/",
        "10.0.0.1",
        "0.0.0.0",
    ),
    *("128.0.0.1", "[::2]", "[::]", "[::ffff:10.0.0.1]", "::1", "[::1", "[::1]x", "[localhost]", "127.1", "0x7f000001"),
    *("localhost evil.example", "localhost,evil.example", "localhost..", "\uff4cocalhost", "127.0.0.\u0661"),
)
"""Hosts of other machines, and what is no host."""
METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS", "DELETE")
PATHS: Final = (
    "/",
    "/api/messages",
    "/api/stream",
    "/api/stream?presence=%31",
    "/api/register",
    "/api/nope",
    "/health",
)


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_host_on_this_machine(host: str) -> None:
    """It is a loopback host, in whatever case, with or without a port and a final dot."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_a_host_elsewhere(host: str) -> None:
    """It is not a loopback host, however much it looks like one."""
    assert not is_loopback(host)


async def statuses(room: Room, requests: Sequence[bytes]) -> set[tuple[int, str]]:
    """Return the statuses of these requests, each on a connection of its own, with the codes of errors."""
    found = set()
    for raw in requests:
        async with connected(room.running.url) as (reader, writer):
            writer.write(raw)
            answer = await read_response(reader, writer)
            is_error = answer.status >= 400 and not raw.startswith(b"HEAD")
            found.add((answer.status, json.loads(await answer.body())["code"] if is_error else ""))
    return found


FOREIGN_HEADERS: Final = (
    {"Host": "evil.example"},
    {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost, https://evil.example"},
    {"Origin": "https://localhost.evil.example"},
    {"Origin": "chrome-extension://abcdefghijklmnop"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": "capacitor://localhost"},
    {"Origin": "file://localhost"},
)


@pytest.mark.parametrize("headers", FOREIGN_HEADERS, ids=str)
async def test_pages_of_other_sites_are_rejected(headers: dict[str, str], room: Room) -> None:
    """Whatever the method and the path, on both paths of the stream, and for a preflight too: 403."""
    requests = [request(path, method=method, **headers) for path in PATHS for method in METHODS]

    assert await statuses(room, requests) == {(403, "local_only"), (403, "")}


async def test_a_request_with_two_hosts_is_rejected(room: Room) -> None:
    """A request with two hosts, one of them of another site, is rejected."""
    twice = request().replace(b"\r\n\r\n", b"\r\nHost: evil.example\r\n\r\n")

    assert {status for status, _ in await statuses(room, [twice])} <= {400, 403}


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://app.localhost", "http://[::1]:8080", "http://127.0.0.1"]
)
async def test_pages_of_this_machine_are_served(origin: str, room: Room) -> None:
    """Their scripts may use the API and the stream."""
    async with watching(room.running.url, Origin=origin) as watch:
        assert watch.headers["access-control-allow-origin"] == "*"

    assert (await room.request("OPTIONS", "/api/messages", headers={"Origin": origin})).status == 204


async def test_a_request_without_a_host_is_served(room: Room) -> None:
    """HTTP/1.0 needs none, and every browser sends one."""
    requests = [b"GET /api/messages HTTP/1.0\r\n\r\n", b"GET /api/stream HTTP/1.0\r\n\r\n"]

    assert await statuses(room, requests) == {(200, "")}


async def test_the_error_says_how_to_open_the_room(room: Room) -> None:
    """It names the setting, for whoever put the room behind a proxy on the same machine and did not name its URL."""
    answer = await room.get("/api/messages", headers={"Host": "chat.example.org"})

    assert "--public-url" in answer.json["error"]


async def test_a_public_room_is_open_to_every_site(open_room: OpenRoom) -> None:
    """With a public URL any Host and Origin is served."""
    room = await open_room(public_url="https://chat.example.org")
    requests = [request(Host="chat.example.org"), request("/api/agents", Host="x", Origin="https://evil.example")]

    assert await statuses(room, requests) == {(200, "")}


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("localhost", True), ("127.0.0.2", True), ("0.0.0.0", False)]
)
def test_a_room_that_other_machines_reach_is_not_local(host: str, expected: bool) -> None:
    """Whether it is depends on the address that it listens on."""
    with ExitStack() as opened:
        listeners = [opened.enter_context(each) for each in listen(host, 0)]

        assert is_loopback_listener(listeners) is expected
