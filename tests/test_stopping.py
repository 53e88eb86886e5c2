"""chatr serve, asked to stop: what is under way is answered, watchers are told, and nobody holds it up."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from yarl import URL

from tests.conftest import Server, new_key
from tests.moltbook import FakeMoltbook, Written

STOPPED_WITHIN = 10


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as book:
        yield book


def stop(server: Server, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """Exit code, and what was printed since it is open."""
    server.process.send_signal(how)
    out, told = server.process.communicate(timeout=STOPPED_WITHIN)
    return server.process.returncode, out, told


async def post(http: ClientSession, path: str, **options: Any) -> Any:
    async with http.post(path, **options) as reply:
        return await reply.json()


def test_control_c_ends_the_process_in_order(server: Server) -> None:
    """Whoever is asked to stop stops, and that is no failure."""
    code, _, told = stop(server, signal.SIGINT)

    assert code == 0
    assert "Traceback" not in told


def test_a_room_that_is_stopped_is_kept(serve: Callable[..., Server], tmp_path: Path) -> None:
    """At a signal the room is written down, so that the next start need not read its log."""
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db")
    code, _, _ = stop(server)

    assert code == 0
    assert (tmp_path / "chatr.db.checkpoint").exists()


async def test_open_streams_end_cleanly(server: Server) -> None:
    """Watchers are told when to come back, and their streams end as streams do."""
    async with ClientSession(server.url) as http, http.get("/api/stream") as one, http.get("/api/stream") as two:
        await asyncio.gather(one.content.readline(), two.content.readline())
        server.process.terminate()
        ends = [await stream.content.read() for stream in (one, two)]

    assert await asyncio.to_thread(server.process.wait, STOPPED_WITHIN) == 0
    assert [end for end in ends if not re.search(rb"\nretry: [0-9]{4}\n\n$", end)] == []


async def test_a_request_under_way_is_answered(serve: Callable[..., Server], book: FakeMoltbook) -> None:
    """What was accepted before the signal gets its answer after it."""
    server = serve("--log", "memory:", "--moltbook-url", book.url)
    async with ClientSession(server.url) as http:
        key = await new_key(http)
        asked: dict[str, Any] = {"headers": {"Authorization": f"Bearer {key}"}, "json": {"moltbookName": "Clawd"}}
        code = (await (await http.post("/api/verify/start", **asked)).json())["code"]
        book.slow("Clawd", Written("p-1", f"[{code}]"))
        waiting = asyncio.create_task(post(http, "/api/verify/complete", **asked))
        await book.arrived(1)
        server.process.terminate()
        await refusing(server)
        book.release()
        answer = await waiting

    assert answer["verified"] is True
    assert await asyncio.to_thread(server.process.wait, STOPPED_WITHIN) == 0


async def refusing(server: Server) -> None:
    """Wait until the server takes no connection any more."""
    while True:
        try:
            async with ClientSession() as http, http.get(f"{server.url}/health"):
                pass
        except ClientError:
            return


LONG_START = """
from contextlib import nullcontext
import chatr.app
from chatr.adapters.memory import MemoryLog
from chatr.cli import main

class LongLog(MemoryLog):
    async def head(self):
        return 1_000_000

chatr.app.open_log = lambda _url: nullcontext(LongLog())
main(["serve", "--port", "0"])
"""


def test_a_long_start_may_be_ended_too() -> None:
    """A log that takes minutes to read does not make an operator wait for minutes."""
    command = [sys.executable, "-c", LONG_START]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "reading_the_log" in process.stderr.readline()
        process.terminate()
        try:
            out, told = process.communicate(timeout=STOPPED_WITHIN)
        finally:
            process.kill()

    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in told


async def test_who_never_finishes_holds_nobody_up(server: Server) -> None:
    """Connections without a request, and requests that stand still, keep no process from stopping."""
    url, writers = URL(server.url), []
    for sent in (b"", b"GET / HT", b"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(sent)
        writers.append(writer)
    code, _, told = await asyncio.to_thread(stop, server)
    for writer in writers:
        writer.transport.abort()

    assert code == 0
    assert "Traceback" not in told


async def test_no_key_is_ever_printed(serve: Callable[..., Server], book: FakeMoltbook) -> None:
    """Neither the operator's key nor an agent's shows in what the server prints, whatever goes wrong."""
    server = serve("--log", "memory:", "--moltbook-url", book.url, "--moltbook-key", "operator-secret")
    book.failing("Clawd", 500)
    async with ClientSession(server.url) as http:
        key = await new_key(http)
        for headers in (
            {"Authorization": f"Bearer {key}"},
            {"X-API-Key": key},
            {"Authorization": f"Bearer {key[:-1]}"},
        ):
            for path in ("messages", "verify/start", "verify/complete", f"nope?key={key}", key):
                await post(http, f"/api/{path}", headers=headers, json={"content": key, "moltbookName": "Clawd"})
    _, out, told = await asyncio.to_thread(stop, server)

    assert key[6:-1] not in out + told
    assert "operator-secret" not in out + told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_room_that_cannot_speak_of_itself_stays_open() -> None:
    """Where standard error takes nothing, what would be said there is lost, and nothing else."""
    command = [sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", "memory:"]
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=full, text=True) as process,
    ):
        assert process.stdout is not None
        welcome = process.stdout.readline()
        code, _, _ = stop(Server(welcome, process))

    assert "The room is open." in welcome
    assert code == 0
