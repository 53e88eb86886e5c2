"""A room behind Varnish and behind nginx's cache, as they store what does not say how long it may be stored."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientError, ClientSession

from chatr.domain.limits import MINUTE, Limit
from tests.conftest import Agent, OpenRoom, Response, Room
from tests.http.private_rooms import change_reading
from tests.http.test_health import unavailable_store
from tests.http.test_server import header
from tests.moderation import remove
from tests.reverse_proxies import caching_nginx, free_port, varnish
from tests.stream_client import TIMEOUT, watching

pytestmark = pytest.mark.long

TWICE: Final = 2
StartCache = Callable[[Room], str]


@pytest.fixture(params=[varnish, caching_nginx], ids=["varnish", "nginx"])
def start_cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartCache]:
    """Starts a cache in front of a room, and returns its URL."""
    with ExitStack() as stack:

        def start(room: Room) -> str:
            port = free_port()
            stack.enter_context(request.param(tmp_path, port, urlsplit(room.running.url).port))
            return f"http://127.0.0.1:{port}"

        yield start


class Cache:
    """A client of the cache."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def get(self, path: str, **headers: str) -> Response:
        return await self.request("GET", path, headers=headers)

    async def request(self, method: str, path: str, **options: Any) -> Response:
        async with ClientSession(self.url) as http, http.request(method, path, **options) as reply:
            return Response(reply.status, dict(reply.headers), await reply.read())


async def behind(start_cache: StartCache, room: Room) -> Cache:
    """Return a client of a cache that serves."""
    cache = Cache(start_cache(room))
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                if (await cache.request("POST", "/nope")).status == 404:
                    return cache
            except ClientError:
                await asyncio.sleep(0.05)


def by_header(agent: Agent, name: str) -> dict[str, str]:
    """Return the key of an agent in a header."""
    return agent.bearer if name == "Authorization" else {name: agent.key}


async def test_nobody_is_sent_the_card_of_another(room: Room, start_cache: StartCache) -> None:
    """Ada's key shows Ada, Bob's shows Bob, and none shows nobody, by GET and by HEAD, in any order."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    cache = await behind(start_cache, room)
    names = []
    for name in ("X-API-Key", "Authorization") * TWICE:
        cards = [await cache.get("/api/me", **by_header(agent, name)) for agent in (ada, bob)]
        names += [card.json["agent"]["name"] for card in cards]
        names.append((await cache.get("/api/me")).json["code"])
        heads = [by_header(ada, name), {}]
        names += [(await cache.request("HEAD", "/api/me", headers=headers)).status for headers in heads]

    assert names == ["Ada", "Bob", "unauthorized", 200, 401] * 2 * TWICE


async def test_a_page_by_key_is_for_its_agent(room: Room, start_cache: StartCache) -> None:
    """`mentions=me` selects by the key."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    await room.post_message(bob, "Hello @Ada!")
    cache = await behind(start_cache, room)
    answers = [
        await cache.get("/api/messages?mentions=me", **headers)
        for headers in ({"X-API-Key": ada.key}, {"X-API-Key": bob.key}, {})
    ]

    assert [len(answer.json.get("messages", "-")) for answer in answers] == [1, 0, 1]
    assert [answer.status for answer in answers] == [200, 200, 401]


async def test_a_private_room_stays_private(open_room: OpenRoom, start_cache: StartCache) -> None:
    """What an agent has read is not served without a key, nor what was read before the room became private."""
    room = await open_room(reading="open")
    ada = await room.register()
    await room.post_message(ada, "Hello!")
    cache = await behind(start_cache, room)
    paths = ("/api/messages", "/api/messages?limit=5", "/api/agents", "/api/at?position=2", "/api/activity")
    before = [(await cache.get(path)).status for path in paths]
    await change_reading(room, "agents")
    after = [(await cache.get(path, **headers)).status for path in paths for headers in ({"X-API-Key": ada.key}, {})]

    assert before == [200] * len(paths)
    assert after == [200, 403] * len(paths)


async def test_what_was_posted_and_removed_is_seen_at_once(room: Room, start_cache: StartCache) -> None:
    """No cache serves a page without a new message, or with the text of one that was removed."""
    ada = await room.register()
    cache = await behind(start_cache, room)
    pages = [(await cache.get("/api/messages")).raw]
    message = await room.post_message(ada, "the old mill")
    pages += [(await cache.get(path)).raw for path in ("/api/messages", f"/api/messages/{message['id']}", "/")]
    await remove(room.running.node, ada.id, message["id"])
    pages += [(await cache.get(path)).raw for path in ("/api/messages", f"/api/messages/{message['id']}", "/")]

    assert [b"the old mill" in page for page in pages] == [False, True, True, True, False, False, False]


async def test_probes_come_from_the_room(open_room: OpenRoom, start_cache: StartCache, tmp_path: Path) -> None:
    """A room that lost its store is not ready, and is ready again as soon as it has it."""
    room = await open_room(log=f"sqlite:///{tmp_path}/chatr.db")
    cache = await behind(start_cache, room)
    ready = [(await cache.get("/ready")).status]
    with unavailable_store(tmp_path):
        ready.append((await cache.get("/ready")).status)
    ready.append((await cache.get("/ready")).status)

    assert ready == [200, 503, 200]


async def test_refusals_come_from_the_room(open_room: OpenRoom, start_cache: StartCache) -> None:
    """A client beyond its limit is refused for no longer than its window."""
    room = await open_room(rate_requests=Limit(5, MINUTE))
    cache = await behind(start_cache, room)
    statuses = [(await cache.get("/nope")).status for _ in range(6)]
    room.clock.advance(MINUTE)

    assert statuses[-1] == 429
    assert (await cache.get("/nope")).status == 404


async def test_documents_are_stored(room: Room, start_cache: StartCache) -> None:
    """A document is fetched once, and a client that has it gets 304."""
    cache = await behind(start_cache, room)
    first = await cache.get("/skills.md")
    second = await cache.get("/skills.md")
    third = await cache.get("/skills.md", **{"If-None-Match": first.headers["Etag"]})

    assert header(first, "X-Request-Id") == header(second, "X-Request-Id")
    assert (third.status, third.raw) == (304, b"")


async def test_text_and_json_are_not_confused(room: Room, start_cache: StartCache) -> None:
    """A page is negotiated by Accept."""
    cache = await behind(start_cache, room)
    accepted = ["application/json", "text/plain", "application/json"]
    answers = [await cache.get("/api/messages", Accept=accept) for accept in accepted]

    assert [answer.headers["Content-Type"].partition(";")[0] for answer in answers] == accepted


async def test_each_client_has_a_stream_of_its_own(room: Room, start_cache: StartCache) -> None:
    """A cache that waits for the end of a response would send nothing."""
    ada = await room.register()
    cache = await behind(start_cache, room)
    async with watching(cache.url) as one, watching(cache.url) as other:
        message = await room.post_message(ada, "Hello!")
        ids = [await each.messages(1) for each in (one, other)]

    assert ids == [[message["id"]]] * 2
