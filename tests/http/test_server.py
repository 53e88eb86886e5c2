"""What all responses have in common: the form of errors, CORS, request ids and other headers."""

import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from uuid import UUID

import pytest
from yarl import URL

from chatr.adapters.listening_socket import SEND_BUFFER, UNACKNOWLEDGED_TIMEOUT, listen
from tests.conftest import OpenRoom, Response, Room

OPEN_PATHS = ["/", "/skills.md", "/llms.txt", "/page/page.js", "/health", "/ready", "/api/messages", "/api/agents"]
PUBLIC_URL = "https://chat.example.org"
KEYED_PATHS = ["/api/messages", "/api/heartbeat", "/api/disconnect", "/api/verify/start", "/api/verify/complete"]


def header(answer: Response, name: str) -> str | None:
    """Return a header's value, whatever the case of its name."""
    return next((value for key, value in answer.headers.items() if key.lower() == name.lower()), None)


UNKNOWN_PATHS = [
    "/nope",
    "/api",
    "/api/",
    "/api/messages/",
    "/API/messages",
    "//",
    "//api/messages",
    "/api//messages",
    "/index.html",
]
ESCAPING_PATHS = ["/page/", "/page/%2e%2e/routes.py", "/..%2f..%2fetc/passwd", "/%00", "/%ff"]


@pytest.mark.parametrize("path", [*UNKNOWN_PATHS, *ESCAPING_PATHS])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_answered_with_404(method: str, path: str, room: Room) -> None:
    """The error is JSON, and names the document that lists the endpoints."""
    url = URL(room.running.url + path, encoded=True)
    async with room.http.request(method, url) as reply:
        body = await reply.json(content_type="application/json")

    assert (reply.status, body["success"], body["code"]) == (404, False, "not_found")
    assert "/llms.txt" in body["error"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/register", ["POST"]),
        ("/api/messages", ["GET", "HEAD", "POST"]),
        ("/api/heartbeat", ["POST"]),
        ("/api/disconnect", ["POST"]),
        ("/api/stream", ["GET", "HEAD"]),
        ("/api/agents", ["GET", "HEAD"]),
        ("/api/verify/start", ["POST"]),
        ("/api/verify/complete", ["POST"]),
        ("/health", ["GET", "HEAD"]),
        ("/", ["GET", "HEAD"]),
        ("/skills.md", ["GET", "HEAD"]),
    ],
)
async def test_a_method_that_is_not_allowed_is_answered_with_405(path: str, allowed: Sequence[str], room: Room) -> None:
    """The header Allow and the error's sentence list the methods of the path."""
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"} - {*allowed}:
        answer = await room.request(method, path)

        assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
        assert header(answer, "Allow") == ", ".join(allowed)
        assert ", ".join(allowed) in answer.json["error"]


@pytest.mark.parametrize("path", OPEN_PATHS)
async def test_head_is_answered_like_get_without_a_body(path: str, room: Room) -> None:
    """Content-Type and Content-Length are those of GET."""
    uncompressed = {"Accept-Encoding": "identity"}
    get, head = await room.get(path, headers=uncompressed), await room.request("HEAD", path, headers=uncompressed)

    assert (head.status, head.raw) == (200, b"")
    assert header(head, "Content-Type") == header(get, "Content-Type")
    assert header(head, "Content-Length") == str(len(get.raw))


async def test_head_of_the_stream_opens_no_stream(room: Room) -> None:
    """HEAD /api/stream is answered with the media type and no frames."""
    answer = await room.request("HEAD", "/api/stream")

    assert (answer.status, header(answer, "Content-Type"), answer.raw) == (200, "text/event-stream; charset=utf-8", b"")


@pytest.mark.parametrize("path", ["/api/register", *KEYED_PATHS])
async def test_a_preflight_allows_scripts_of_any_site(path: str, open_room: OpenRoom) -> None:
    """In a public room it needs no key, and allows the methods of the path and the headers that clients need."""
    room = await open_room(public_url=PUBLIC_URL)
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    answer = await room.request("OPTIONS", path, headers=headers | {"Access-Control-Request-Headers": "authorization"})
    allowed = {name.strip().lower() for name in (header(answer, "Access-Control-Allow-Headers") or "").split(",")}

    assert (answer.status, answer.raw) == (204, b"")
    assert header(answer, "Access-Control-Allow-Origin") == "*"
    assert "POST" in (header(answer, "Access-Control-Allow-Methods") or "")
    assert allowed >= {"authorization", "content-type", "x-api-key", "idempotency-key", "last-event-id"}


