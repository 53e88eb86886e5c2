"""The servers that are compared: each a process of its own, on 127.0.0.1, on a port that was free a moment ago."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import requests
from attrs import frozen

PEERS = Path(__file__).parent / "peers"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SPEAKERS = 200
WIDE = "1000000/1"
FLAGS = (
    *("--rate-requests", WIDE, "--rate-registrations", WIDE, "--rate-unverified", "50/1"),
    *("--max-streams", "20000", "--max-streams-per-ip", "20000"),
)
"""Of an agent's posts as many times are remembered as it may post, so that rate has to be a real one."""
WHOLE = (
    '{"type":"message","data":{"id":"1042","agentId":"3f2b8c1e-9d47-5a56-8e21-0c7d5b9a4f13","agentName":"speaker-0","avatar":null,'
    '"content":"%s","timestamp":"2026-11-23T13:49:19.123Z","createdAt":"2026-11-23T13:49:19.123Z","moltbookVerified":false,'
    '"moltbookName":null,"ownerTwitter":null}}'
)
"""What chatr makes of a post; those that only pass on what they are given are given this."""


@frozen
class Server:
    """`heads` are added to a post, one after the other; `body` has a place for what is said."""

    port: int
    process: psutil.Process
    body: str
    heads: tuple[str, ...] = ("",)

    def cpu(self) -> float:
        """Seconds of CPU so far, of all its processes."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(times.user + times.system for times in (each.cpu_times() for each in family))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def started(command: Callable[[int, Path], list[str]]) -> Iterator[tuple[int, psutil.Process]]:
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
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def chatr(log: Path | None = None) -> Iterator[Server]:
    """As durable as it always is."""

    def command(port: int, folder: Path) -> list[str]:
        file = log or folder / "chatr.db"
        return [sys.executable, "-m", "chatr", "serve", "--port", str(port), "--log", f"sqlite:///{file}", *FLAGS]

    with started(command) as (port, process):
        names = [f"speaker-{os.getpid()}-{number}" for number in range(SPEAKERS)]
        url = f"http://127.0.0.1:{port}/api/register"
        keys = [requests.post(url, json={"name": name}, timeout=9).json()["agent"]["apiKey"] for name in names]
        heads = tuple(f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n" for key in keys)
        yield Server(port, process, '{"content":"%s"}', heads)


@contextmanager
def nchan() -> Iterator[Server]:
    def command(port: int, folder: Path) -> list[str]:
        conf = folder / "nginx.conf"
        text = (PEERS / "nchan.conf").read_text()
        for name, value in {"port": port, "folder": folder, "module": NCHAN}.items():
            text = text.replace(f"{{{name}}}", str(value))
        conf.write_text(text)
        return ["nginx", "-p", str(folder), "-c", str(conf)]

    with started(command) as (port, process):
        yield Server(port, process, WHOLE)


@contextmanager
def starlette() -> Iterator[Server]:
    def command(port: int, _folder: Path) -> list[str]:
        quiet = ["--log-level", "critical", "--no-access-log", "--backlog", "1024"]
        return [
            sys.executable,
            "-m",
            "uvicorn",
            "--app-dir",
            str(PEERS),
            "starlette_app:app",
            "--port",
            str(port),
            *quiet,
        ]

    with started(command) as (port, process):
        yield Server(port, process, WHOLE)


@contextmanager
def aiohttp_sse() -> Iterator[Server]:
    with started(lambda port, _: [sys.executable, str(PEERS / "aiohttp_sse_app.py"), str(port)]) as (port, process):
        yield Server(port, process, WHOLE)


def compared() -> dict[str, Callable[[], AbstractContextManager[Server]]]:
    """Those that can be started here, by name."""
    all_of_them: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "chatr": chatr,
        "nginx + nchan": nchan,
        "starlette + sse-starlette": starlette,
        "aiohttp + aiohttp-sse": aiohttp_sse,
    }
    if shutil.which("nginx") is None or not NCHAN.exists():
        print("nginx + nchan is left out: neither pip nor this machine has it (Debian: libnginx-mod-nchan).")
        del all_of_them["nginx + nchan"]
    return all_of_them
