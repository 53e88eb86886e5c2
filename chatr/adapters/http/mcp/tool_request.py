"""Builds the HTTP request for a call of a tool."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from aiohttp import HttpVersion11, StreamReader, hdrs, web
from aiohttp.http import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from chatr.adapters.http.description.route import Parameter, Route
from chatr.adapters.http.error_catalogue import BODY_BYTES, JSON
from chatr.adapters.http.headers import ID_OF_REQUEST, request_id_of
from chatr.adapters.http.json_response import RESPONSE_HEADERS, encode

NOT_PASSED_ON: Final = (
    *(hdrs.ACCEPT, hdrs.CONTENT_ENCODING, hdrs.CONTENT_LENGTH, hdrs.CONTENT_TYPE, hdrs.EXPECT, hdrs.IF_NONE_MATCH),
    *(hdrs.TRANSFER_ENCODING, "Idempotency-Key"),
)
"""Headers that describe the MCP message. Those of its sender, such as the key and forwarded address, are copied."""
PATH_PARAMETER: Final = re.compile("{[a-z]+}$")
READ_LIMIT: Final = 2**16

Argument = tuple[Parameter, Any]
"""A parameter of a route with its value, as JSON."""


def request_for(request: web.BaseRequest, route: Route, arguments: Iterable[Argument]) -> web.BaseRequest:
    """Return the request to `route` that the sender of `request` would make with these arguments."""
    arguments = list(arguments)
    headers = CIMultiDict(request.headers)
    for name in NOT_PASSED_ON:
        headers.popall(name, None)
    headers.update({name: as_text(value) for name, value in located("header", arguments).items()})
    path = route.path
    for value in located("path", arguments).values():
        # Quoted with its slashes, so that no value can become another path.
        path = PATH_PARAMETER.sub("", path) + quote(as_text(value), safe="")
    query = urlencode({name: as_text(value) for name, value in located("query", arguments).items()})
    body = b""
    if route.method == hdrs.METH_POST:
        headers[hdrs.CONTENT_TYPE] = JSON
        body = encode(located("body", arguments))
    return make_request(request, route.method, f"{path}?{query}" if query else path, headers, body)


def make_request(
    request: web.BaseRequest, method: str, target: str, headers: CIMultiDict[str], body: bytes
) -> web.BaseRequest:
    """Return a request on the connection of `request`, with its id."""
    loop = asyncio.get_running_loop()
    message = RawRequestMessage(
        method,
        target,
        HttpVersion11,
        CIMultiDictProxy(headers),
        raw_headers=(),
        should_close=False,
        compression=None,
        upgrade=False,
        chunked=False,
        url=URL(target, encoded=True),
    )
    # aiohttp reads bodies from a stream, so the body is fed into one that has ended.
    content = StreamReader(request.protocol, READ_LIMIT, loop=loop)
    content.feed_data(body)
    content.feed_eof()
    made = web.BaseRequest(
        message, content, request.protocol, request.writer, request.task, loop, client_max_size=BODY_BYTES
    )
    # The same id, so that the log lines of a call and of its request can be joined.
    made[ID_OF_REQUEST] = request_id_of(request)
    made[RESPONSE_HEADERS] = {}
    return made


def located(location: Literal["body", "header", "path", "query"], arguments: Iterable[Argument]) -> Mapping[str, Any]:
    """Return the arguments that belong to a part of the request, by the names of their parameters."""
    return {parameter.name: value for parameter, value in arguments if parameter.location == location}


def as_text(value: object) -> str:
    """Return the text of an argument in a header or a query: a string unchanged, everything else as JSON.

    A value of a wrong type, such as a list, becomes JSON text, which the endpoint validates.
    """
    return value if isinstance(value, str) else encode(value).decode()
