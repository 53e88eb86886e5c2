"""Messages of clients: one JSON-RPC request, notification or response in the body of a POST."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import json_rpc
from chatr.adapters.http.error_catalogue import INVALID_JSON, HttpError
from chatr.adapters.http.json_body import read_object
from chatr.adapters.http.json_rpc import RequestId

HTTP_STATUS: Final = {json_rpc.METHOD_NOT_FOUND: 404}
"""The status of an error in the stateless revision, where it is not 400."""
MALFORMED: Final = (
    json_rpc.PARSE_ERROR,
    json_rpc.INVALID_REQUEST,
    json_rpc.HEADER_MISMATCH,
    json_rpc.UNSUPPORTED_VERSION,
)
"""Errors with status 400 in every revision. Others had 200 before: a client took 404 for the end of its session."""


class McpError(Exception):
    """Raised to answer a message with a JSON-RPC error."""

    def __init__(self, code: int, text: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.data = data

    def status(self, *, stateless: bool) -> int:
        """Return the HTTP status of the error, in the stateless revision or an older one."""
        if stateless:
            return HTTP_STATUS.get(self.code, 400)
        return 400 if self.code in MALFORMED else 200

    def body(self, request_id: RequestId) -> dict[str, Any]:
        """Return the body of the error response."""
        return json_rpc.error_body(request_id, self.code, str(self), self.data)


@frozen
class Message:
    """A request, or a notification if it has no id. `meta` is `_meta` of its params."""

    method: str
    params: Mapping[str, Any]
    request_id: RequestId
    is_notification: bool = False

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the client says about the request itself; empty if it says nothing."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


async def read_message(request: web.BaseRequest) -> Message:
    """Return the message in the body of a request. Raises McpError, and HttpError (415) for another media type."""
    raw = await request.read()
    if raw.lstrip()[:1] == b"[":
        raise McpError(json_rpc.INVALID_REQUEST, "Batches are not part of MCP any longer. Send one message a request.")
    try:
        body = await read_object(request)
    except HttpError as error:
        if error.code != INVALID_JSON.code:
            raise
        raise McpError(json_rpc.PARSE_ERROR, str(error)) from error
    return parse_message(body)


def parse_message(body: Mapping[str, Any]) -> Message:
    """Return the message in a JSON object. Raises McpError."""
    request_id, method = body.get("id"), body.get("method")
    if body.get("jsonrpc") != "2.0" or not (isinstance(method, str) or is_response(body)):
        raise McpError(
            json_rpc.INVALID_REQUEST, 'A message has "jsonrpc": "2.0", a "method" and, if it is a request, an "id".'
        )
    # To Python, True is the number 1.
    if "id" in body and (isinstance(request_id, bool) or not isinstance(request_id, str | int)):
        raise McpError(json_rpc.INVALID_REQUEST, "The id of a request is a string or a whole number.")
    params = body.get("params", {})
    if not isinstance(params, dict):
        raise McpError(json_rpc.INVALID_REQUEST, "The params of a message are an object.")
    # A response is treated as a notification: chatr sends no requests, and a response gets no answer.
    return Message(method or "", params, request_id, is_notification="id" not in body or method is None)


def is_response(body: Mapping[str, Any]) -> bool:
    """Return whether a message answers a request; chatr sends none."""
    return "method" not in body and ("result" in body or "error" in body)
