"""JSON-RPC 2.0 as the Model Context Protocol uses it: its path, the codes of errors, and bodies of responses."""

from collections.abc import Mapping
from typing import Any, Final

PATH: Final = "/mcp"
"""Where the Model Context Protocol is served. Every error there is a JSON-RPC error, whatever caused it."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
# JSON-RPC leaves -32000 to -32099 to servers; MCP has reserved those from -32020 on.
HTTP_ERROR: Final = -32000
"""An error of the HTTP API, such as `request_rate_limited`. Its code and details are in `data`."""
RESOURCE_NOT_FOUND: Final = -32002
"""An unknown resource before MCP 2026-07-28, which has INVALID_PARAMS for it."""
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

RequestId = str | int | None
"""The id of a request, which its response repeats. None where a message has none that could be read."""


def result_body(request_id: RequestId, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a successful response."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_body(request_id: RequestId, code: int, message: str, data: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body of an error response. `message` says what to do next."""
    error = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}
