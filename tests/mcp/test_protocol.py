"""POST /mcp follows JSON-RPC and both kinds of revisions of MCP: with a handshake, and stateless."""

import base64
import json
from typing import Any, Final

import pytest

from tests.conftest import OpenRoom, Response, Room
from tests.mcp.messages import HANDSHAKE, META, STATELESS, envelope, headers_for, send, send_older
from tests.stream_client import connected, read_response

LIST: Final = envelope("tools/list")
HEADERS: Final = headers_for(LIST)
CALL: Final = envelope("tools/call", {"name": "chatr_who"})
CALL_HEADERS: Final = headers_for(CALL)
VERSION: Final = f"{META}protocolVersion"
CAPABILITIES: Final = f"{META}clientCapabilities"


def error_of(answer: Response) -> tuple[int, int]:
    """Return the HTTP status and the code of a JSON-RPC error."""
    return answer.status, answer.json["error"]["code"]


def in_base64(text: str) -> str:
    """Return a text in the form of a header that may have any character."""
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'"text"', -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b"[" * 5000, -32700),
        (b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}', -32700),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}', -32700),
        (b'{"jsonrpc": "2.0", "id": 1e400, "method": "ping"}', -32700),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600),
        (b" \n[]", -32600),
        (b"{}", -32600),
        (b'{"id": 1, "method": "ping"}', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": [1], "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": null}', -32600),
    ],
)
async def test_malformed_messages(raw: bytes, code: int, room: Room) -> None:
    """A body that is not JSON, not a message, or a batch gets status 400 and a JSON-RPC error."""
    answer = await room.request("POST", "/mcp", data=raw, headers={"Content-Type": "application/json"})

    assert (error_of(answer), answer.json["id"]) == ((400, code), None)


@pytest.mark.parametrize("request_id", [0, -7, 2**53, "", "a", "\u2028", "x" * 4000])
async def test_a_response_repeats_the_id(request_id: object, room: Room) -> None:
    """A response repeats the id of its request, which is a string or a whole number."""
    body = {**LIST, "id": request_id}

    assert (await room.post("/mcp", body, headers=HEADERS)).json["id"] == request_id


@pytest.mark.parametrize(
    "body",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}},
        {"jsonrpc": "2.0", "method": "nobody/knows"},
        {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "chatr_post"}},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}},
    ],
)
async def test_notifications_are_accepted(body: dict[str, Any], room: Room) -> None:
    """A notification, and a response to no request, get status 202 without a body, and have no effect."""
    answer = await room.post("/mcp", body)

    assert (answer.status, answer.raw) == (202, b"")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_other_methods_are_not_allowed(method: str, room: Room) -> None:
    """Other HTTP methods get 405, because there are no streams and no sessions."""
    answer = await room.request(method, "/mcp")

    assert (answer.status, answer.headers["Allow"], answer.json["error"]["code"]) == (405, "POST", -32000)


