"""The path of --public-url: everything is served below it too, by proxies that remove it and by those that do not."""

import json
import re
from typing import Final

import pytest
from aiohttp import ClientSession, web
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from chatr.adapters.http.sub_path import below
from chatr.app import running_room
from chatr.domain.limits import MINUTE, Limit
from chatr.setting_values import parse_public_url
from chatr.settings import BadSetting, Settings
from tests.conftest import OpenRoom, Room
from tests.http.test_first_bytes import OTHER_REQUESTS, PLAIN_REQUESTS, send
from tests.http.test_starting_room import starting_room
from tests.stream_client import connected, read_response, request, watching

PUBLIC_URL: Final = "https://example.org/chat"
TARGETS: Final = (
    *("/", "/?x=1", "//", "/.", "/..", "/%", "/%2F", "/docs", "/docs/", "/docs?x#y", "/health", "/nope", "/?x#y"),
    *("/skills.md", "/llms.txt", "/robots.txt", "/openapi.json", "/.well-known/agent-skills/index.json", "/*", "/;"),
    *("/page/page.js", "/page/", "/page/..", "/page/..%2froutes.py", "/page/%70age.js", "/page/page.js/", "/page//"),
    *("/api", "/api/", "/api//messages", "//api/messages", "/api/../api/messages", "/api/./messages", "/api/nope"),
    *("/api/messages", "/%61pi/messages", "/api/messages?limit=%32", "/api/messages?limit=x", "/api/me", "/api/at"),
    *("/api/at?position=1", "/api/log/head", "/api%2Fmessages", "/api/messages%3Flimit=1", "/\\api\\messages"),
)
"""Targets of requests. What chatr answers to each is tested elsewhere; here it is the same below the base path."""
REQUESTS: Final = {
    **PLAIN_REQUESTS,
    **OTHER_REQUESTS,
    **{f"GET {target}": request(target) for target in TARGETS},
    "HEAD": request("/", method="HEAD"),
    "POST where only GET is": request("/skills.md", method="POST"),
    "a preflight": request("/api/messages", method="OPTIONS", Origin="https://other.example"),
    "DELETE": request("/api/messages", method="DELETE"),
    "a post without a key": request("/api/messages", method="POST", Content_Length="2") + b"{}",
}


def with_prefix(data: bytes, prefix: str) -> bytes:
    """Return the request for the same target behind a prefix."""
    method, separator, rest = data.partition(b" ")
    scheme = b"http://localhost" if rest.startswith(b"http://localhost") else b""
    return method + separator + scheme + prefix.encode() + rest.removeprefix(scheme)


@pytest.mark.parametrize("path", ["/chat", "/a/b.c/~chat", "/caf%C3%A9/%E3%81%82", "/chat/chat", "/a%25b", "/api/chat"])
async def test_everything_is_served_below_the_path(path: str, open_room: OpenRoom) -> None:
    """Whatever the request, however odd its path, the response is the one that it gets without the base path."""
    room = await open_room(public_url=f"https://example.org{path}")
    url, different = room.running.url, []
    for name, data in REQUESTS.items():
        if data.startswith(b"GET  "):
            continue  # with two spaces there is no target to put the path before
        if await send(url, with_prefix(data, path)) != await send(url, data):
            different.append(name)

    assert different == []


@pytest.mark.parametrize("prefix", ["/%63hat", "/ch%61%74"])
async def test_the_path_may_be_encoded(prefix: str, open_room: OpenRoom) -> None:
    """Percent signs are decoded in the base path as in every other path."""
    room = await open_room(public_url=PUBLIC_URL)

    assert (await room.http.get(URL(f"{room.running.url}{prefix}/health", encoded=True))).status == 200


