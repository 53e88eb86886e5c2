"""What every answer has in common: one form, whatever is asked, and the headers that go with it."""

import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from uuid import UUID

import pytest
from yarl import URL

from chatr.adapters.http.site import DEAD_AFTER, SEND_BUFFER, listen
from tests.conftest import Answer, Room

OPEN = ["/", "/skills.md", "/llms.txt", "/page/page.js", "/health", "/ready", "/api/messages", "/api/agents"]
KEYED = ["/api/messages", "/api/heartbeat", "/api/disconnect", "/api/verify/start", "/api/verify/complete"]


def header(answer: Answer, name: str) -> str | None:
    """A header's value, whatever the case of its name."""
    return next((value for each, value in answer.headers.items() if each.lower() == name.lower()), None)


NOWHERE = [
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
ESCAPES = ["/page/", "/page/%2e%2e/routes.py", "/..%2f..%2fetc/passwd", "/%00", "/%ff"]


@pytest.mark.parametrize("path", [*NOWHERE, *ESCAPES])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path(method: str, path: str, room: Room) -> None:
    """Where nothing is, the answer says so in JSON, and where to read what there is."""
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
async def test_another_method(path: str, allowed: Sequence[str], room: Room) -> None:
    """A path that takes other methods tells which, in the header and in the sentence."""
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"} - {*allowed}:
        answer = await room.ask(method, path)

        assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
        assert header(answer, "Allow") == ", ".join(allowed)
        assert ", ".join(allowed) in answer.json["error"]


@pytest.mark.parametrize("path", OPEN)
async def test_head_is_get_without_the_body(path: str, room: Room) -> None:
    """A probe learns type and length, and is sent nothing else."""
    plain = {"Accept-Encoding": "identity"}
    got, head = await room.get(path, headers=plain), await room.ask("HEAD", path, headers=plain)

    assert (head.status, head.raw) == (200, b"")
    assert header(head, "Content-Type") == header(got, "Content-Type")
    assert header(head, "Content-Length") == str(len(got.raw))


async def test_head_of_the_stream_ends(room: Room) -> None:
    """A probe of the stream is answered at once, with its type and no frames."""
    answer = await room.ask("HEAD", "/api/stream")

    assert (answer.status, header(answer, "Content-Type"), answer.raw) == (200, "text/event-stream", b"")


@pytest.mark.parametrize("path", ["/api/register", *KEYED])
async def test_a_preflight_opens_the_way(path: str, room: Room) -> None:
    """Scripts of any site may call with a key of their own: the browser's question is answered without one."""
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    answer = await room.ask("OPTIONS", path, headers=headers | {"Access-Control-Request-Headers": "authorization"})
    asked = {each.strip().lower() for each in (header(answer, "Access-Control-Allow-Headers") or "").split(",")}

    assert (answer.status, answer.raw) == (204, b"")
    assert header(answer, "Access-Control-Allow-Origin") == "*"
    assert "POST" in (header(answer, "Access-Control-Allow-Methods") or "")
    assert asked >= {"authorization", "content-type", "x-api-key", "idempotency-key", "last-event-id"}


async def test_a_preflight_for_nothing_is_refused(room: Room) -> None:
    """A question about a path that is not there is answered as such."""
    assert (await room.ask("OPTIONS", "/api/nope")).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/api/messages", "/api/register", "/api/heartbeat", "/api/nope"])
async def test_the_api_is_open_to_every_site(method: str, path: str, room: Room) -> None:
    """Also what is refused may be read by scripts; no cookie and no credential ever plays a part."""
    answer = await room.ask(method, path)

    assert header(answer, "Access-Control-Allow-Origin") == "*"
    assert "Retry-After" in (header(answer, "Access-Control-Expose-Headers") or "")
    assert header(answer, "Access-Control-Allow-Credentials") is None
    assert header(answer, "Set-Cookie") is None


@pytest.mark.parametrize("path", ["/", "/health", "/nope"])
async def test_the_rest_is_not_open_to_every_site(path: str, room: Room) -> None:
    """What is for people and operators is not for other sites' scripts."""
    assert header(await room.get(path), "Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("path", [*OPEN, "/nope", "/api/nope", "/api/register", "/api/messages?after=x"])
async def test_every_answer_has_a_name(path: str, room: Room) -> None:
    """What users report and what operators find in their log is found by the request's id."""
    ids = [header(await room.get(path), "X-Request-Id") or "" for _ in range(2)]

    assert [str(UUID(each)) for each in ids] == ids
    assert ids[0] != ids[1]


async def test_a_request_may_bring_its_name(room: Room) -> None:
    """An id that a proxy or a client gave is kept."""
    answer = await room.get("/health", headers={"X-Request-Id": "Proxy-1.2_3"})

    assert header(answer, "X-Request-Id") == "Proxy-1.2_3"


@pytest.mark.parametrize("name", ["", "a b", "a" * 65, "a;b", "<script>", "é", "\x1b[31m".replace("\x1b", "\t")])
async def test_a_name_that_will_not_do_is_replaced(name: str, room: Room) -> None:
    """Nothing that a stranger sends is repeated unless it is plain."""
    answer = await room.get("/health", headers={"X-Request-Id": name})

    assert str(UUID(header(answer, "X-Request-Id"))) == header(answer, "X-Request-Id")


@pytest.mark.parametrize("path", [*OPEN, "/nope", "/api/register"])
async def test_the_server_keeps_its_version_to_itself(path: str, room: Room) -> None:
    """Neither the language nor a library nor a version is told."""
    answer = await room.get(path)

    assert header(answer, "Server") == "chatr"
    assert header(answer, "X-Powered-By") is None


@pytest.mark.parametrize("path", [*OPEN, "/nope", "/api/register"])
async def test_no_type_is_guessed(path: str, room: Room) -> None:
    """Browsers take an answer for what it says it is."""
    assert header(await room.get(path), "X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/messages", "/api/agents", "/nope", "/api/register"])
async def test_json_tells_whether_it_went_well(path: str, room: Room) -> None:
    """Every JSON reply has `success`, and it is what the status says."""
    answer = await room.get(path)

    assert header(answer, "Content-Type") == "application/json"
    assert answer.json["success"] is (answer.status == 200)


async def test_a_crowd_may_come_at_once(room: Room) -> None:
    """Hundreds may ask for a connection in one moment, as after a restart; nobody is left to try again later."""
    url = URL(room.running.url)
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(socket.create_connection((url.host, url.port), timeout=0.5))
        answer = await room.get("/health")

    assert answer.status == 200


def test_a_connection_holds_little_for_one_that_does_not_take_it() -> None:
    """Every connection has the send buffer and the patience of the socket it came in by."""
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            held = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

            assert held == listener.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

            if sys.platform == "linux":
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == DEAD_AFTER
