"""There are two ways to a stream, and nobody can tell which was taken."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import pytest

from chatr.adapters.http import site
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.site import Patience
from chatr.app import running
from chatr.domain.limits import MINUTE, Limit
from chatr.settings import Settings
from tests.conftest import OpenRoom, Room
from tests.crowd import speaker
from tests.sse import Frame
from tests.watching import Watch, answer, connected, request, watching

GENERATED: Final = 36
"""Characters of the name that an answer is given if its request brought none."""
PLAIN: Final = {
    "bare": request(),
    "as browsers ask": request(
        "/api/stream?presence=1", Accept="text/event-stream", Connection="keep-alive", User_Agent="Mozilla/5.0 (X11)"
    ),
    "names in lower case": request().replace(b"Host", b"host"),
    "no space after the colon": request().replace(b": ", b":"),
    "empty query": request("/api/stream?"),
    "query of others": request("/api/stream?a=1&b&c="),
    "last id in the query": request("/api/stream?lastEventId=LAST"),
    "last id": request(Last_Event_ID="LAST"),
    "both": request("/api/stream?lastEventId=1-00000000", Last_Event_ID="LAST"),
    "id of another log": request(Last_Event_ID="2-00000000"),
    "nonsense for an id": request(Last_Event_ID="yesterday"),
    "a name for the answer": request(X_Request_Id="abc-1"),
    "a bad name for the answer": request(X_Request_Id="a b"),
    "header that nobody knows": request(X_Something="!#$ %&/()=?"),
    "a page's origin": request(Origin="https://example.org"),
}
ODD: Final = {
    "id ahead of the log": request(Last_Event_ID="999-00000000"),
    "presence twice": request("/api/stream?presence=1&presence=0"),
    "encoded query": request("/api/stream?lastEventId=%4C%41ST&presence=%31"),
    "last id twice": request(Last_Event_ID="LAST").replace(b"\r\n\r\n", b"\r\nlast-event-id: 1-00000000\r\n\r\n"),
    "host twice": request().replace(b"\r\n\r\n", b"\r\nHost: other\r\n\r\n"),
    "no host": b"GET /api/stream HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "closing": request(Connection="close"),
    "upgrade": request(Connection="Upgrade", Upgrade="websocket"),
    "no body in so many words": request(Content_Length="0"),
    "body": request(Content_Length="2") + b"{}",
    "chunked body": request(Transfer_Encoding="chunked") + b"0\r\n\r\n",
    "packed body": request(Content_Encoding="gzip"),
    "expectation": request(Expect="100-continue"),
    "odd expectation": request(Expect="money"),
    "letters beyond ASCII": request().replace(b"room", "räume".encode()),
    "tab": request().replace(b": room", b":\troom"),
    "folded header": request(X_A="1").replace(b"X-A: 1", b"X-A: 1\r\n  2"),
    "no colon": request(X_A="1").replace(b"X-A: 1", b"X-A 1"),
    "space before the colon": request(X_A="1").replace(b"X-A:", b"X-A :"),
    "null": request(X_A="1").replace(b"X-A: 1", b"X-A: \0"),
    "whole address": request("http://room/api/stream"),
    "fragment": request("/api/stream#m-1"),
    "two slashes": request("//api/stream"),
    "slash at the end": request("/api/stream/"),
    "encoded path": request("/api/stre%61m"),
    "two spaces": request().replace(b"GET ", b"GET  "),
    "another protocol": request().replace(b"HTTP/1.1", b"HTTP/3.7"),
    "HTTP/1.0": request(version="1.0"),
    "HEAD": request(method="HEAD"),
    "POST": request(method="POST"),
    "method in lower case": request(method="get"),
    "more than is looked at": request(X_A="a" * 3_000),
    "too long a header": request(X_A="a" * 9_000),
    "too much of a head": request(X_A="a" * 7_000, X_B="b" * 7_000, X_C="c" * 7_000),
    "many headers": request(**{f"X-{number}": "1" for number in range(40)}),
    "too many headers": request(**{f"X-{number}": "1" for number in range(70)}),
    "refusal as a problem": request("/api/strea", Accept="application/problem+json"),
}


class Counted(Connection):
    """How many of aiohttp's connections there were."""

    __slots__ = ()

    made = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        Counted.made += 1


