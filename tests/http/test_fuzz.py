"""Whatever arrives, the server answers it or hangs up, and lives on."""

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

from chatr.adapters.http.refusals import REFUSALS
from chatr.domain.policy import RULES
from tests.able import unable
from tests.conftest import Server
from tests.noise import Noise, Sent

SEED = 20260115
AT_A_TIME = 20
WARMING_UP = 500
"""Requests after which the server has grown to its usual size."""
STUCK = 15.0
"""Seconds: more than the server's own patience with a body that does not arrive."""
QUIET = 0.05
"""Seconds after which noise is taken to be over, answered or not."""
MEMORY = 50 * 1024
"""KiB by which the server may grow."""

ANSWER = re.compile(rb"HTTP/([01]\.\d) (\d{3}) [^\r\n]*\r\n((?:[^\r\n:]+: [^\r\n]*\r\n)*)\r\n")
STREAMING = b"retry: 3000\n\n"
CODES = {rule.code for rule in RULES} | {refusal.code for refusal in REFUSALS}


@frozen
class Answer:
    version: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def last(self) -> bool:
        """Nothing else may come on this connection."""
        streams = self.headers.get("content-type") == "text/event-stream"
        return self.version < "1.1" or self.headers.get("connection") == "close" or streams

    def wrong(self) -> list[str]:
        if self.status >= 500:
            return [f"{self.status}: {self.body!r}"]
        if self.status >= 400 and self.body and json.loads(self.body)["code"] not in CODES:
            return [f"no refusal of ours: {self.body!r}"]
        return []


def answers(received: bytes) -> Iterator[Answer]:
    """All answers in what came back. Those to HEAD have a length but no body."""
    while received:
        found = ANSWER.match(received)
        assert found is not None, f"this is no answer: {received[:200]!r}"
        lines = found[3].decode().splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        assert len(headers) == len(lines), f"a header is doubled: {lines}"
        received = received[found.end() :]
        bodiless = not received or received.startswith(b"HTTP/")
        length = 0 if bodiless else int(headers.get("content-length", len(received)))
        assert len(received) >= length, f"this is cut off: {received!r}"
        if found[2] != b"100":
            yield Answer(found[1].decode(), int(found[2]), headers, received[:length])
        received = received[length:]


async def exchange(url: URL, sent: Sent, received: bytearray) -> None:
    """Send it and take what comes back, until the server hangs up or a stream begins."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        for piece in sent.pieces:
            writer.write(piece)
            await writer.drain()
        if sent.due is None:
            await finish(reader, writer, received)
        while STREAMING not in received and (more := await reader.read(65536)):
            received += more
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def finish(reader: StreamReader, writer: StreamWriter, received: bytearray) -> None:
    """Noise may lack its end, or the wish for an end: when nothing more comes back, tell that nothing follows."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(QUIET):
                received += (more := await reader.read(65536))
            if not more:
                return
    writer.write_eof()


async def wrong(url: URL, sent: Sent) -> list[str]:
    """What the server did wrong. It may hang up, and answer nothing that follows; but not go on in silence."""
    received, reset = bytearray(), False
    try:
        async with asyncio.timeout(STUCK):
            await exchange(url, sent, received)
    except ConnectionError:
        reset = True
    except TimeoutError:
        return ["no end"]
    try:
        found = list(answers(bytes(received)))
    except (AssertionError, ValueError) as error:
        return [str(error)]
    faults = [fault for answer in found for fault in answer.wrong()]
    if sent.due is not None and not reset and len(found) != sent.due and not (found and found[-1].last):
        faults.append(f"{len(found)} answers for {sent.due} requests")
    return faults


async def all_wrong(url: URL, noise: Noise, count: int) -> list[tuple[list[str], Sent]]:
    """Some at a time, send so many; whatever went wrong, with what was sent."""
    supply = iter([noise.next() for _ in range(count)])

    async def send() -> list[tuple[list[str], Sent]]:
        return [(faults, sent) for sent in supply if (faults := await wrong(url, sent))]

    found = await asyncio.gather(*(send() for _ in range(AT_A_TIME)))
    return [each for some in found for each in some]


def resident(pid: int) -> int:
    """KiB of memory that a process has."""
    if sys.platform != "linux":
        unable("Only Linux tells how large a process is.")
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
def test_whatever_arrives(count: int, server: Server) -> None:
    """Random requests, half of them no HTTP, get answers that are no fault of ours, and leave the server as it was."""
    agent = requests.post(f"{server.url}/api/register", json={"name": "Fuzzer"}, timeout=5).json()["agent"]
    url, noise = URL(server.url), Noise(SEED, agent["apiKey"])
    faults = asyncio.run(all_wrong(url, noise, WARMING_UP))
    before = resident(server.process.pid)
    faults += asyncio.run(all_wrong(url, noise, count - WARMING_UP))

    assert faults == []
    assert resident(server.process.pid) - before < MEMORY
    assert requests.get(f"{server.url}/health", timeout=1).status_code == 200