@pytest.mark.parametrize(
    ("meta", "headers", "expected"),
    [
        ({VERSION: None}, {}, (400, -32602)),
        ({CAPABILITIES: None}, {}, (400, -32602)),
        ({}, {"MCP-Protocol-Version": None}, (400, -32020)),
        ({}, {"MCP-Protocol-Version": HANDSHAKE}, (400, -32020)),
        ({VERSION: "2999-01-01"}, {}, (400, -32020)),
        ({VERSION: "2999-01-01"}, {"MCP-Protocol-Version": "2999-01-01"}, (400, -32022)),
        ({VERSION: 7}, {}, (400, -32020)),
        ({VERSION: ["2026-07-28"]}, {}, (400, -32020)),
        ({VERSION: {}}, {"MCP-Protocol-Version": None}, (400, -32020)),
        ({VERSION: HANDSHAKE}, {}, (400, -32020)),
        ({}, {"Mcp-Method": None}, (400, -32020)),
        ({}, {"Mcp-Method": "TOOLS/CALL"}, (400, -32020)),
        ({}, {"Mcp-Name": None}, (400, -32020)),
        ({}, {"Mcp-Name": "chatr_post"}, (400, -32020)),
        ({}, {"Mcp-Name": "=?base64?Y2hhdHJfd2hv?= "}, (200, 0)),
        ({}, {"Mcp-Name": in_base64("chatr_who")}, (200, 0)),
        ({}, {"Mcp-Name": "=?base64?Y2hhdHJfd2hv!?="}, (400, -32020)),
        ({}, {"Mcp-Name": "=?base64?Y2hhdHJfd2h?="}, (400, -32020)),
        ({}, {"Mcp-Name": "=?base64?/w==?="}, (400, -32020)),
        ({}, {"Mcp-Session-Id": "x", "Last-Event-ID": "7", "Accept": "text/html"}, (200, 0)),
    ],
)
async def test_the_envelope(
    meta: dict[str, Any], headers: dict[str, str | None], expected: tuple[int, int], room: Room
) -> None:
    """A stateless request must carry its revision and capabilities, and headers that equal its body."""
    body = json.loads(json.dumps(CALL))
    body["params"]["_meta"] |= meta
    body["params"]["_meta"] = {name: value for name, value in body["params"]["_meta"].items() if value is not None}
    sent = {name: value for name, value in {**CALL_HEADERS, **headers}.items() if value is not None}
    answer = await room.post("/mcp", body, headers=sent)

    assert (answer.status, answer.json.get("error", {}).get("code", 0)) == expected


async def test_two_headers_are_rejected(room: Room) -> None:
    """A repeated header is rejected: a proxy could have read one value, and the server the other."""
    raw = json.dumps(LIST).encode()
    head = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
    named = "MCP-Protocol-Version: 2025-11-25\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n\r\n"
    async with connected(room.running.url) as (reader, writer):
        writer.write(f"{head}{named}".encode() + raw)
        answer = await read_response(reader, writer)

    assert (answer.status, json.loads(await answer.body())["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2999-01-01"])
async def test_an_unknown_version_in_the_header_alone(version: str, room: Room) -> None:
    """A client of an older revision, which sends no `_meta`, gets an error with the supported ones."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = await room.post("/mcp", body, headers={"MCP-Protocol-Version": version})

    assert error_of(answer) == (400, -32022)
    assert answer.json["error"]["data"]["requested"] == version


async def test_an_unknown_revision(room: Room) -> None:
    """An unknown revision, even in the header alone, gets an error that names it and lists the supported ones."""
    body = envelope("tools/list")
    body["params"]["_meta"][VERSION] = "2999-01-01"
    answer = await room.post("/mcp", body, headers={**HEADERS, "MCP-Protocol-Version": "2999-01-01"})
    known = {"supported": [STATELESS, HANDSHAKE, "2025-06-18"], "requested": "2999-01-01"}

    assert answer.json["error"]["data"] == known
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert (await room.post("/mcp", body, headers={"MCP-Protocol-Version": "2999-01-01"})).status == 400


@pytest.mark.parametrize(
    ("method", "stateless", "older"),
    [
        ("server/discover", 200, 400),
        ("initialize", 404, 200),
        ("ping", 404, 200),
        ("prompts/list", 404, 200),
        ("logging/setLevel", 404, 200),
        ("resources/subscribe", 404, 200),
        ("subscriptions/listen", 404, 200),
        ("completion/complete", 404, 200),
        ("nobody/knows" * 100, 404, 200),
        ("", 404, 200),
    ],
)
async def test_methods_of_each_revision(method: str, stateless: int, older: int, room: Room) -> None:
    """A method that a revision lacks gets -32601: with 404 in the stateless revision, with 200 in older ones."""
    new, old = await send(room, method), await send_older(room, method, {"protocolVersion": HANDSHAKE})

    assert (new.status, old.status) == (stateless, older)
    assert new.status == 200 or new.json["error"]["code"] == -32601
    assert method in ("server/discover", "initialize", "ping") or old.json["error"]["code"] == -32601
    assert len(new.raw) < 700


@pytest.mark.parametrize(
    ("requested", "answered"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("", "2025-11-25"),
    ],
)
async def test_a_handshake(requested: str, answered: str, room: Room) -> None:
    """`initialize` returns the requested revision, or the newest one with a handshake, and begins no session."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": requested}}
    answer = await room.post("/mcp", body)

    assert answer.json["result"]["protocolVersion"] == answered
    assert answer.json["result"]["capabilities"] == {"tools": {}, "resources": {}}
    assert "Mcp-Session-Id" not in answer.headers


