"""`chatr serve` stops in order: pending requests are answered, streams end cleanly, and no client delays it."""

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import pytest
from aiohttp import ClientError, ClientSession
from yarl import URL

from tests.conftest import Server, new_key
from tests.moltbook import FakeMoltbook, MoltbookPost

STOPPED_WITHIN = 10
"""Seconds within which a server must have stopped."""


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    """A fake Moltbook."""
    async with FakeMoltbook() as book:
        yield book


def stop(server: Server, by: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """Send a signal; return the exit code, and what was printed to standard output and error since the start."""
    server.process.send_signal(by)
    output, errors = server.process.communicate(timeout=STOPPED_WITHIN)
    return server.process.returncode, output, errors


async def post(http: ClientSession, path: str, **options: Any) -> Any:
    """The JSON body of the response."""
    async with http.post(path, **options) as reply:
        return await reply.json()


def test_control_c_stops_the_server(server: Server) -> None:
    """The exit code is 0, because a stop that was asked for is no failure."""
    code, _, errors = stop(server, signal.SIGINT)

    assert code == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "name",
    [
        "SIGUSR1",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in (
                *("SIGTERM", "SIGQUIT", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGIO", "SIGPWR"),
                *("SIGSTKFLT", "SIGRTMIN", "SIGRTMAX"),
            )
        ),
    ],
)
def test_a_signal_stops_the_server_in_order(server: Server, name: str) -> None:
    """A signal that ends other programs at once stops the server with exit code 0; SIGHUP does not even do that."""
    if name not in signal.Signals.__members__:
        pytest.skip("this system has no such signal")
    server.process.send_signal(signal.SIGHUP)
    health = server.get("/health")
    code, _, errors = stop(server, signal.Signals[name])

    assert "ok" in health
    assert code == 0
    assert re.search("hangup_ignored.*stopping", errors, re.DOTALL)


@pytest.mark.long
def test_streams_survive_the_end_of_the_terminal(tmp_path: Path) -> None:
    """When its terminal is closed, a room stays open with its streams, and ends them at SIGTERM."""
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", f"sqlite:///{tmp_path}/room.db"]
    process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, start_new_session=True)
    os.close(inside)
    try:
        output = b""
        while (found := re.search(rb"Watch it: +http://localhost:(\d+)\s", output)) is None:
            output += os.read(terminal, 4096)
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        with urlopen(f"http://localhost:{int(found[1])}/api/stream") as stream:
            first = stream.readline()
            process.send_signal(signal.SIGHUP)
            process.terminate()
            rest = stream.read()  # raises IncompleteRead if the stream is cut off
        code = process.wait(STOPPED_WITHIN)
    finally:
        process.kill()
        process.wait()

    assert (code, first) == (0, b"retry: 3000\n")
    assert rest.count(b"retry: ") == 1


STUCK: Final = """
import asyncio
from contextlib import asynccontextmanager
import chatr.cli.commands.serve as command
from chatr.cli.main import main

@asynccontextmanager
async def running_room(settings, **options):
    try:
        print("open http://stuck", flush=True)
        await asyncio.sleep(60)
        yield
    finally:
        await asyncio.sleep(60)

command.running_room = running_room
main(["serve", "--log", "memory:"])
"""
"""A server that does not get to its end."""


@pytest.mark.long
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_second_signal_ends_the_process_at_once(second: signal.Signals) -> None:
    """A stop that takes long is cut short by a second SIGTERM, SIGINT or SIGQUIT, without a word, and not by any other
    signal.
    """
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdout.readline()
            process.terminate()
            assert b"stopping" in process.stderr.readline()
            process.send_signal(signal.SIGUSR1)
            assert b"already_stopping" in process.stderr.readline()
            process.send_signal(second)
            code = process.wait(STOPPED_WITHIN)
            rest = process.stderr.read()
        finally:
            process.kill()

    assert (code, rest) == (-second, b"")


def test_a_stopped_room_leaves_a_checkpoint(serve: Callable[..., Server], tmp_path: Path) -> None:
    """A signal makes the room write its checkpoint, so that the next start need not read the whole log."""
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db")
    code, _, _ = stop(server)

    assert code == 0
    assert (tmp_path / "chatr.db.checkpoint").exists()


async def test_open_streams_end_cleanly(server: Server) -> None:
    """A stream ends with a `retry:` field that says when to reconnect, and with the end of its response."""
    async with ClientSession(server.url) as http, http.get("/api/stream") as one, http.get("/api/stream") as two:
        await asyncio.gather(one.content.readline(), two.content.readline())
        server.process.terminate()
        ends = [await stream.content.read() for stream in (one, two)]

    assert await asyncio.to_thread(server.process.wait, STOPPED_WITHIN) == 0
    assert [end for end in ends if not re.search(rb"\nretry: [0-9]{4}\ndata: [^\n]+\n\n$", end)] == []


