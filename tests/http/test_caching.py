"""What caches may do with each response: how long and for whom it may be stored."""

import asyncio
from typing import Any, Final
from uuid import UUID

import pytest

from chatr.adapters.http.routes import ROUTES
from chatr.domain.limits import MINUTE, Limit
from chatr.setting_values import parse_networks
from tests.conftest import Agent, OpenRoom, Response, Room
from tests.http.test_server import header
from tests.http.test_starting_room import starting_room
from tests.stream_client import connected, read_response, request

NO_STORE: Final = "no-store"
STORED: Final = {
    "/api/messages": "no-cache",
    "/api/messages/{id}": "no-cache",
    "/api/agents": "no-cache",
    "/api/agents/{name}": "no-cache",
    "/api/at": "no-cache",
    "/api/activity": "no-cache",
    "/api/log/head": "no-cache",
    "/archive": "no-cache",
    "/archive/{date}": "no-cache",
    "/messages/{id}": "no-cache",
    "/feed.xml": "no-cache",
    "/feed.json": "no-cache",
    "/agents/{name}/feed.xml": "no-cache",
    "/agents/{name}/feed.json": "no-cache",
    "/sitemap.xml": "no-cache",
    "/": "no-cache",
    "/docs": "no-cache",
    "/page/{file}": "no-cache",
    "/client.js": "no-cache",
    "/skills.md": "public, max-age=60",
    "/skill.md": "public, max-age=60",
    "/SKILL.md": "public, max-age=60",
    "/.well-known/agent-skills/chatr/SKILL.md": "public, max-age=60",
    "/.well-known/agent-skills/index.json": "public, max-age=60",
    "/skills-details.md": "public, max-age=60",
    "/heartbeat.md": "public, max-age=60",
    "/llms.txt": "public, max-age=60",
    "/robots.txt": "public, max-age=60",
    "/openapi.json": "public, max-age=60",
}
"""Cache-Control of the successful responses that may be stored, by the path of their route. No other one may be."""
VARYING: Final = {
    "/api/messages": "Accept, Authorization, X-API-Key",
    "/api/checkin": "Accept, Authorization, X-API-Key",
    "/": "Accept-Encoding, Accept-Language",
    "/archive": "Accept-Language",
    "/archive/{date}": "Accept-Language",
    "/messages/{id}": "Accept-Language",
    "/docs": "Accept-Encoding",
    "/page/{file}": "Accept-Encoding",
    "/client.js": "Accept-Encoding",
}
"""Vary of the routes whose responses are negotiated; keyed ones vary by the key, and the rest does not vary."""
BY_KEY: Final = "Authorization, X-API-Key"
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/api/register": {"name": "Bob"},
    "/api/messages": {"content": "Hello!"},
    "/api/verify/start": {"moltbookName": "Ada"},
    "/api/verify/complete": {"moltbookName": "Ada"},
}
READ: Final = [route.path for route in ROUTES if route.method == "GET" and route.path != "/api/stream"]
HEADS: Final = {
    "a malformed request line": b"nonsense\r\n\r\n",
    "a malformed header": b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    "a large header": request("/skills.md", Cookie="x" * 100_000),
    "HTTP/1.0": request("/api/nope", version="1.0"),
    "an expectation": request("/skills.md", Expect="a miracle"),
    "a large body": request("/api/messages", method="POST", Content_Length="99999999"),
    "an encoded path": request("/%00"),
    "a denied method": request("/skills.md", method="TRACE"),
}
"""Requests that are refused before or while they are dispatched."""


def filled(path: str, message_id: str = "2") -> str:
    """Return a path of a route with values in place of its parameters."""
    path = "/api/at?position=1" if path == "/api/at" else path
    path = path.replace("{id}", message_id).replace("{name}", "Ada").replace("{file}", "page.js")
    return path.replace("{date}", "2026-01-01")


@pytest.fixture
async def ada(room: Room) -> Agent:
    """A registered agent."""
    return await room.register()


def stored(answer: Response) -> tuple[int, str | None, str | None]:
    """Return the status, Cache-Control and Vary."""
    return answer.status, header(answer, "Cache-Control"), header(answer, "Vary")


