"""POST /mcp: the methods of the Model Context Protocol."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import hdrs, web

from chatr import __version__
from chatr.adapters.http import json_rpc
from chatr.adapters.http.caching import NOT_STORED
from chatr.adapters.http.dispatch import Endpoint, EndpointTable, open_handler
from chatr.adapters.http.error_catalogue import JSON, REQUEST_RATE_LIMITED, http_error
from chatr.adapters.http.json_response import encode
from chatr.adapters.http.mcp.calling import ToolCalls, failure
from chatr.adapters.http.mcp.instructions import INSTRUCTIONS, READ_ONLY_INSTRUCTIONS
from chatr.adapters.http.mcp.message import McpError, Message, read_message
from chatr.adapters.http.mcp.resources import MARKDOWN, RESOURCES, ResourceReader
from chatr.adapters.http.mcp.revisions import DISCOVER, META, SUPPORTED, check_envelope, is_stateless, negotiated
from chatr.adapters.http.mcp.tools import TOOLS
from chatr.adapters.http.request_body import read_body
from chatr.node.node import Node
from chatr.ports import Clock

SERVER_INFO: Final = {"name": "chatr", "version": __version__}
# `listChanged` is not offered: the lists never change while a node runs.
CAPABILITIES: Final[Mapping[str, Any]] = {"tools": {}, "resources": {}}
LIST_CACHE_TIME: Final = 3_600_000
"""Milliseconds for which clients may cache lists, which change only with the version of chatr."""
DOCUMENT_CACHE_TIME: Final = 60_000
"""Milliseconds for which clients may cache documents, which contain the limits in force."""
CACHE_TIMES: Final = {
    DISCOVER: LIST_CACHE_TIME,
    "tools/list": LIST_CACHE_TIME,
    "resources/list": LIST_CACHE_TIME,
    "resources/templates/list": LIST_CACHE_TIME,
    "resources/read": DOCUMENT_CACHE_TIME,
}
MAX_QUOTED: Final = 100
"""Characters of a client's own text that an error message quotes at most."""

Method = Callable[[web.BaseRequest, Message], Awaitable[Mapping[str, Any]]]
"""Handles an MCP method: returns the result of a request. Raises McpError."""


def mcp_endpoint(
    table: EndpointTable, node: Node, clock: Clock, request_limit: str, body_timeout: float
) -> Mapping[str, Endpoint]:
    """Return the endpoint POST /mcp, by its HTTP method. Its tools call the endpoints in `table`."""
    calls, reader = ToolCalls(table, node, clock), ResourceReader(table, node)
    handlers = McpHandlers(calls, reader, request_limit, body_timeout, is_read_only=node.is_read_only)
    handler = open_handler(handlers.answer, NOT_STORED, body_timeout)
    endpoint = Endpoint(handler, json_rpc.PATH, counts_as_request=True, refuse=handlers.refuse)
    return {hdrs.METH_POST: endpoint}


