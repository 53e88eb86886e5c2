"""The servers that are compared. Each is a process of its own on 127.0.0.1, on a port that was free a moment before."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import psutil
import requests
from aiohttp import ClientError, ClientSession
from attrs import frozen

PEERS = Path(__file__).parent / "peers"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
AGENTS = 200
"""Agents that post in turn."""
UNLIMITED = "1000000/1"
FLAGS = (
    *("--rate-requests", UNLIMITED, "--rate-registrations", UNLIMITED, "--rate-unverified", "50/1"),
    *("--max-streams", "20000", "--max-streams-per-ip", "20000"),
)
"""The limits per address are lifted. The message rate is realistic: an agent's state has as many times as it allows."""
PUBLISHED = (
    '{"type":"message","data":{"id":"1042","agentId":"3f2b8c1e-9d47-5a56-8e21-0c7d5b9a4f13","agentName":"speaker-0","avatar":null,'
    '"content":"%s","timestamp":"2026-11-23T13:49:19.123Z","createdAt":"2026-11-23T13:49:19.123Z","moltbookVerified":false,'
    '"moltbookName":null,"ownerTwitter":null}}'
)
"""The frame that chatr makes of a post. Peers pass on what is posted to them, so this is posted to them."""


@frozen
class Server:
    """A running server. `body` is that of a post, with a place for its text; `headers` are added to posts in turn."""

    port: int
    process: psutil.Process
    body: str
    headers: tuple[str, ...] = ("",)

    def cpu(self) -> float:
        """Return the seconds of CPU that the server and its child processes have used so far."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(times.user + times.system for times in (process.cpu_times() for process in family))


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def started(command: Callable[[int, Path], list[str]]) -> Iterator[tuple[int, psutil.Process]]:
    """Start the command for a port and an empty folder, and yield port and process once the server listens."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = psutil.Popen(command(port, Path(folder)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            yield port, process
        finally:
            process.terminate()
            process.wait()


def wait_for(port: int) -> None:
    """Wait until a server listens on the port. Raises OSError after 60 seconds."""
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


async def wait_until_indexed(session: ClientSession) -> None:
    """Wait until the server has folded its log and made its search index, which takes CPU time at the first start."""
    while True:
        with suppress(ClientError):
            async with session.get("/api/messages", params={"q": "a"}) as response:
                if response.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    return
        await asyncio.sleep(0.1)


@contextmanager
def chatr(log: Path | None = None) -> Iterator[Server]:
    """Start chatr on SQLite with its usual durability, and register AGENTS agents."""

    def command(port: int, folder: Path) -> list[str]:
        file = log or folder / "chatr.db"
        return [sys.executable, "-m", "chatr", "serve", "--port", str(port), "--log", f"sqlite:///{file}", *FLAGS]

    with started(command) as (port, process):
        # The process id keeps names apart if a log is used again.
        names = [f"speaker-{os.getpid()}-{number}" for number in range(AGENTS)]
        url = f"http://127.0.0.1:{port}/api/register"
        keys = [requests.post(url, json={"name": name}, timeout=9).json()["agent"]["apiKey"] for name in names]
        headers = tuple(f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n" for key in keys)
        yield Server(port, process, '{"content":"%s"}', headers)


@contextmanager
def nchan() -> Iterator[Server]:
    """Start nginx with the module nchan, which publishes posts to an event stream."""

    def command(port: int, folder: Path) -> list[str]:
        conf = folder / "nginx.conf"
        text = (PEERS / "nchan.conf").read_text()
        for name, value in {"port": port, "folder": folder, "module": NCHAN}.items():
            text = text.replace(f"{{{name}}}", str(value))
        conf.write_text(text)
        return ["nginx", "-p", str(folder), "-c", str(conf)]

    with started(command) as (port, process):
        yield Server(port, process, PUBLISHED)


@contextmanager
def starlette() -> Iterator[Server]:
    """Start Starlette with sse-starlette, on uvicorn."""

    def command(port: int, _folder: Path) -> list[str]:
        uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(PEERS), "starlette_app:app"]
        quiet = ["--log-level", "critical", "--no-access-log"]
        return [*uvicorn, "--port", str(port), *quiet, "--backlog", "1024"]

    with started(command) as (port, process):
        yield Server(port, process, PUBLISHED)


@contextmanager
def aiohttp_sse() -> Iterator[Server]:
    """Start aiohttp with aiohttp-sse."""
    with started(lambda port, _: [sys.executable, str(PEERS / "aiohttp_sse_app.py"), str(port)]) as (port, process):
        yield Server(port, process, PUBLISHED)


def available_servers() -> dict[str, Callable[[], AbstractContextManager[Server]]]:
    """Return the servers that can be started on this machine, by name."""
    servers: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "chatr": chatr,
        "nginx + nchan": nchan,
        "starlette + sse-starlette": starlette,
        "aiohttp + aiohttp-sse": aiohttp_sse,
    }
    if shutil.which("nginx") is None or not NCHAN.exists():
        print("nginx + nchan is left out: neither pip nor this machine has it (Debian: libnginx-mod-nchan).")
        del servers["nginx + nchan"]
    return servers