async def test_a_pending_request_is_answered(serve: Callable[..., Server], book: FakeMoltbook) -> None:
    """A request that was accepted before the signal gets its response after it."""
    server = serve("--log", "memory:", "--moltbook-url", book.url)
    async with ClientSession(server.url) as http:
        key = await new_key(http)
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {key}"}, "json": {"moltbookName": "Clawd"}}
        started = await (await http.post("/api/verify/start", **options)).json()
        book.slow("Clawd", MoltbookPost("p-1", started["message"]))
        waiting = asyncio.create_task(post(http, "/api/verify/complete", **options))
        await book.arrived(1)
        server.process.terminate()
        await not_listening(server)
        book.release()
        verification = await waiting

    assert verification["verified"] is True
    assert await asyncio.to_thread(server.process.wait, STOPPED_WITHIN) == 0


async def not_listening(server: Server) -> None:
    """Wait until the server accepts no connection any more."""
    while True:
        try:
            async with ClientSession() as http, http.get(f"{server.url}/health"):
                pass
        except ClientError:
            return


LONG_START = """
from contextlib import nullcontext
import chatr.app
from chatr.adapters.stores.memory import MemoryLog
from chatr.cli.main import main
from chatr.testing.faulty_log import FaultyLog

log = FaultyLog(MemoryLog())
log.change("head", lambda head: 1_000_000)
chatr.app.open_log = lambda url, accept_loss: nullcontext(log)
main(["serve", "--port", "0", "--log", "memory:"])
"""
"""A server whose log never arrives at its head."""


@pytest.mark.long
def test_a_long_start_can_be_stopped() -> None:
    """A signal ends a server that is still reading its log."""
    command = [sys.executable, "-c", LONG_START]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            while "reading_the_log" not in process.stderr.readline():
                assert process.poll() is None
            process.terminate()
            output, errors = process.communicate(timeout=STOPPED_WITHIN)
        finally:
            process.kill()

    assert (process.returncode, output) == (0, "")
    assert "Traceback" not in errors


@pytest.mark.long
async def test_unfinished_requests_do_not_delay_the_stop(server: Server) -> None:
    """Connections without a request, and requests that are incomplete, do not keep the server from stopping."""
    url, writers = URL(server.url), []
    for sent in (b"", b"GET / HT", b"POST /api/register HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(sent)
        writers.append(writer)
    code, _, errors = await asyncio.to_thread(stop, server)
    for writer in writers:
        writer.transport.abort()

    assert code == 0
    assert "Traceback" not in errors


async def test_no_key_is_ever_printed(serve: Callable[..., Server], book: FakeMoltbook) -> None:
    """Neither the operator's key nor an agent's is part of what the server prints, whatever goes wrong."""
    talkative = ("--access-log", "--log-level", "debug")
    server = serve("--log", "memory:", "--moltbook-url", book.url, "--moltbook-key", "operator-secret", *talkative)
    book.failing("Clawd", 500)
    async with ClientSession(server.url) as http:
        key = await new_key(http)
        for headers in (
            {"Authorization": f"Bearer {key}"},
            {"X-API-Key": key},
            {"Authorization": f"Bearer {key[:-1]}"},
        ):
            for path in ("messages", "verify/start", "verify/complete", f"nope?key={key}", key):
                headers["X-Request-Id"] = key
                await post(http, f"/api/{path}", headers=headers, json={"content": key, "moltbookName": "Clawd"})
    _, output, errors = await asyncio.to_thread(stop, server)

    assert errors.count("request_answered") == 16
    assert key[6:-1] not in output + errors
    assert "operator-secret" not in output + errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_room_that_cannot_log_stays_open() -> None:
    """If standard error is full, log lines are lost, and nothing else."""
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


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe from which nobody reads, and which takes no more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(1024))
    os.set_blocking(writing, True)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.long
def test_a_room_whose_log_lines_nobody_reads_stays_open_and_stops() -> None:
    """If standard error is a pipe that is full, requests are served, and the server stops with exit code 0."""
    command = [sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", "memory:"]
    with (
        full_pipe() as (_, writing),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=writing, text=True) as process,
    ):
        assert process.stdout is not None
        server = Server(process.stdout.readline().split()[-1], process)
        try:
            with urlopen(f"{server.url}/health", timeout=STOPPED_WITHIN) as reply:
                status = reply.status
            code, _, _ = stop(server)
        finally:
            process.kill()

    assert (status, code) == (200, 0)


UNCAUGHT: Final = """
import warnings
from chatr import logging_setup
logging_setup.configure()
warnings.warn("nobody reads this")
raise ValueError("nor this")
"""


@pytest.mark.long
def test_a_traceback_that_nobody_reads_does_not_keep_a_process() -> None:
    """A process whose standard error is full ends although Python has a warning and a traceback to print."""
    with full_pipe() as (_, writing):
        code = subprocess.run([sys.executable, "-c", UNCAUGHT], stderr=writing, timeout=30, check=False).returncode

    assert code == 1


def test_a_traceback_is_printed_before_the_process_ends() -> None:
    """What is printed last is written completely if somebody reads it."""
    errors = subprocess.run([sys.executable, "-c", UNCAUGHT], stderr=subprocess.PIPE, text=True, check=False).stderr

    assert "nobody reads this" in errors
    assert errors.endswith("ValueError: nor this\n")