async def test_every_successful_response_says_how_long_it_may_be_stored(room: Room, ada: Agent) -> None:
    """What shows the room has to be asked for each time, documents may be stored, and nothing else may be stored."""
    posted = await room.post_message(ada, "Hello!")
    answers = {path: await room.get(filled(path, posted["id"]), agent=ada) for path in READ}
    expected = {
        path: (200, STORED.get(path, NO_STORE), VARYING.get(path, BY_KEY if path == "/api/me" else None))
        for path in READ
    }

    assert {path: stored(answer) for path, answer in answers.items()} == expected
    assert [path for path in STORED if header(answers[path], "ETag") is None] == []
    assert [path for path in READ if path not in STORED and header(answers[path], "ETag")] == []


@pytest.mark.parametrize("path", STORED)
async def test_what_the_client_has_is_not_sent_again(path: str, room: Room, ada: Agent) -> None:
    """With the ETag the response is 304, and says the same to caches; HEAD says the same as GET."""
    path = filled(path, (await room.post_message(ada, "Hello!"))["id"])
    first, head = await room.get(path), await room.request("HEAD", path)
    again = await room.get(path, headers={"If-None-Match": f"W/{header(first, 'ETag')}"})

    assert (again.status, again.raw) == (304, b"")
    assert stored(again)[1:] == stored(first)[1:]
    assert stored(head) == stored(first)
    assert header(again, "ETag") == header(head, "ETag") == header(first, "ETag")


@pytest.mark.parametrize("path", ["/", "/api/messages"])
async def test_a_response_without_content_describes_none(path: str, room: Room) -> None:
    """Its other headers are those of the response with content. A client could try to decompress an empty body."""
    first = await room.get(path, headers={"Accept-Encoding": "gzip"})
    known = {"If-None-Match": str(header(first, "ETag")), "Accept-Encoding": "gzip"}
    names, again = {*first.headers}, {*(await room.get(path, headers=known)).headers}

    assert names - again == {"Content-Type", "Content-Length", "Content-Encoding"} & names
    assert again - names == set()


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('If-None-Match: "{}"', 304),
        ('If-None-Match: "x" , W/"{}"', 304),
        ('If-None-Match: "{}-gzip"', 304),  # as Apache changes it
        ('If-None-Match: "x"\r\nIf-None-Match: "{}"', 304),
        ("If-None-Match: *", 304),
        ('If-None-Match: "x", "*"', 200),
        ("If-None-Match: x", 200),
        ("If-None-Match:", 200),
        ('If-Match: "x"\r\nIf-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT\r\nRange: bytes=0-1', 200),
    ],
)
async def test_every_form_of_known_tags_is_understood(tags: str, status: int, room: Room) -> None:
    """Lists, in one header or several, and tags that proxies have changed. Other conditions and ranges are ignored."""
    tag = str(header(await room.get("/llms.txt"), "ETag")).strip('"')
    async with connected(room.running.url) as (reader, writer):
        writer.write(f"GET /llms.txt HTTP/1.1\r\nHost: localhost\r\n{tags.format(tag)}\r\n\r\n".encode())
        response = await read_response(reader, writer)

    assert (response.status, response.headers["etag"]) == (status, f'"{tag}"')


async def test_what_changes_the_room_is_not_stored(room: Room, ada: Agent) -> None:
    """No cache stores the response to a POST, accepted or refused: with a key, without one, with a wrong one."""
    paths = [route.path for route in ROUTES if route.method == "POST"]
    answers = [
        await room.post(path, BODIES.get(path, {}), agent=agent, headers=headers)
        for path in paths
        for agent, headers in ((ada, {}), (None, {}), (None, {"X-API-Key": "chatr_x"}))
    ]

    assert {header(answer, "Cache-Control") for answer in answers} == {NO_STORE}


@pytest.mark.parametrize("method", ["OPTIONS", "DELETE", "POST", "GET"])
async def test_refused_methods_and_paths_are_not_stored(method: str, room: Room) -> None:
    """Nor are preflight responses, and what no route has."""
    served = {route.path for route in ROUTES if route.method == method}
    paths = [*(filled(route.path) for route in ROUTES if route.path not in served), "/nope", "/api/nope", "/mcp"]
    answers = [await room.request(method, path) for path in paths if path != "/api/stream"]

    assert [answer.status for answer in answers if answer.status < 400 and method != "OPTIONS"] == []
    assert {header(answer, "Cache-Control") for answer in answers} == {NO_STORE}