class McpHandlers:
    """Answers messages of MCP clients. There are no sessions, so any node can answer any message.

    A room that `is_read_only` lists only the tools that read. Calls of the others get its error.
    """

    def __init__(
        self,
        calls: ToolCalls,
        reader: ResourceReader,
        request_limit: str,
        body_timeout: float,
        *,
        is_read_only: bool = False,
    ) -> None:
        self._calls = calls
        self._reader = reader
        self._request_limit = request_limit
        self._body_timeout = body_timeout
        self._listed = [tool for tool in TOOLS if not (is_read_only and tool.writes)]
        self._instructions = READ_ONLY_INSTRUCTIONS if is_read_only else INSTRUCTIONS
        shared: dict[str, Method] = {
            "tools/list": fixed_list({"tools": [tool.listed() for tool in self._listed]}),
            "tools/call": self._call_tool,
            "resources/list": fixed_list({"resources": [resource.listed() for resource in RESOURCES]}),
            "resources/templates/list": fixed_list({"resourceTemplates": []}),
            "resources/read": self._read_resource,
        }
        self._stateless: Mapping[str, Method] = {**shared, DISCOVER: self._discover}
        self._with_handshake: Mapping[str, Method] = {**shared, "initialize": self._initialize, "ping": ping}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request with its result or an error, and a notification with status 202.

        Raises HttpError (415) if the body is not declared as JSON.
        """
        try:
            message = await read_message(request)
        except McpError as error:
            return json_response(error.body(None), error.status(stateless=True))
        if message.is_notification:
            return web.Response(status=202)
        stateless = is_stateless(request, message)
        try:
            result = await self._result(request, message, stateless=stateless)
        except McpError as error:
            return json_response(error.body(message.request_id), error.status(stateless=stateless))
        return result_response(message, result, stateless=stateless)

    async def refuse(self, request: web.BaseRequest, seconds: int) -> web.Response:
        """Answer a request beyond the limit of its address. A call of a tool gets a result that a model can read.

        Raises HttpError (429) for every other message.
        """
        error = http_error(REQUEST_RATE_LIMITED, limit=self._request_limit, retryAfter=seconds)
        try:
            await read_body(request, self._body_timeout)
            message = await read_message(request)
        except McpError as malformed:
            raise error from malformed
        if message.method != "tools/call" or message.is_notification:
            raise error
        return result_response(
            message, failure(request, error, str(error), {}), stateless=is_stateless(request, message)
        )

    async def _result(self, request: web.BaseRequest, message: Message, *, stateless: bool) -> Mapping[str, Any]:
        if stateless:
            check_envelope(request, message)
        # Each kind of revision has methods that the other one does not know.
        method = (self._stateless if stateless else self._with_handshake).get(message.method)
        if method is None:
            raise McpError(json_rpc.METHOD_NOT_FOUND, f"There is no method {message.method[:MAX_QUOTED]!r} here.")
        return await method(request, message)

    async def _discover(self, _request: web.BaseRequest, _message: Message) -> Mapping[str, Any]:
        """Return the versions and capabilities of the server (stateless revision)."""
        return {"supportedVersions": SUPPORTED, "capabilities": CAPABILITIES, "instructions": self._instructions}

    async def _initialize(self, _request: web.BaseRequest, message: Message) -> Mapping[str, Any]:
        """Return the negotiated revision and the capabilities of the server. Raises McpError if none is requested."""
        requested = message.params.get("protocolVersion")
        if not isinstance(requested, str):
            raise McpError(json_rpc.INVALID_PARAMS, "The params of initialize need protocolVersion.")
        return {
            "protocolVersion": negotiated(requested),
            "capabilities": CAPABILITIES,
            "serverInfo": SERVER_INFO,
            "instructions": self._instructions,
        }

    async def _call_tool(self, request: web.BaseRequest, message: Message) -> Mapping[str, Any]:
        name, arguments = message.params.get("name"), message.params.get("arguments")
        tool = next((each for each in TOOLS if each.name == name), None)
        if tool is None:
            # A model that misspells a name corrects itself when it reads the right ones.
            known = ", ".join(each.name for each in self._listed)
            raise McpError(json_rpc.INVALID_PARAMS, f"Unknown tool: {str(name)[:MAX_QUOTED]}. There are {known}.")
        if not isinstance(arguments, dict | None):
            raise McpError(json_rpc.INVALID_PARAMS, "The arguments of a tool are an object.")
        return await self._calls.call(request, tool, arguments or {})

    async def _read_resource(self, request: web.BaseRequest, message: Message) -> Mapping[str, Any]:
        uri = message.params.get("uri")
        text = await self._reader.text_of(request, uri) if isinstance(uri, str) else None
        if text is None:
            known = ", ".join(resource.uri for resource in RESOURCES)
            # The revisions with a handshake have an error code of their own for this.
            code = json_rpc.INVALID_PARAMS if is_stateless(request, message) else json_rpc.RESOURCE_NOT_FOUND
            raise McpError(code, f"There is no such resource. There are {known}.", {"uri": uri})
        return {"contents": [{"uri": uri, "mimeType": MARKDOWN, "text": text}]}


async def ping(_request: web.BaseRequest, _message: Message) -> Mapping[str, Any]:
    """Return an empty result, which tells the client that the server is alive."""
    return {}


def fixed_list(result: Mapping[str, Any]) -> Method:
    """Return a method that returns a list in one page. It raises McpError if the client sends a cursor."""

    async def listed(_request: web.BaseRequest, message: Message) -> Mapping[str, Any]:
        if message.params.get("cursor") is not None:
            raise McpError(json_rpc.INVALID_PARAMS, "This list has one page. Ask for it without a cursor.")
        return result

    return listed


def stateless_result(result: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """Return a result with the fields that the stateless revision adds."""
    ttl = CACHE_TIMES.get(message.method)
    # `public`: the lists and documents are the same for every agent.
    cached = {} if ttl is None else {"ttlMs": ttl, "cacheScope": "public"}
    return {"resultType": "complete", **result, **cached, "_meta": {f"{META}serverInfo": SERVER_INFO}}


def result_response(message: Message, result: Mapping[str, Any], *, stateless: bool) -> web.Response:
    """Return the HTTP response with a result, in the form of the request's revision."""
    shown = stateless_result(result, message) if stateless else result
    return json_response(json_rpc.result_body(message.request_id, shown), 200)


def json_response(body: Mapping[str, Any], status: int) -> web.Response:
    """Return a response with this JSON. No response is an event stream, since nothing is sent before the result."""
    return web.Response(body=encode(body), status=status, content_type=JSON)