@pytest.mark.parametrize(
    "target",
    [
        *("/chatx/health", "/chat%2Fhealth", "/Chat/health", "/x/chat/health", "/chat/chat/health", "//chat/health"),
        *("/chat/../health", "/chat//health", "/cha/health", "/./chat/health", "/chat%20/health", "/chat./health"),
        *("/chat;x/health", "/chat%00/health", "/chat%252Fhealth"),
    ],
)
async def test_other_paths_are_not_the_base_path(target: str, open_room: OpenRoom) -> None:
    """Nothing but the path itself, once and followed by a slash, is removed: the rest is not found."""
    room = await open_room(public_url=PUBLIC_URL)
    status, _, body = await send(room.running.url, request(target))

    assert isinstance(body, bytes)
    assert (status, json.loads(body)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "target", "location"),
    [
        ("/chat", "/chat", "chat/"),
        ("/chat", "/chat?a=%31&b", "chat/?a=%31&b"),
        ("/a/b", "/a/b", "b/"),
        ("/caf%C3%A9", "/caf%c3%a9", "caf%C3%A9/"),
    ],
)
async def test_without_its_slash_the_path_is_redirected(
    path: str, target: str, location: str, open_room: OpenRoom
) -> None:
    """The addresses in the page need the slash. The redirect is relative, so it is right behind any proxy."""
    room = await open_room(public_url=f"https://example.org{path}")
    status, headers, body = await send(room.running.url, request(target))

    assert (status, headers["location"], headers["cache-control"], body) == (301, location, "no-cache", b"")


async def test_only_reading_is_redirected(open_room: OpenRoom) -> None:
    """Another method gets 405, as at the page itself."""
    room = await open_room(public_url=PUBLIC_URL)
    status, headers, _ = await send(room.running.url, request("/chat", method="POST"))

    assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_without_a_path_nothing_else_is_served(room: Room) -> None:
    """A room whose public URL has no path has no base path."""
    assert (await room.get("/chat/health")).status == 404


async def test_files_of_the_page_do_not_count_below_the_path(open_room: OpenRoom) -> None:
    """As without it, files and health checks leave the rate of requests as it is, and all else counts once."""
    room = await open_room(public_url=PUBLIC_URL, rate_requests=Limit(2, MINUTE))
    free = [(await room.get(f"/chat/{path}")).status for path in ("page/page.js", "health", "ready") * 2]
    counted = [
        (await room.get(path, allow_redirects=False)).status for path in ("/chat/api/messages", "/chat", "/chat/")
    ]

    assert (free, counted) == ([200] * 6, [200, 301, 429])


async def test_the_room_is_below_the_path_while_it_starts() -> None:
    """Probes are answered, the stream is held, and everything else gets a 503."""
    async with starting_room(public_url=PUBLIC_URL) as (url, hold, _), ClientSession(url) as http:
        statuses = []
        for path in ("/chat/health", "/chat/ready", "/chat/api/messages", "/chat/", "/chat"):
            async with http.get(path) as reply:
                statuses.append(reply.status)
        async with watching(url, "/chat/api/stream") as watch:
            await watch.comment()
            hold.release()
            kinds = [(await watch.frame()).kind for _ in range(2)]

    assert (statuses, kinds) == ([200, 503, 503, 503, 503], ["history", "stats"])


def addresses_in(text: str, url: URL) -> set[str]:
    """Return the paths of the addresses of the same site in a document that was read at `url`."""
    absolute = re.findall(rf"{url.origin()}[^\s\"'`)>\\,$]*", text)
    relative = re.findall(r'(?:href|src|"url"|"src"|"start_url"|"scope")(?:=|: ?)"([^"#\s]+)[^"\s]*"', text)
    addresses = {url.join(URL(each.rstrip("."))) for each in (*absolute, *relative)}
    return {address.path for address in addresses if address.host == url.host}