@pytest.fixture
def by_aiohttp(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    monkeypatch.setattr(site, "Connection", Counted)
    monkeypatch.setattr(Counted, "made", 0)
    return Counted


def comparable(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of an answer but for what differs from one to the next."""
    return {
        name: value
        for name, value in headers.items()
        if name != "date" and (name != "x-request-id" or len(value) != GENERATED)
    }


async def seen(watch: Watch, *, head: bool) -> Sequence[Frame] | bytes:
    """What the answer brings at once."""
    if head or watch.headers.get("content-type") != "text/event-stream":
        return b"" if head else await watch.body()
    found = [await watch.frame()]
    while found[-1].kind != "stats":
        found.append(await watch.frame())
    return found


async def told(url: str, asked: bytes, *before: bytes) -> tuple[int, dict[str, str], Sequence[Frame] | bytes]:
    """What comes of a request, sent on a new connection, or on one that served others `before`."""
    async with connected(url) as (reader, writer):
        for each in before:
            writer.write(each)
            await answer(reader, writer)
        writer.write(asked)
        watch = await answer(reader, writer)
        return watch.status, comparable(watch.headers), await seen(watch, head=asked.startswith(b"HEAD"))


@pytest.mark.parametrize("name", [*PLAIN, *ODD])
async def test_both_ways_lead_to_the_same_answer(by_aiohttp: type[Counted], room: Room, name: str) -> None:
    """A plain request on a new connection is answered without aiohttp, an odd one by it, and neither otherwise than on
    a connection that aiohttp has.
    """
    await (await speaker(room.running.node)).say("Hello!", "Hello again!")
    async with watching(room.running.url) as watch:
        last = (await watch.frame()).id
    asked = (PLAIN | ODD)[name].replace(b"LAST", last.encode())
    by_aiohttp.made = 0
    at_once = await told(room.running.url, asked)
    served = by_aiohttp.made
    later = await told(room.running.url, asked, request("/health", method="HEAD"))

    assert at_once == later
    assert (served, by_aiohttp.made) == (name in ODD, (name in ODD) + 1)


async def test_a_request_may_come_in_pieces(room: Room) -> None:
    """What is not there at once is waited for, as of any request."""
    async with connected(room.running.url) as (reader, writer):
        for piece in request().partition(b"stream"):
            writer.write(piece)
            await writer.drain()
        watch = await answer(reader, writer)

        assert (watch.status, (await watch.frame()).kind) == (200, "history")


async def test_a_request_counts_once_whatever_comes_of_it(open_room: OpenRoom) -> None:
    """Who finds no place has spent one request, and who has spent all is told so."""
    room = await open_room(max_streams_per_ip=1, rate_requests=Limit(5, MINUTE))
    async with watching(room.running.url):
        codes = []
        for _ in range(5):
            async with watching(room.running.url) as refused:
                codes.append(json.loads(await refused.body())["code"])

    assert codes == ["too_many_streams"] * 4 + ["request_rate_limited"]


async def test_whoever_says_nothing_is_hung_up_on(open_room: OpenRoom) -> None:
    """Silence has its time, and that is the same for all; whoever asked for something has other limits."""
    room = await open_room(patience=Patience(idle=0.2))
    began = asyncio.get_running_loop().time()
    async with AsyncExitStack() as stack:
        watch = await stack.enter_async_context(watching(room.running.url))
        for _ in range(3):
            reader, _ = await stack.enter_async_context(connected(room.running.url))
            assert await reader.read() == b""
        took = asyncio.get_running_loop().time() - began
        await watch.frames(2)

    assert took >= 3 * 0.2


async def test_whoever_says_nothing_holds_up_nobody_who_leaves() -> None:
    """A room that closes does not wait for a connection on which nothing was said."""
    async with AsyncExitStack() as stack:
        async with running(Settings(log="memory:", port=0)) as room:
            reader, _ = await stack.enter_async_context(connected(room.url))
            async with watching(room.url) as watch:  # connections are accepted in the order in which they come
                await watch.frames(2)

        assert await reader.read() == b""
