"""The web application: every request has one way in, and is taken in whole before anybody looks at it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from itertools import chain

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from chatr.adapters.http.answers import dress, refused
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.door import Door
from chatr.adapters.http.refusals import BODY_BYTES, HEAD_BYTES, HEAD_TOO_LARGE, TOO_LARGE, TOO_SLOW, WRONG_TYPE, turn
from chatr.adapters.http.route import Route
from chatr.domain.commands import Heartbeat
from chatr.node import Node, Overloaded
from chatr.ports import Clock, Unavailable, Unknown

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    routes: tuple[Route, ...], node: Node, clock: Clock, door: Door, *, body_seconds: float
) -> web.Application:
    app = web.Application(middlewares=[entrance(routes, door)], client_max_size=BODY_BYTES)
    app.on_response_prepare.append(dressed)
    for route in routes:
        handler = keyed(route, node, clock, door, body_seconds) if route.keyed else opened(route, body_seconds)
        app.router.add_route(route.method, route.path, handler)
        if route.method == hdrs.METH_GET:
            app.router.add_route(hdrs.METH_HEAD, route.path, handler)
    return app


def opened(route: Route, body_seconds: float) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        await arrive(request, body_seconds)
        return await route.handler(request)

    return handle


def keyed(route: Route, node: Node, clock: Clock, door: Door, body_seconds: float) -> Handler:
    """Hand the agent in; whatever came of its request, it was there."""

    async def handle(request: web.Request) -> web.StreamResponse:
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


def entrance(routes: tuple[Route, ...], door: Door) -> Middleware:
    free = {route.path for route in routes if not route.counted}

    @web.middleware
    async def enter(request: web.Request, handler: Handler) -> web.StreamResponse:
        assert isinstance(request.protocol, Connection)
        request.protocol.head_arrived()
        resource = request.match_info.route.resource
        try:
            if resource is None or resource.canonical not in free:
                door.admit(door.address(request))
            return await handler(request)
        except ConnectionError:
            raise
        except Exception as reason:  # noqa: BLE001 -- whatever went wrong gets its one answer
            return refused(request, reason)

    return enter


async def arrive(request: web.Request, seconds: float) -> None:
    """Take the whole request in, within bounds of size and time. Raises Turned."""
    if len(request.raw_path) + sum(map(len, chain.from_iterable(request.raw_headers))) > HEAD_BYTES:
        raise turn(HEAD_TOO_LARGE, limit=HEAD_BYTES, closes=True)
    encodings = (request.headers.get(name, "") for name in (hdrs.CONTENT_ENCODING, hdrs.TRANSFER_ENCODING))
    if any(encoding.lower() not in ("", "identity", "chunked") for encoding in encodings):
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


async def dressed(request: web.Request, answer: web.StreamResponse) -> None:
    dress(request, answer)