@pytest.mark.parametrize(
    "path",
    [
        *("/chat/", "/chat/docs", "/chat/skills.md", "/chat/skills-details.md", "/chat/heartbeat.md", "/chat/llms.txt"),
        *("/chat/.well-known/agent-skills/index.json", "/chat/page/site.webmanifest"),
    ],
)
async def test_addresses_in_documents_lead_below_the_path(path: str, open_room: OpenRoom) -> None:
    """Each address in a page or document leads to the path or below it, and something is there."""
    room = await open_room(public_url=PUBLIC_URL)
    addresses = addresses_in((await room.get(path)).raw.decode(), URL("https://example.org") / path[1:])
    statuses = {each: (await room.request("HEAD", each)).status for each in addresses if "{" not in each}

    assert addresses
    assert {address for address in addresses if not f"{address}/".startswith("/chat/")} == set()
    assert {address for address, status in statuses.items() if status == 404} == set()


async def test_the_server_of_the_description_is_below_the_path(open_room: OpenRoom) -> None:
    """The paths of the OpenAPI document are relative to the public URL."""
    room = await open_room(public_url=PUBLIC_URL)
    document = (await room.get("/chat/openapi.json")).json

    assert document["servers"] == [{"url": PUBLIC_URL}]
    assert "/api/messages" in document["paths"]


async def test_crawlers_learn_the_path(open_room: OpenRoom) -> None:
    """The robots.txt below the path can be copied to the root of the site."""
    room = await open_room(public_url=PUBLIC_URL)

    assert "\nDisallow: /chat/api/\n" in (await room.get("/chat/robots.txt")).raw.decode()


@pytest.mark.parametrize("target", ["/chat/nope", "/nope"])
async def test_the_type_of_a_problem_leads_below_the_path(target: str, open_room: OpenRoom) -> None:
    """A client sees the page of endpoints below the path, also if the proxy has removed the path."""
    room = await open_room(public_url=PUBLIC_URL)
    problem = (await room.get(target, headers={"Accept": "application/problem+json"})).json

    assert problem["type"] == "/chat/docs#not_found"


async def test_a_refused_stream_leads_below_the_path(open_room: OpenRoom) -> None:
    """A refusal that needs no aiohttp has the same type."""
    room = await open_room(public_url=PUBLIC_URL, max_streams_per_ip=1)
    async with watching(room.running.url), connected(room.running.url) as (reader, writer):
        writer.write(request(Accept="application/problem+json"))
        problem = json.loads(await (await read_response(reader, writer)).body())

    assert problem["type"] == "/chat/docs#too_many_streams"


OWN_PATHS: Final = ("/api", "/api/messages", "/page", "/docs", "/health", "/.well-known", "/skills.md", "/%61pi")


@pytest.mark.parametrize("path", OWN_PATHS)
async def test_a_path_of_the_room_itself_is_refused(path: str) -> None:
    """A room below /api would not know whether the proxy has removed that from a request for /api/messages."""
    settings = Settings(log="memory:", port=0, public_url=parse_public_url(f"https://example.org{path}"))
    with pytest.raises(BadSetting, match="paths of its own"):
        async with running_room(settings):
            pass


def message(path: str) -> RawRequestMessage:
    """Return the parsed head of a request."""
    headers = CIMultiDictProxy(CIMultiDict[str]())
    url = URL.build(path=path, encoded=True)
    return RawRequestMessage("GET", path, HttpVersion11, headers, (), False, None, False, False, url)


def test_a_request_without_the_path_is_passed_on_as_it_is() -> None:
    """Nothing is made anew for a request whose path the proxy has removed; for another, the URL alone."""
    made: list[RawRequestMessage] = []

    def make_request(parsed: RawRequestMessage) -> web.BaseRequest:
        made.append(parsed)
        return make_mocked_request("GET", "/")

    make = below("/chat", make_request)
    without = message("/api/messages")
    make(without)
    make(message("/chat/api/messages"))

    assert made[0] is without
    assert (made[1].url.path, made[1].path) == ("/api/messages", "/chat/api/messages")
