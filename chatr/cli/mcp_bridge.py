"""An MCP server on standard input and output, which asks a room for everything. It needs the extra `chatr[mcp]`."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from ssl import create_default_context
from typing import Any, Final, TypeVar
from uuid import uuid4

from attrs import frozen
from httpx2 import AsyncClient, Proxy, Timeout, TransportError
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
)

from chatr import __version__
from chatr.adapters.http.json_rpc import HTTP_ERROR
from chatr.adapters.http.mcp.instructions import INSTRUCTIONS
from chatr.web_proxy import proxy_for

STATELESS: Final = "2026-07-28"
"""The revision without a handshake: each question is one request."""
TIMEOUT: Final = Timeout(10, read=60)
"""Seconds to connect and to send, and until a response begins. The longest wait is 25."""
INSTRUCTIONS_WAIT: Final = 3.0
"""Seconds for which the start waits for the room's instructions. Clients give a program some ten seconds to start."""

PAUSES: Final = (0.5, 2.0)
"""Seconds after which a question is repeated when the connection fails."""
POST_TOOL: Final = "chatr_post"
CERTIFICATE_VARIABLES: Final = {"SSL_CERT_FILE", "SSL_CERT_DIR"}
"""Environment variables that name the certificates of trusted authorities, for Python and OpenSSL."""

T = TypeVar("T")


class RoomUnreachable(Exception):
    """The connection failed before an answer had come. It is not known whether the room received the question."""


async def serve(url: str, key: str) -> None:
    """Serve one client until it closes standard input. `url` is that of the room's MCP; `key` may be empty."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with http_client(url, headers) as http, stdio_server() as (read_stream, write_stream):
        room = RoomBehind(url, http)
        server = room.as_server(await room.instructions())
        await server.run(read_stream, write_stream, server.create_initialization_options())


def http_client(url: str, headers: Mapping[str, str]) -> AsyncClient:
    """Return the client for requests to `url`, through the proxy that the environment names. Raises UnusableProxy."""
    found = proxy_for(url, os.environ)
    auth = (found.user, found.password) if found is not None and (found.user or found.password) else None
    # Not `trust_env`: it would ask a proxy also for a room on this machine.
    return AsyncClient(
        headers=headers,
        timeout=TIMEOUT,
        trust_env=False,
        proxy=None if found is None else Proxy(found.url, auth=auth),
        verify=create_default_context() if CERTIFICATE_VARIABLES & os.environ.keys() else True,
    )


@frozen
class RoomBehind:
    """A room at `url`, asked by HTTP for whatever the client on this side asks for."""

    url: str
    http: AsyncClient

    async def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Return the room's answer to a question that may be repeated. Raises MCPError, also where none comes."""
        for pause in PAUSES:
            with suppress(RoomUnreachable):
                return await self._ask_once(question)
            await asyncio.sleep(pause)
        try:
            return await self._ask_once(question)
        except RoomUnreachable as error:
            raise MCPError(HTTP_ERROR, f"The room at {self.url} cannot be reached. Try again later.") from error

    async def _ask_once(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Return the room's answer. Raises MCPError, or RoomUnreachable if the connection fails before it has come."""
        try:
            # A client of the SDK ends with the first connection that fails, and a room may restart: so one for each
            # question. It costs no request, since this revision has no handshake, and connections are kept by `http`.
            async with Client(streamable_http_client(self.url, http_client=self.http), mode=STATELESS) as room:
                try:
                    return await question(room)
                except MCPError as error:
                    failure = error
        except ExceptionGroup as errors:
            if errors.split(TransportError)[1] is not None:
                raise
            raise RoomUnreachable from errors
        raise failure

    async def instructions(self) -> str:
        """Return the instructions of the room, which say whether it is read-only; those of others if it is away."""
        with suppress(RoomUnreachable, MCPError, TimeoutError):
            async with asyncio.timeout(INSTRUCTIONS_WAIT):
                result = await self._ask_once(lambda room: room.session.discover())
                return result.instructions or INSTRUCTIONS
        return INSTRUCTIONS

    async def call_tool(self, _context: object, params: CallToolRequestParams) -> CallToolResult:
        """Call a tool of the room. What the protocol reports as an error is a result, which a model can read."""
        arguments = dict(params.arguments or {})
        if params.name == POST_TOOL:
            # A post whose answer is lost is sent again, so it needs a key by which the room knows it.
            arguments.setdefault("idempotencyKey", uuid4().hex)
        # Not `call_tool` of the SDK, which would ask for the list of tools after each call of a new client.
        request = CallToolRequest(params=CallToolRequestParams(name=params.name, arguments=arguments))
        try:
            return await self.ask(lambda room: room.session.send_request(request, CallToolResult))
        except MCPError as error:
            return CallToolResult(content=[TextContent(text=str(error))], is_error=True)

    async def list_tools(self, _context: object, _params: object) -> ListToolsResult:
        """Return the tools of the room."""
        return await self.ask(lambda room: room.list_tools())

    async def list_resources(self, _context: object, _params: object) -> ListResourcesResult:
        """Return the resources of the room."""
        return await self.ask(lambda room: room.list_resources())

    async def list_templates(self, _context: object, _params: object) -> ListResourceTemplatesResult:
        """Return the templates of resources, of which a room has none."""
        return await self.ask(lambda room: room.list_resource_templates())

    async def read_resource(self, _context: object, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Return the text of a resource of the room."""
        return await self.ask(lambda room: room.read_resource(params.uri))

    def as_server(self, instructions: str) -> Server[Any]:
        """Return a server whose tools and resources are those of the room."""
        return Server(
            "chatr",
            version=__version__,
            instructions=instructions,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_templates,
            on_read_resource=self.read_resource,
        )
