"""Revisions of the Model Context Protocol, and which of them a request speaks.

Since 2026-07-28 each request carries its revision, in `params._meta` and in headers, and there is no handshake. Before,
a client sent `initialize` first. Both are served without a session, so that any node answers any request.
"""

import base64
import binascii
import re
from typing import Final

from aiohttp import web

from chatr.adapters.http import json_rpc
from chatr.adapters.http.mcp.message import McpError, Message

STATELESS: Final = "2026-07-28"
"""The revision without a handshake."""
WITH_HANDSHAKE: Final = ("2025-11-25", "2025-06-18")
"""The revisions with `initialize`, newest first."""
SUPPORTED: Final = (STATELESS, *WITH_HANDSHAKE)

DISCOVER: Final = "server/discover"
VERSION_HEADER: Final = "MCP-Protocol-Version"
METHOD_HEADER: Final = "Mcp-Method"
NAME_HEADER: Final = "Mcp-Name"
NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The parameter that a client repeats in Mcp-Name, so that proxies can route without reading the body."""
META: Final = "io.modelcontextprotocol/"
VERSION_FIELD: Final = f"{META}protocolVersion"
CAPABILITIES_FIELD: Final = f"{META}clientCapabilities"
BASE64: Final = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
"""The form of a header value that has characters which no header may have."""


def is_stateless(request: web.BaseRequest, message: Message) -> bool:
    """Return whether a request is one of the stateless revision, or of one that is unknown here."""
    named = [*request.headers.getall(VERSION_HEADER, ()), message.meta.get(VERSION_FIELD, "")]
    # An unknown revision, in the header or in the body, gets an error that lists the supported ones.
    return message.method == DISCOVER or any(version not in ("", *WITH_HANDSHAKE) for version in named)


def check_envelope(request: web.BaseRequest, message: Message) -> None:
    """Check what each request of the stateless revision must carry. Raises McpError."""
    if missing := [name for name in (VERSION_FIELD, CAPABILITIES_FIELD) if name not in message.meta]:
        # A client of an older revision names it in the header only.
        if unknown := [each for each in request.headers.getall(VERSION_HEADER, ()) if each not in SUPPORTED]:
            raise unsupported_version(unknown[0])
        raise McpError(json_rpc.INVALID_PARAMS, f"params._meta lacks {' and '.join(missing)}.")
    version = message.meta[VERSION_FIELD]
    # Checked before the version, so that a client whose header and body differ gets that error.
    check_header(request, VERSION_HEADER, version)
    check_header(request, METHOD_HEADER, message.method)
    if (name := message.params.get(NAMED.get(message.method, ""))) is not None:
        check_header(request, NAME_HEADER, name)
    if version != STATELESS:
        raise unsupported_version(version)


def check_header(request: web.BaseRequest, header: str, expected: object) -> None:
    """Check that a header is there once, with the value that the body has. Raises McpError (HTTP 400)."""
    # With two headers of this name, a proxy may have read the one and chatr the other.
    if [decoded(value) for value in request.headers.getall(header, ())] != [expected]:
        raise mismatch(header)


def decoded(value: str) -> str | None:
    """Return the value of a header, which may be in Base64; None if that is malformed."""
    found = BASE64.fullmatch(value)
    if found is None:
        return value
    try:
        raw = base64.b64decode(found[1], validate=True)
        # Python ignores bits that a canonical encoder leaves zero, so several texts would stand for one value.
        return raw.decode() if base64.b64encode(raw).decode() == found[1] else None
    except (binascii.Error, ValueError):
        return None


def mismatch(header: str) -> McpError:
    """Return the error about a header that contradicts the body."""
    text = f"The header {header} is missing, is there twice, or is not what the body says. Send both with one value."
    return McpError(json_rpc.HEADER_MISMATCH, text)


def unsupported_version(version: object) -> McpError:
    """Return the error that lists the revisions which are served."""
    data = {"supported": list(SUPPORTED), "requested": version}
    return McpError(json_rpc.UNSUPPORTED_VERSION, f"Speak one of {', '.join(SUPPORTED)}.", data)


def negotiated(requested: str) -> str:
    """Return the revision for a client that asks for one by `initialize`: that one, or the newest with a handshake."""
    return requested if requested in WITH_HANDSHAKE else WITH_HANDSHAKE[0]
