"""Requests beyond the rate limit cost the server less than those that it answers."""

import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import Serve, Server

REQUESTS = 5_000


def cpu_ticks(server: Server) -> int:
    """Return the CPU time of the server's process, in ticks of the system's clock."""
    times = Path(f"/proc/{server.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(times[11]) + int(times[12])


def ticks_for(server: Server, path: str, status: bytes) -> int:
    """Return the CPU time of many requests, one after the other on one connection."""
    address = urlsplit(server.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 80)) as client:
        before = cpu_ticks(server)
        for _ in range(REQUESTS):
            client.sendall(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
            assert client.recv(65536).startswith(b"HTTP/1.1 " + status)
        return cpu_ticks(server) - before


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_refused_request_costs_less_than_an_answered_one(serve: Serve) -> None:
    """A 429 takes at most nine tenths of the CPU time of the cheapest answer, /health."""
    server = serve("--log", "memory:", "--rate-requests", "1/3600")
    server.get("/api/log/head")
    ticks_for(server, "/health", b"200")
    answered = ticks_for(server, "/health", b"200")
    refused = ticks_for(server, "/api/messages", b"429")

    assert refused < 0.9 * answered
