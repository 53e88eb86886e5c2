"""The web server: every request has one way in, and is taken in whole before anybody looks at it.

Its way is looked up in the table of endpoints (docs/decisions/look-up.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from itertools import chain
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from attrs import frozen

from chatr.adapters.http.answers import refused
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.door import Door
from chatr.adapters.http.refusals import (
    BODY_BYTES,
    EXPECTATION,
    HEAD_BYTES,
    HEAD_TOO_LARGE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    TOO_SLOW,
    WRONG_TYPE,
    turn,
)
from chatr.adapters.http.route import Route
from chatr.domain.commands import Heartbeat
from chatr.node import Node, Overloaded
from chatr.ports import Clock, Unavailable, Unknown

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

UNPACKED: Final = ("", "identity", "chunked")
"""The encodings in which a body may come."""
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@frozen
class Way:
    """Where a request goes, and whether it spends its address's quota."""

    handler: Handler
    counted: bool


Ways = Mapping[str, Mapping[str, Way]]
"""By path and method."""


def server(routes: tuple[Route, ...], node: Node, clock: Clock, door: Door, *, body_seconds: float) -> web.Server:
    request = partial(web.BaseRequest, loop=asyncio.get_running_loop(), client_max_size=BODY_BYTES)
    return web.Server(entrance(ways_of(routes, node, clock, door, body_seconds), door), request_factory=request)


def ways_of(routes: tuple[Route, ...], node: Node, clock: Clock, door: Door, body_seconds: float) -> Ways:
    ways: dict[str, dict[str, Way]] = {}
    for route in routes:
        handler = keyed(route, node, clock, door, body_seconds) if route.keyed else opened(route, body_seconds)
        methods = (hdrs.METH_GET, hdrs.METH_HEAD) if route.method == hdrs.METH_GET else (route.method,)
        ways.setdefault(route.path, {}).update(dict.fromkeys(methods, Way(handler, route.counted)))
    return ways


def opened(route: Route, body_seconds: float) -> Handler:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await arrive(request, body_seconds)
        return await route.handler(request)

    return handle


def keyed(route: Route, node: Node, clock: Clock, door: Door, body_seconds: float) -> Handler:
    """Hand the agent in; whatever came of its request, it was there."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        agent = await door.member(request)
        try:
            await arrive(request, body_seconds)
            return await route.handler(request, agent)
        finally:
            unheard = not route.silent and node.room.agent(agent.id) is agent
            if unheard and not node.settled(heartbeat := Heartbeat(agent.id, clock.now())):
                with suppress(Unavailable, Unknown, Overloaded):
                    await node.handle(heartbeat)

    return handle


def entrance(ways: Ways, door: Door) -> Handler:
    async def enter(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request.protocol, Connection)
        request.protocol.head_arrived()
        way = way_to(ways, request.rel_url.path_safe, request.method)
        try:
            if way.counted:
                door.admit(door.address(request))
            await expected(request)
            return await way.handler(request)
        except ConnectionError:
            raise
        except Exception as reason:  # noqa: BLE001 -- whatever went wrong gets its one answer
            return refused(request, reason)

    return enter


def way_to(ways: Ways, path: str, method: str) -> Way:
    """A path may end in any name where the table says `{file}`."""
    folder, _, name = path.rpartition("/")
    served = ways.get(path) or (ways.get(f"{folder}/{{file}}", {}) if name else {})
    return served.get(method) or Way(nowhere(served), counted=True)


def nowhere(served: Mapping[str, Way]) -> Handler:
    """Nothing is served there, or not by that method."""

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        if not served:
            raise turn(NOT_FOUND)
        allow = ", ".join(sorted(served))
        raise turn(METHOD_NOT_ALLOWED, allow=allow, headers={"Allow": allow})

    return handle


async def expected(request: web.BaseRequest) -> None:
    """Tell a client to go on that waits before it sends its body. Raises Turned."""
    asked = request.headers.get(hdrs.EXPECT)
    if not asked or request.version < HttpVersion11:
        return
    if asked.lower() != "100-continue":
        raise turn(EXPECTATION, closes=True)
    if request.transport is not None:
        request.transport.write(GO_ON)


async def arrive(request: web.BaseRequest, seconds: float) -> None:
    """Take the whole request in, within bounds of size and time. Raises Turned."""
    if len(request.raw_path) + sum(map(len, chain.from_iterable(request.raw_headers))) > HEAD_BYTES:
        raise turn(HEAD_TOO_LARGE, limit=HEAD_BYTES, closes=True)
    headers = request.headers
    if (
        headers.get(hdrs.CONTENT_ENCODING, "").lower() not in UNPACKED
        or headers.get(hdrs.TRANSFER_ENCODING, "").lower() not in UNPACKED
    ):
        raise turn(WRONG_TYPE, closes=True)
    if (request.content_length or 0) > BODY_BYTES:
        raise turn(TOO_LARGE, limit=BODY_BYTES, closes=True)
    if request.can_read_body:
        try:
            async with nullcontext() if request.content.is_eof() else asyncio.timeout(seconds):
                await request.read()
        except TimeoutError as error:
            raise turn(TOO_SLOW, seconds=f"{seconds:g}", closes=True) from error
        except web.HTTPRequestEntityTooLarge as error:
            raise turn(TOO_LARGE, limit=BODY_BYTES, closes=True) from error
