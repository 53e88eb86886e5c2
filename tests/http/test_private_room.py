"""A private room (`--reading agents`): it shows what is in it to whoever sends the key of an agent."""

from typing import Final

import pytest

from chatr.adapters.http.description.route import Route
from chatr.adapters.http.page_routes import PAGE_FILE
from chatr.adapters.http.routes import ROUTES, STREAM
from chatr.adapters.stores.memory import MemoryLog
from chatr.cli.running_room import RoomUnreachable, fetch_room
from tests.conftest import OpenRoom, Response, Room
from tests.http.private_rooms import QUICK, SECRET, change_reading, revoke, room_with_secret, suspend
from tests.http.test_server import header
from tests.stream_client import connected, request

WRONG: Final = {
    "no key": ({}, {}, 403),
    "a key in the query": ({}, {"key": "{key}", "apiKey": "{key}", "X-API-Key": "{key}"}, 403),
    "a cookie": ({"Cookie": "key={key}"}, {}, 403),
    "another scheme": ({"Authorization": "Basic {key}"}, {}, 403),
    "nonsense": ({"Authorization": "Bearer nonsense"}, {}, 401),
    "a mistyped key": ({"X-API-Key": "{key}x"}, {}, 401),
    "an unknown key": ({"Authorization": "Bearer chatr_" + "a" * 36}, {}, 401),
    "a revoked key": ({"Authorization": "Bearer {revoked}"}, {}, 401),
}
"""Requests that may not read: their headers and query, and the status of the response."""
RIGHT: Final = ("an agent's key", "a suspended agent's key", "a waiting agent's key")
READING: Final = [
    route for route in ROUTES if route.method == "GET" and route.tag not in ("health", "pages", "documents")
]
READING_WITHOUT_OWN_KEY: Final = [route for route in READING if not route.requires_key]


@pytest.fixture
async def private(open_room: OpenRoom) -> Room:
    """A private room whose watchers are looked after all the time."""
    return await open_room(reading="agents", timeouts=QUICK)


def path_of(route: Route) -> str:
    """Return the path with values for its parameters."""
    return (
        route.path.replace("{file}", "page.js")
        .replace("{id}", "3")
        .replace("{name}", "Confidante")
        .replace("{date}", "2026-01-01")
    )


async def ask(room: Room, route: Route, headers: dict[str, str], query: dict[str, str], method: str = "") -> Response:
    """Send a request; of the stream, return what comes first."""
    params = {"position": "1", **query} if route.path == "/api/at" else query
    call = room.http.request(method or route.method, path_of(route), headers=headers, params=params)
    async with call as reply:
        is_stream = route is STREAM and reply.status == 200 and method != "HEAD"
        raw = await (reply.content.readany() if is_stream else reply.read())
        return Response(reply.status, dict(reply.headers), raw)


@pytest.mark.parametrize("wrong", WRONG)
async def test_nothing_is_shown_without_a_key(wrong: str, private: Room) -> None:
    """No endpoint returns a message or a name to who has no key; those that read say what to do."""
    ada, eve = await room_with_secret(private), await private.register("Eve")
    await revoke(private, eve)
    headers, query, status = WRONG[wrong]
    keys = {"key": ada.key, "revoked": eve.key}
    sent = {name: value.format(**keys) for name, value in headers.items()}
    asked = {name: value.format(**keys) for name, value in query.items()}
    answers = {route: await ask(private, route, sent, asked) for route in ROUTES if route.method == "GET"}

    leaks = [SECRET.encode(), b"Confidante"]

    assert [route.path for route, answer in answers.items() if any(leak in answer.raw for leak in leaks)] == []
    assert {answers[route].status for route in READING_WITHOUT_OWN_KEY} == {status}
    assert {answers[route].json["code"] for route in READING_WITHOUT_OWN_KEY} == {
        "reading_needs_key" if status == 403 else "unauthorized"
    }


@pytest.mark.parametrize("right", RIGHT)
@pytest.mark.parametrize("header_name", ["Authorization", "X-API-Key"])
async def test_the_key_of_an_agent_opens_everything(header_name: str, right: str, open_room: OpenRoom) -> None:
    """An agent reads, also one that is suspended or waits for approval."""
    room = await open_room(reading="agents", registration="approval" if "waiting" in right else "open")
    agent = await room.register("Reader")
    if "suspended" in right:
        await suspend(room, agent)
    headers = agent.bearer if header_name == "Authorization" else {"X-API-Key": agent.key}
    answers = {route: (await ask(room, route, headers, {})).status for route in READING_WITHOUT_OWN_KEY}

    # There is no message with the id of the example, no agent with its name, and no message on its day.
    assert answers == {route: 404 if "{" in route.path else 200 for route in READING_WITHOUT_OWN_KEY}


async def test_what_needs_no_key_needs_none_in_a_private_room(private: Room) -> None:
    """Probes, documents, and the page with its files are open to everyone."""
    others = [route for route in ROUTES if route.method == "GET" and route not in READING]
    statuses = {route.path: (await ask(private, route, {}, {})).status for route in others}

    assert statuses == {route.path: 200 for route in others}
    assert PAGE_FILE in others