async def test_a_preflight_for_an_unknown_path_is_answered_with_404(room: Room) -> None:
    """There is nothing to allow."""
    assert (await room.request("OPTIONS", "/api/nope")).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/api/messages", "/api/register", "/api/heartbeat", "/api/nope"])
async def test_scripts_of_any_site_may_read_api_responses(method: str, path: str, room: Room) -> None:
    """Errors included. Cookies and other credentials are never used."""
    answer = await room.request(method, path)

    assert header(answer, "Access-Control-Allow-Origin") == "*"
    assert "Retry-After" in (header(answer, "Access-Control-Expose-Headers") or "")
    assert header(answer, "Access-Control-Allow-Credentials") is None
    assert header(answer, "Set-Cookie") is None


@pytest.mark.parametrize("path", ["/", "/health", "/nope"])
async def test_scripts_of_other_sites_may_not_read_other_responses(path: str, room: Room) -> None:
    """Outside /api/ no response allows another origin."""
    assert header(await room.get(path), "Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("path", [*OPEN_PATHS, "/nope", "/api/nope", "/api/register", "/api/messages?after=x"])
async def test_every_response_has_a_request_id(path: str, room: Room) -> None:
    """Each is another UUID, so that users can report a request and operators can find it."""
    ids = [header(await room.get(path), "X-Request-Id") or "" for _ in range(2)]

    assert [str(UUID(request_id)) for request_id in ids] == ids
    assert ids[0] != ids[1]


async def test_the_request_id_of_a_client_is_repeated(room: Room) -> None:
    """So is that of a proxy."""
    answer = await room.get("/health", headers={"X-Request-Id": "Proxy-1.2_3"})

    assert header(answer, "X-Request-Id") == "Proxy-1.2_3"


@pytest.mark.parametrize("request_id", ["", "a b", "a" * 65, "a;b", "<script>", "é", "\x1b[31m".replace("\x1b", "\t")])
async def test_an_unsafe_request_id_is_replaced(request_id: str, room: Room) -> None:
    """Text of a client is repeated in a header only if it is plain."""
    answer = await room.get("/health", headers={"X-Request-Id": request_id})

    assert str(UUID(header(answer, "X-Request-Id"))) == header(answer, "X-Request-Id")


@pytest.mark.parametrize("path", [*OPEN_PATHS, "/nope", "/api/register"])
async def test_no_header_reveals_a_version(path: str, room: Room) -> None:
    """Server names neither the language nor a library nor a version."""
    answer = await room.get(path)

    assert header(answer, "Server") == "chatr"
    assert header(answer, "X-Powered-By") is None


@pytest.mark.parametrize("path", [*OPEN_PATHS, "/nope", "/api/register"])
async def test_browsers_must_not_guess_media_types(path: str, room: Room) -> None:
    """Every response says nosniff."""
    assert header(await room.get(path), "X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/messages", "/api/agents", "/nope", "/api/register"])
async def test_success_in_json_agrees_with_the_status(path: str, room: Room) -> None:
    """Every JSON response has `success`: true for 200, false for errors."""
    answer = await room.get(path)

    assert header(answer, "Content-Type") == "application/json"
    assert answer.json["success"] is (answer.status == 200)


async def test_hundreds_may_connect_at_once(room: Room) -> None:
    """As after a restart: the backlog of the listening socket is large enough, and no connection is dropped."""
    url = URL(room.running.url)
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(socket.create_connection((url.host, url.port), timeout=0.5))
        answer = await room.get("/health")

    assert answer.status == 200


def test_connections_inherit_the_options_of_the_listening_socket() -> None:
    """An accepted connection has its send buffer, keep-alive, no-delay and time-out."""
    (listener,) = listen("127.0.0.1", 0)
    with listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            send_buffer = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

            assert send_buffer == listener.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

            if sys.platform == "linux":
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNACKNOWLEDGED_TIMEOUT