async def test_what_a_key_selects_is_not_stored(room: Room, ada: Agent) -> None:
    """`mentions=me` is another page for each key."""
    mine = await room.get("/api/messages?mentions=me", headers={"X-API-Key": ada.key})
    nobodys = await room.get("/api/messages?mentions=me")

    assert stored(mine) == (200, NO_STORE, VARYING["/api/messages"])
    assert stored(nobodys) == (401, NO_STORE, VARYING["/api/messages"])
    assert header(mine, "ETag") is None


async def test_private_rooms_are_not_stored(open_room: OpenRoom) -> None:
    """Where reading needs a key, responses depend on it."""
    room = await open_room(reading="agents")
    ada = await room.register()
    posted = await room.post_message(ada, "Hello!")
    paths = [filled(route.path, posted["id"]) for route in ROUTES if route.shows_room and route.path != "/api/stream"]
    answers = [await room.get(path, headers=headers) for path in paths for headers in (ada.bearer, {})]

    assert {answer.status for answer in answers} == {200, 403}
    assert {header(answer, "Cache-Control") for answer in answers} == {NO_STORE}
    assert {header(answer, "Vary") for answer in answers} == {
        BY_KEY,
        f"Accept, {BY_KEY}",
        f"Accept-Language, {BY_KEY}",
    }


@pytest.mark.parametrize("reading", ["open", "agents"])
async def test_streams_are_not_stored_and_not_changed(reading: str, open_room: OpenRoom) -> None:
    """Their Cache-Control is the same on both paths of the program, and in a private room."""
    room = await open_room(reading=reading)
    ada = await room.register()
    heads = []
    for more in ({}, {"Cookie": "é"}):  # which aiohttp has to read
        async with connected(room.running.url) as (reader, writer):
            writer.write(request("/api/stream", Authorization=ada.bearer["Authorization"], **more))
            heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
    head = await room.request("HEAD", "/api/stream", agent=ada)

    assert [each.count("\r\nCache-Control: no-cache, no-store, no-transform\r\n") for each in heads] == [1, 1]
    assert header(head, "Cache-Control") == "no-cache, no-store, no-transform"


@pytest.mark.parametrize("name", HEADS)
async def test_malformed_requests_are_not_stored(name: str, room: Room) -> None:
    """Nor is what is refused before it is dispatched."""
    async with connected(room.running.url) as (reader, writer):
        writer.write(HEADS[name])
        response = await read_response(reader, writer)

    assert response.headers["cache-control"] == NO_STORE


async def test_refusals_of_an_address_are_not_stored(open_room: OpenRoom) -> None:
    """Neither those beyond its limits nor those of a denied address, whatever is asked for."""
    room = await open_room(rate_requests=Limit(1, MINUTE), max_connections_per_ip=11, max_streams_per_ip=1)
    await room.get("/skills.md")
    answers = [await room.get(path) for path in ("/skills.md", "/api/messages", "/api/stream", "/nope")]

    assert [stored(answer)[:2] for answer in answers] == [(429, NO_STORE)] * 4


async def test_refused_connections_are_not_stored(open_room: OpenRoom) -> None:
    """The errors that are written straight to the socket are constants, and say so too."""
    room = await open_room(deny=parse_networks("127.0.0.0/8"))
    async with connected(room.running.url) as (reader, writer):
        response = await read_response(reader, writer)

    assert (response.status, response.headers["cache-control"]) == (403, NO_STORE)


async def test_a_room_that_starts_is_not_stored() -> None:
    """The responses say "not yet", and the room may be open a moment later."""
    async with starting_room() as (url, _hold, _task):
        answers = []
        for path in ("/health", "/ready", "/skills.md", "/api/messages"):
            async with connected(url) as (reader, writer):
                writer.write(request(path))
                answers.append(await asyncio.wait_for(read_response(reader, writer), 5))

    assert [answer.status for answer in answers] == [200, 503, 503, 503]
    assert {answer.headers["cache-control"] for answer in answers} == {NO_STORE}


async def test_request_ids_say_nothing_about_the_traffic(room: Room) -> None:
    """They are random (UUID version 4): no part of them grows, or is the same in the next one."""
    ids = [UUID(header(await room.get("/health"), "X-Request-Id")) for _ in range(50)]
    ends = [int(each.hex[-12:], 16) for each in ids]

    assert {each.version for each in ids} == {4}
    assert ends != sorted(ends)
    assert max(ends) - min(ends) > 2**40