async def test_a_handshake_names_a_revision(room: Room) -> None:
    """`initialize` without a revision is an error."""
    assert (await send_older(room, "initialize", {"protocolVersion": 7})).json["error"]["code"] == -32602


async def test_discovery(room: Room) -> None:
    """`server/discover` works without a handshake and without a key."""
    result = (await send(room, "server/discover")).json["result"]

    assert result["supportedVersions"][0] == STATELESS
    assert (result["resultType"], result["cacheScope"], result["ttlMs"] > 0) == ("complete", "public", True)
    assert result["_meta"][f"{META}serverInfo"]["name"] == "chatr"


async def test_lists_have_one_page(room: Room) -> None:
    """A list has one page, so a request with a cursor is an error."""
    for method in ("tools/list", "resources/list", "resources/templates/list"):
        assert error_of(await send(room, method, {"cursor": "x"})) == (400, -32602)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"name": 7},
        {"name": "nope"},
        {"name": "chatr_post" * 500},
        {"name": ["chatr_who"]},
        {"name": "chatr_who", "arguments": []},
        {"name": "chatr_who", "arguments": "x"},
    ],
)
async def test_calls_of_no_tool(params: dict[str, Any], room: Room) -> None:
    """An unknown tool, and arguments that are not an object, are JSON-RPC errors."""
    answer = await send_older(room, "tools/call", params)

    assert error_of(answer) == (200, -32602)
    assert len(answer.raw) < 700


async def test_resources(room: Room) -> None:
    """skills.md and the rules can be read without a key. An unknown URI is an error that repeats it."""
    skill = (await send(room, "resources/read", {"uri": "chatr://skill"})).json["result"]["contents"][0]["text"]
    rules = (await send_older(room, "resources/read", {"uri": "chatr://rules"})).json["result"]["contents"][0]["text"]
    unknown = await send(room, "resources/read", {"uri": "chatr://nope"})
    unknown_before = await send_older(room, "resources/read", {"uri": ["chatr://skill"]})

    assert skill == (await room.get("/skills.md")).raw.decode()
    assert "`urls_not_allowed`" in rules
    assert (error_of(unknown), unknown.json["error"]["data"]["uri"]) == ((400, -32602), "chatr://nope")
    assert error_of(unknown_before) == (200, -32002)


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server/mcp"]
)
async def test_there_is_no_oauth(path: str, room: Room) -> None:
    """There are no OAuth documents: a client that found them would ignore its configured key."""
    answer = await room.get(path)

    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_pages_of_other_sites(room: Room, open_room: OpenRoom) -> None:
    """A local room rejects pages of other sites with 403; a public one accepts their headers and shows the response."""
    origin = {"Origin": "https://evil.example", "Host": "evil.example"}
    local = await room.post("/mcp", LIST, headers={**HEADERS, **origin})
    public = await open_room(public_url="https://chat.example.org")
    preflight = await public.request("OPTIONS", "/mcp", headers=origin)
    answer = await public.post("/mcp", LIST, headers={**HEADERS, **origin})

    assert (local.status, local.json["error"]["data"]["code"]) == (403, "local_only")
    assert {"Mcp-Method", "Mcp-Name"} < set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        (b"x" * 17_000, "application/json", (413, "body_too_large")),
        (json.dumps(LIST).encode(), "text/plain", (415, "unsupported_media_type")),
        (json.dumps(LIST).encode(), "application/json; charset=latin-1", (415, "unsupported_media_type")),
    ],
)
async def test_errors_of_http(data: bytes, content_type: str, expected: tuple[int, str], room: Room) -> None:
    """Errors of HTTP keep their status and code, in a JSON-RPC error: clients show no other body."""
    answer = await room.request("POST", "/mcp", data=data, headers={"Content-Type": content_type})

    assert (answer.status, answer.json["error"]["data"]["code"]) == expected
