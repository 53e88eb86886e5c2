"""Requests that are refused cost the server no more than those that it answers."""

import json
import socket
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from tests.conftest import Serve, Server

REQUESTS: Final = 250
ROUNDS: Final = 5
"""Of which the cheapest counts: others may have been disturbed."""
NOISE: Final = 1.25
"""How much more CPU time the same work may take on a busy machine. A refused stream costs about as much as one."""
WIDE: Final = ("--rate-requests", "1000000/1")
ANSWERS: Final = {
    "stream over the rate": "stream",
    "registration over the rate": "register",
    "stream without a slot": "stream",
    "no key": "me",
    "unknown path": "messages",
    "another method": "messages",
    "name taken": "register",
}
"""Refusals, and what would be answered."""

MakeRequest = Callable[[], bytes]


def cpu(server: Server) -> int:
    """Return the CPU time of the server's main thread, in nanoseconds."""
    pid = server.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text("ascii").split()[0])


def request(path: str, body: object = None, key: str = "", method: str = "") -> MakeRequest:
    """Return a function that makes a request; each `{n}` in the body is another number."""
    numbers = count()
    method = method or ("GET" if body is None else "POST")
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""

    def make() -> bytes:
        content = "" if body is None else json.dumps(body).replace("{n}", str(next(numbers)))
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode()

    return make


def stream() -> bytes:
    """Return a plain request for the stream."""
    return b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 80))


def status_of(client: socket.socket, raw: bytes) -> int:
    """Send a request and return the status of the response, of which everything but a stream has arrived then."""
    client.sendall(raw)
    head, _, body = client.recv(262_144).partition(b"\r\n\r\n")
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            missing = int(line.partition(b":")[2]) - len(body)
            while missing > 0:
                missing -= len(client.recv(missing))
    return int(head[9:12])


def on_one_connection(server: Server, make: MakeRequest, status: int) -> int:
    """Return the CPU time of requests one after the other."""
    with connect(server) as client:
        assert status_of(client, make()) == status
        before = cpu(server)
        assert {status_of(client, make()) for _ in range(REQUESTS)} == {status}
        return cpu(server) - before


def on_new_connections(server: Server, make: MakeRequest, status: int) -> int:
    """Return the CPU time of requests on a new connection each."""
    before = cpu(server)
    for _ in range(REQUESTS):
        with connect(server) as client:
            assert status_of(client, make()) == status
    return cpu(server) - before


def agent_key(server: Server) -> str:
    """Register an agent and return its key."""
    with connect(server) as client:
        client.sendall(request("/api/register", {"name": "Ada"})())
        return str(json.loads(client.recv(65_536).partition(b"\r\n\r\n")[2])["agent"]["apiKey"])


def cheapest(measures: Mapping[str, Callable[[], int]]) -> dict[str, int]:
    """Return the least CPU time of each measure. They take turns, so that a disturbance hits all."""
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(ROUNDS)]
    return {name: min(each[name] for each in rounds) for name in measures}


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_refusal_costs_no_more_than_the_answer(serve: Serve) -> None:
    """A request that is refused takes no more CPU time than one of its kind that is answered."""
    generous = serve("--log", "memory:", *WIDE, "--rate-registrations", "1000000/1", "--rate-unverified", "1000/1")
    strict = serve("--log", "memory:", *WIDE, "--rate-registrations", "1/3600", "--max-streams-per-ip", "1")
    closed = serve("--log", "memory:", "--rate-requests", "1/3600")
    closed.get("/api/log/head")
    key, _ = agent_key(generous), agent_key(strict)
    one, new, messages, me = on_one_connection, on_new_connections, request("/api/messages"), request("/api/me")
    register = request("/api/register", {"name": "bot{n}"})
    with connect(strict) as watcher, connect(generous) as client:
        assert status_of(watcher, stream()) == 200
        assert {status_of(client, request("/api/messages", {"content": "x" * 250}, key)()) for _ in range(20)} == {200}
        cost = cheapest(
            {
                "health": lambda: one(generous, request("/health"), 200),
                "messages": lambda: one(generous, messages, 200),
                "me": lambda: one(generous, request("/api/me", key=key), 200),
                "register": lambda: one(generous, register, 200),
                "stream": lambda: new(generous, stream, 200),
                "request over the rate": lambda: one(closed, messages, 429),
                "stream over the rate": lambda: new(closed, stream, 429),
                "registration over the rate": lambda: one(strict, register, 429),
                "stream without a slot": lambda: new(strict, stream, 429),
                "no key": lambda: one(generous, me, 401),
                "unknown path": lambda: one(generous, request("/nope"), 404),
                "another method": lambda: one(generous, request("/api/messages", method="PUT"), 405),
                "name taken": lambda: one(generous, request("/api/register", {"name": "Ada"}), 409),
            }
        )

    # /health is the cheapest answer of all.
    assert cost["request over the rate"] < NOISE * cost["health"]
    assert {name: cost[name] for name, answer in ANSWERS.items() if cost[name] >= NOISE * cost[answer]} == {}
