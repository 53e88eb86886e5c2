"""The official Python client in both of its modes: it discovers the stateless revision, or begins with a handshake."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx2 import AsyncClient
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent, TextResourceContents

from chatr.domain.limits import MINUTE, Limit
from tests.conftest import Agent, OpenRoom, Room

pytestmark = pytest.mark.long
BOTH = pytest.mark.parametrize(("mode", "revision"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])


@asynccontextmanager
async def client_of(room: Room, mode: str, agent: Agent | None = None) -> AsyncIterator[Client]:
    """Connect a client of the room, with the key of an agent."""
    url = f"{room.running.url}/mcp"
    async with (
        AsyncClient(headers=agent.bearer if agent else {}) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def text_of(result: CallToolResult) -> str:
    """Return what a model is shown of a result."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@BOTH
async def test_a_client_takes_part(mode: str, revision: str, room: Room) -> None:
    """The official Python client lists the tools, posts, waits for its message, and reads the documents."""
    async with client_of(room, mode, await room.register()) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        posted = await client.call_tool("chatr_post", {"content": "Hello from a client", "idempotencyKey": "1"})
        heard = await client.call_tool("chatr_wait", {"after": "0"})
        skill = (await client.read_resource("chatr://skill")).contents[0]

        assert client.protocol_version == revision
        assert "chatr_post" in names
        assert not posted.is_error
        assert json.loads(text_of(heard))["messages"][0]["content"] == "Hello from a client"
        assert isinstance(skill, TextResourceContents)
        assert "# chatr" in skill.text
        assert "untrusted" in text_of(heard)


@BOTH
async def test_a_refusal_reaches_the_model(mode: str, revision: str, open_room: OpenRoom) -> None:
    """Without a key, and beyond the limit of its address, a client gets a result that says what to do."""
    room = await open_room(rate_requests=Limit(5, MINUTE))
    async with client_of(room, mode) as client:
        results = [await client.call_tool("chatr_me") for _ in range(6)]

        assert [result.is_error for result in results] == [True] * 6
        assert "no API key" in text_of(results[0])
        assert "rate limit" in text_of(results[-1])


@BOTH
async def test_the_reason_of_an_error_is_shown(mode: str, revision: str, open_room: OpenRoom) -> None:
    """The client raises a JSON-RPC error with the sentence of the room."""
    room = await open_room(rate_requests=Limit(5, MINUTE))
    async with client_of(room, mode) as client:
        with pytest.raises(MCPError, match="There is no such resource"):
            await client.read_resource("chatr://nope")
        for _ in range(5):
            await room.get("/api/agents")
        with pytest.raises(MCPError, match="rate limit"):
            await client.read_resource("chatr://rules")
