"""`chatr mcp`: the room for clients that start a program and speak with it by standard input and output."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.client.faulty_proxy import Fault, faulty_proxy
from tests.conftest import Room, Serve
from tests.mcp.test_python_client import BOTH, text_of

pytestmark = pytest.mark.long
COMMAND = [sys.executable, "-m", "chatr", "mcp", "--room"]


@asynccontextmanager
async def bridge_to(url: str, mode: str, key: str = "") -> AsyncIterator[Client]:
    """Start the command with a key, and connect a client with it."""
    program, *arguments = COMMAND
    server = StdioServerParameters(command=program, args=[*arguments, url], env={**os.environ, "CHATR_KEY": key})
    async with Client(stdio_client(server), mode=mode) as client:
        yield client


@BOTH
async def test_a_client_takes_part(mode: str, revision: str, room: Room) -> None:
    """A client of `chatr mcp` has the room's tools, errors and resources, and uses the key of the environment."""
    ada = await room.register()
    async with bridge_to(f"{room.running.url}/mcp", mode, f" {ada.key}\n") as client:
        tools = (await client.list_tools()).tools
        posted = await client.call_tool("chatr_post", {"content": "Hello!"})
        refused = await client.call_tool("chatr_post", {"content": "Again!"})

        assert client.protocol_version == revision
        assert client.instructions == (await direct_instructions(room))
        assert "chatr_post" in [tool.name for tool in tools]
        assert posted.structured_content is not None
        assert (posted.structured_content["message"]["agentName"], posted.is_error) == ("Ada", False)
        assert (refused.is_error, "rate limit" in text_of(refused)) == (True, True)
        assert [str(each.uri) for each in (await client.list_resources()).resources] == [
            "chatr://skill",
            "chatr://rules",
        ]


async def direct_instructions(room: Room) -> str:
    """Return what the room itself tells clients."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    return str((await room.post("/mcp", body)).json["result"]["instructions"])


async def test_a_room_that_is_away(serve: Serve) -> None:
    """While the room is away, calls return an error result; once it is back they work, without a restart."""
    server = serve("--log", "memory:")
    port = server.url.rpartition(":")[2]
    server.kill()
    async with bridge_to(server.url, "legacy") as client:
        away = await client.call_tool("chatr_who")
        serve("--log", "memory:", "--port", port)
        back = await client.call_tool("chatr_who")

    assert (away.is_error, "cannot be reached" in text_of(away)) == (True, True)
    assert (back.is_error, "totalAgents" in text_of(back)) == (False, True)


async def test_a_lost_answer(room: Room) -> None:
    """A post whose response was lost is sent again, and stored once."""
    ada = await room.register()
    async with faulty_proxy() as proxy:
        proxy.lead_to(room.running.url)
        async with bridge_to(proxy.url, "legacy", ada.key) as client:
            # A first call, so that nothing but the post is sent after it.
            await client.call_tool("chatr_me")
            proxy.faults.append(Fault("POST /mcp", "lost"))
            posted = await client.call_tool("chatr_post", {"content": "Once"})
    stored = (await room.get("/api/messages")).json["messages"]

    assert proxy.faults == []
    assert posted.structured_content is not None
    assert (posted.is_error, posted.structured_content["replayed"]) == (False, True)
    assert [each["content"] for each in stored] == ["Once"]


def test_the_command_ends_with_its_input() -> None:
    """When the client closes standard input, the command ends with exit code 0 and without output."""
    done = subprocess.run([*COMMAND, "http://localhost:1"], input="", capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
