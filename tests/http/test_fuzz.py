"""Random requests: the server answers each or closes the connection, and goes on."""

import asyncio
import json
import re
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from attrs import frozen
from yarl import URL

from chatr.adapters.http.error_catalogue import ERROR_TYPES
from chatr.domain.policy import RULES
from tests.conftest import Server
from tests.noise import Noise, Sent
from tests.requirements import skip_or_fail

SEED = 20260115
CONCURRENCY = 20
WARM_UP = 500
"""Requests after which the server has grown to its usual size."""
ANSWER_TIMEOUT = 15.0
"""Seconds: more than the server's own time-out for a body that does not arrive."""
QUIET = 0.05
"""Seconds without a byte after which the client tells that it sends nothing more."""
MAX_GROWTH = 50 * 1024
"""KiB by which the server's memory may grow."""

RESPONSE = re.compile(rb"HTTP/([01]\.\d) (\d{3}) [^\r\n]*\r\n((?:[^\r\n:]+: [^\r\n]*\r\n)*)\r\n")
STREAM_START = b"retry: 3000\n"
CODES = {rule.code for rule in RULES} | {error_type.code for error_type in ERROR_TYPES}


@frozen
class Response:
    """One response, as it came over the wire."""

    version: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether nothing else may come on this connection."""
        is_stream = self.headers.get("content-type") == "text/event-stream; charset=utf-8"
        return self.version < "1.1" or self.headers.get("connection") == "close" or is_stream

    def faults(self) -> list[str]:
        """What is wrong with it: a server error, or an error without a code of the catalogue."""
        if self.status >= 500:
            return [f"{self.status}: {self.body!r}"]
        if self.status >= 400 and self.body and json.loads(self.body)["code"] not in CODES:
            return [f"no error of the catalogue: {self.body!r}"]
        return []


def parse_responses(received: bytes) -> Iterator[Response]:
    """Yield all responses. Those to HEAD have a length but no body. Raises AssertionError for anything else."""
    while received:
        found = RESPONSE.match(received)
        assert found is not None, f"this is no response: {received[:200]!r}"
        lines = found[3].decode().splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        assert len(headers) == len(lines), f"a header comes twice: {lines}"
        received = received[found.end() :]
        has_no_body = not received or received.startswith(b"HTTP/")
        length = 0 if has_no_body else int(headers.get("content-length", len(received)))
        assert len(received) >= length, f"this is cut off: {received!r}"
        if found[2] != b"100":
            yield Response(found[1].decode(), int(found[2]), headers, received[:length])
        received = received[length:]


async def exchange(url: URL, sent: Sent, received: bytearray) -> None:
    """Send the pieces and read what comes back, until the server closes the connection or a stream begins."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        for piece in sent.pieces:
            writer.write(piece)
            await writer.drain()
        if sent.due is None:
            await read_until_quiet(reader, writer, received)
        while STREAM_START not in received and (more := await reader.read(65536)):
            received += more
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def read_until_quiet(reader: StreamReader, writer: StreamWriter, received: bytearray) -> None:
    """Read until nothing more comes back, then close the sending side: the request may be unfinished."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(QUIET):
                received += (more := await reader.read(65536))
            if not more:
                return
    with suppress(OSError):  # the server may have closed the connection meanwhile
        writer.write_eof()


async def faults_of(url: URL, sent: Sent) -> list[str]:
    """Return what the server did wrong. It may close the connection early, but not stay silent on an open one."""
    received, reset = bytearray(), False
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            await exchange(url, sent, received)
    except ConnectionError:
        reset = True
    except TimeoutError:
        return ["no end"]
    try:
        responses = list(parse_responses(bytes(received)))
    except (AssertionError, ValueError) as error:
        return [str(error)]
    faults = [fault for response in responses for fault in response.faults()]
    if sent.due is not None and not reset and len(responses) != sent.due and not (responses and responses[-1].is_last):
        faults.append(f"{len(responses)} responses for {sent.due} requests")
    return faults


async def all_faults(url: URL, noise: Noise, count: int) -> list[tuple[list[str], Sent]]:
    """Send `count` requests, CONCURRENCY at a time. Return what went wrong, with what was sent."""
    requests_to_send = iter([noise.next() for _ in range(count)])

    async def send() -> list[tuple[list[str], Sent]]:
        return [(faults, sent) for sent in requests_to_send if (faults := await faults_of(url, sent))]

    results = await asyncio.gather(*(send() for _ in range(CONCURRENCY)))
    return [fault for result in results for fault in result]


def resident_memory(pid: int) -> int:
    """Return the KiB of memory that a process has."""
    if sys.platform != "linux":
        skip_or_fail("Only Linux says how much memory a process has.")
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
def test_random_requests_cause_no_server_error_and_no_leak(count: int, server: Server) -> None:
    """Random requests, half of them no HTTP, are never answered with 5xx, and the server does not grow."""
    agent = requests.post(f"{server.url}/api/register", json={"name": "Fuzzer"}, timeout=5).json()["agent"]
    url, noise = URL(server.url), Noise(SEED, agent["apiKey"])
    faults = asyncio.run(all_faults(url, noise, WARM_UP))
    before = resident_memory(server.process.pid)
    faults += asyncio.run(all_faults(url, noise, count - WARM_UP))

    assert faults == []
    assert resident_memory(server.process.pid) - before < MAX_GROWTH
    assert requests.get(f"{server.url}/health", timeout=1).status_code == 200
