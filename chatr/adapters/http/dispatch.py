"""Dispatch: each request is looked up in the table of endpoints, admitted, read, and handed to its handler.

`request_handler` is what aiohttp calls; the functions below it follow in the order in which a request passes them.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from attrs import field, frozen

from chatr.adapters.http.access_errors import READ_ONLY
from chatr.adapters.http.admission.admission import Admission, whole_seconds
from chatr.adapters.http.admission.authentication import authenticate
from chatr.adapters.http.admission.reading import ReadingAccess
from chatr.adapters.http.caching import Caching, private_headers, varying_headers, with_caching
from chatr.adapters.http.connection import Connection
from chatr.adapters.http.description.route import Route, RouteHandler
from chatr.adapters.http.error_catalogue import (
    BODY_BYTES,
    EXPECTATION_FAILED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    http_error,
)
from chatr.adapters.http.errors import error_response, request_refusal
from chatr.adapters.http.headers import set_request_id
from chatr.adapters.http.json_response import RESPONSE_HEADERS, as_response
from chatr.adapters.http.observation import OTHER, ROUTE
from chatr.adapters.http.request_body import read_body
from chatr.adapters.http.sub_path import below
from chatr.domain.agent import Agent
from chatr.domain.commands import Heartbeat
from chatr.domain.rule import RuleViolated
from chatr.node.command_handler import Overloaded
from chatr.node.node import Node
from chatr.ports import Clock, LogUnavailable, OutcomeUnknown

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

PARAMETER: Final = re.compile("{[a-z]+}")
"""A parameter in the path of a route, such as `{id}`."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


@frozen
class Endpoint:
    """What handles a request, and whether the request counts against the limit of its client address.

    Requests are counted and logged by `route`, the path in the table. Every response has `headers`. `refuse` answers a
    request beyond the limit of its address, with the seconds to wait, where the usual response would not be understood.
    """

    handler: Handler
    route: str
    counts_as_request: bool
    headers: Mapping[str, str] = field(factory=dict)
    refuse: Callable[[web.BaseRequest, int], Awaitable[web.StreamResponse]] | None = None


EndpointTable = Mapping[str, Mapping[str, Endpoint]]
"""Endpoints by path and by method."""


def web_server(handler: Handler, base_path: str = "") -> web.Server:
    """Return aiohttp's low-level server, which hands every request to `handler`, those below `base_path` without it."""
    # Simple alternative: web.Application with its router, middlewares and signals (docs/decisions/dispatch.md).
    # Measured gain: 5 to 7 % of a durable post (docs/decisions/measured-tricks.md).
    make_request = partial(web.BaseRequest, loop=asyncio.get_running_loop(), client_max_size=BODY_BYTES)
    return web.Server(handler, request_factory=below(base_path, make_request) if base_path else make_request)


def request_handler(table: EndpointTable, admission: Admission) -> Handler:
    """Return the function that answers every request."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        endpoint = find_endpoint(table, request.rel_url.path_safe, request.method)
        request[RESPONSE_HEADERS] = dict(endpoint.headers)
        # Before anything can be refused, so that refusals are observed with their route.
        request[ROUTE] = endpoint.route
        admission.check_request(request)
        if endpoint.counts_as_request and (wait := admission.try_request(admission.client_address(request))):
            if endpoint.refuse is not None:
                await answer_expectation(request)
                return await endpoint.refuse(request, whole_seconds(wait))
            return request_refusal(request, admission.request_limit, whole_seconds(wait))
        # Only now: a client that waits for this sends its body only to a request that is not refused.
        await answer_expectation(request)
        return await endpoint.handler(request)

    return partial(respond, answer)


async def respond(answer: Handler, request: web.BaseRequest) -> web.StreamResponse:
    """Return what `answer` returns for a request, or an error response where anything goes wrong."""
    assert isinstance(request.protocol, Connection)
    request.protocol.head_received(request)
    set_request_id(request)
    try:
        return await answer(request)
    except ConnectionError:
        raise  # the client has gone, so there is nobody to answer
    except Exception as error:  # noqa: BLE001 -- whatever went wrong is answered, and logged by error_response
        return error_response(request, error)


def find_endpoint(table: EndpointTable, path: str, method: str) -> Endpoint:
    """Return the endpoint; `{}` in the table stands for any last or last but one segment. Without one: 404 or 405."""
    folder, _, name = path.rpartition("/")
    methods = table.get(path) or (table.get(f"{folder}/{{}}") if name else None)
    if methods is None:
        above, _, parameter = folder.rpartition("/")
        methods = (table.get(f"{above}/{{}}/{name}") if parameter else None) or {}
    if endpoint := methods.get(method):
        return endpoint
    route = next((endpoint.route for endpoint in methods.values()), OTHER)
    return Endpoint(no_endpoint(methods), route, counts_as_request=True)


def no_endpoint(methods: Mapping[str, Endpoint]) -> Handler:
    """Return a handler that raises 404 where a path has no `methods`, and 405 where it has others."""

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        if not methods:
            raise http_error(NOT_FOUND)
        allow = ", ".join(sorted(methods))
        raise http_error(METHOD_NOT_ALLOWED, allow=allow, headers={"Allow": allow})

    return handle


async def answer_expectation(request: web.BaseRequest) -> None:
    """Send 100 Continue to a client that waits for it before it sends the body. Raises HttpError (417)."""
    expectation = request.headers.get(hdrs.EXPECT)
    # RFC 9110, 10.1.1: an expectation in HTTP/1.0 is ignored.
    if not expectation or request.version < HttpVersion11:
        return
    if expectation.lower() != "100-continue":
        raise http_error(EXPECTATION_FAILED, closes=True)
    if request.transport is not None:  # None once the client has gone
        request.transport.write(CONTINUE)


def open_handler(route_handler: RouteHandler, caching: Caching, body_timeout: float) -> Handler:
    """Return the handler of an endpoint that needs no key."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await read_body(request, body_timeout)
        return with_caching(request, as_response(await route_handler(request)), caching)

    return handle


