"""MCP messages as clients send them, in both forms: stateless, and after a handshake."""

from typing import Any, Final

from tests.conftest import Agent, Response, Room

STATELESS: Final = "2026-07-28"
HANDSHAKE: Final = "2025-11-25"
META: Final = "io.modelcontextprotocol/"
NAMES: Final = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name"}


def envelope(method: str, params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return the body of a stateless request; `more` replaces its outer fields."""
    meta = {f"{META}protocolVersion": STATELESS, f"{META}clientCapabilities": {}}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta, **(params or {})}, **more}


def headers_for(body: dict[str, Any]) -> dict[str, str]:
    """Return the headers that must be equal to a stateless body."""
    headers = {"MCP-Protocol-Version": STATELESS, "Mcp-Method": body["method"]}
    name = body["params"].get(NAMES.get(body["method"], ""))
    return headers | ({"Mcp-Name": name} if isinstance(name, str) else {})


async def send(room: Room, method: str, params: dict[str, Any] | None = None, **options: Any) -> Response:
    """Send a stateless request."""
    body = envelope(method, params)
    return await room.post("/mcp", body, headers=headers_for(body), **options)


async def send_older(room: Room, method: str, params: dict[str, Any] | None = None, **options: Any) -> Response:
    """Send a request as after a handshake."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return await room.post("/mcp", body, headers={"MCP-Protocol-Version": HANDSHAKE}, **options)


async def call(room: Room, tool: str, agent: Agent | None = None, **arguments: object) -> dict[str, Any]:
    """Call a tool, and return its result."""
    answer = await send(room, "tools/call", {"name": tool, "arguments": arguments}, agent=agent)
    assert answer.status == 200, answer.raw
    result: dict[str, Any] = answer.json["result"]
    return result