@pytest.mark.parametrize(("registration", "waits"), [("open", False), ("approval", True)])
async def test_a_registration_says_that_approval_is_needed(registration: str, waits: bool, open_room: OpenRoom) -> None:
    """The response to a registration says so, before a post is rejected."""
    room = await open_room(registration=registration)
    message = (await room.post("/api/register", {"name": "Bob"})).json["message"]

    assert message.endswith("has approved you.") == waits


async def test_everyone_may_register_in_a_private_room(private: Room) -> None:
    """Who may register is another setting."""
    assert (await private.post("/api/register", {"name": "Bob"})).status == 200


@pytest.mark.parametrize("route", READING_WITHOUT_OWN_KEY, ids=lambda route: route.path)
async def test_a_request_without_a_body_is_refused_as_well(route: Route, private: Room) -> None:
    """HEAD gets the status of GET."""
    assert (await ask(private, route, {}, {}, "HEAD")).status == 403


async def test_scripts_of_other_sites_can_send_a_key(private: Room) -> None:
    """A preflight needs no key, and the error can be read by the script."""
    preflight = await private.request("OPTIONS", "/api/messages")
    refused = await private.get("/api/messages")

    assert (preflight.status, "Authorization" in (header(preflight, "Access-Control-Allow-Headers") or "")) == (
        204,
        True,
    )
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


async def test_no_cache_stores_what_is_private(private: Room) -> None:
    """Shared caches know that a response to Authorization is for one client, but not X-API-Key."""
    ada = await room_with_secret(private)
    answers = [await private.get("/api/messages", headers={"X-API-Key": ada.key}), await private.get("/api/messages")]

    assert [header(answer, "Cache-Control") for answer in answers] == ["no-store", "no-store"]


async def test_a_request_that_waits_shows_nothing_after_the_room_became_private(open_room: OpenRoom) -> None:
    """The message that ends a long poll is not in its response if a key is needed by then."""
    room = await open_room(max_streams_per_ip=1)
    ada = await room.register()
    async with connected(room.running.url) as (reader, writer):
        writer.write(request("/api/messages?after=0&wait=25"))
        while (await room.get("/api/messages?after=0&wait=1")).status != 429:
            pass
        await change_reading(room, "agents")
        await room.post_message(ada, SECRET)
        status_line = await reader.readline()

    assert status_line == b"HTTP/1.1 403 Forbidden\r\n"


async def test_the_page_shows_no_messages_of_a_private_room(room: Room) -> None:
    """Neither in its HTML nor in a link's preview, and a cached page of the open room is not confirmed."""
    await room_with_secret(room)
    shown = await room.get("/")
    await change_reading(room, "agents")
    hidden = await room.get("/", headers={"If-None-Match": header(shown, "ETag")})

    assert (SECRET.encode() in shown.raw, hidden.status, SECRET.encode() in hidden.raw) == (True, 200, False)


async def test_all_nodes_obey_from_the_record_on(open_room: OpenRoom) -> None:
    """A node that runs becomes private when an operator starts another one with the setting, and open again."""
    log = MemoryLog()
    first = await open_room(event_log=log)
    ada = await room_with_secret(first)
    statuses = []
    for reading in ("agents", "open"):
        await open_room(event_log=log, reading=reading)
        await first.running.node.follower.catch_up()
        answers = [await first.get("/api/messages"), await first.get("/api/messages", agent=ada)]
        statuses.append([answer.status for answer in answers])

    assert statuses == [[403, 200], [200, 200]]


async def test_a_start_without_the_setting_keeps_the_room_private(open_room: OpenRoom) -> None:
    """The setting is stored in the log."""
    log = MemoryLog()
    await open_room(event_log=log, reading="agents")
    later = await open_room(event_log=log)

    assert (await later.get("/api/messages")).status == 403


async def test_an_agent_of_another_node_may_read_at_once(open_room: OpenRoom) -> None:
    """A key that this node does not know yet is looked up in the log before it is refused."""
    log = MemoryLog()
    first, second = await open_room(event_log=log, reading="agents"), await open_room(event_log=log)
    ada = await first.register()

    assert (await second.get("/api/messages", agent=ada)).status == 200


async def test_commands_that_ask_a_server_use_a_key(private: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """`chatr audit` compares a private room when CHATR_KEY is set, and says so when it is not."""
    ada = await room_with_secret(private)
    with pytest.raises(RoomUnreachable, match="if it is private, set CHATR_KEY"):
        await fetch_room(private.running.url, 0)
    monkeypatch.setenv("CHATR_KEY", ada.key)

    assert [each["content"] for each in (await fetch_room(private.running.url, 0)).messages] == [SECRET]


async def test_the_description_says_that_reading_needs_a_key(private: Room) -> None:
    """The OpenAPI document of a private room is right about keys and errors."""
    paths = (await private.get("/openapi.json")).json["paths"]
    described = {path: bool(methods["get"]["security"]) for path, methods in paths.items() if "get" in methods}

    assert described == {route.path: route in READING for route in ROUTES if route.method == "GET"}


async def test_reading_does_not_count_as_activity(private: Room) -> None:
    """People read with the key of their agent: that does not bring the agent online."""
    ada = await private.register()
    await private.post("/api/disconnect", agent=ada)

    assert (await private.get("/api/agents", agent=ada)).json["agents"] == []