def reading_handler(route: Route, route_handler: RouteHandler, reading: ReadingAccess, body_timeout: float) -> Handler:
    """Return the handler of an endpoint that shows the room: it needs a key if the room is private."""
    if_private = private_headers(route.caching)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if reading.needs_key:
            request[RESPONSE_HEADERS] |= if_private
        reader = await reading.reader_of(request)
        await read_body(request, body_timeout)
        response = as_response(await route_handler(request))
        # A long poll waits, and the log may be slow. A stream is prepared: its head was sent, and the hub ends it.
        if not response.prepared:
            reading.check(reader)
        return with_caching(request, response, route.caching)

    return handle


def keyed_handler(route: Route, route_handler: RouteHandler, node: Node, clock: Clock, body_timeout: float) -> Handler:
    """Return the handler of an endpoint that needs a key: it passes the agent on, and records that it was active."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        agent = await authenticate(node, clock, request, activates=not route.leaves_key_pending)
        try:
            await read_body(request, body_timeout)
            return as_response(await route_handler(request, agent))
        finally:
            # A rejected request is activity too. Where the request recorded activity of the agent, that is enough.
            if not route.records_no_activity and node.room.agent(agent.id).last_seen == agent.last_seen:
                await record_activity(node, agent, clock.now())

    return handle


def refusing_handler(body_timeout: float) -> Handler:
    """Return the handler of an endpoint that writes, in a room that is read-only: 403 whatever is sent."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        # Read all the same, so that the connection can be used again. No key is asked for: none would help.
        await read_body(request, body_timeout)
        raise http_error(READ_ONLY)

    return handle


async def record_activity(node: Node, agent: Agent, now: int) -> None:
    """Record a heartbeat unless a recent record says as much, the agent is suspended, or the room is read-only.

    A store that fails does not fail the request.
    """
    heartbeat = Heartbeat(agent.id, now)
    if not node.is_read_only and not node.commands.is_already_recorded(heartbeat):
        with suppress(LogUnavailable, OutcomeUnknown, Overloaded, RuleViolated):
            await node.commands.handle(heartbeat)


def endpoint_table(
    handlers: Mapping[Route, RouteHandler], node: Node, clock: Clock, reading: ReadingAccess, body_timeout: float
) -> EndpointTable:
    """Return the endpoints of all routes. HEAD is served wherever GET is."""
    table: dict[str, dict[str, Endpoint]] = {}
    # Wrapped once at the start: which checks a route needs is not decided again for each request.
    for route, route_handler in handlers.items():
        if node.is_read_only and route.writes:
            handler = refusing_handler(body_timeout)
        elif route.requires_key:
            handler = keyed_handler(route, route_handler, node, clock, body_timeout)
        elif route.shows_room:
            handler = reading_handler(route, route_handler, reading, body_timeout)
        else:
            handler = open_handler(route_handler, route.caching, body_timeout)
        methods = (hdrs.METH_GET, hdrs.METH_HEAD) if route.method == hdrs.METH_GET else (route.method,)
        headers = varying_headers(route.caching, is_keyed=route.reads_key)
        endpoint = Endpoint(handler, route.path, route.counts_as_request, headers)
        table.setdefault(PARAMETER.sub("{}", route.path), {}).update(dict.fromkeys(methods, endpoint))
    return table
