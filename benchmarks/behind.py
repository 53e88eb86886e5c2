"""Measures watchers that are behind: python -m benchmarks.behind [--watchers 5000] [--missed 10000] [--reading].

Watchers resume a stream after messages of 1.2 kB that they have missed, while agents post. By default they read
nothing; with `--reading` they read as fast as they can. With `--spread` each has missed another number of messages.
Printed are the time that posts took without and with them, in milliseconds; the server's memory and that of all
connections in the kernel, in MB; the server's CPU in seconds; and with `--reading` until when all had everything.
"""

import argparse
import asyncio
import http.client
import json
import resource
import selectors
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import Event, Process
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from attrs import define, field, frozen

from benchmarks.servers import FLAGS, Server, started, wait_until_indexed
from benchmarks.startup import START, write_log
from chatr.adapters.system import SystemSecrets
from chatr.domain import events as event_types
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, LimitsAdopted, MessagePosted
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE, Limits

AGENTS = 50
POST_EVERY = 0.02
RECEIVE = 4096
"""Bytes that the kernel holds on the side of a watcher that reads nothing."""
LONG_TEXT = "🦀" * 240
MB = 1e6


def events(keys: dict[str, str], messages: int) -> Iterator[event_types.Event]:
    """Yield the agents, and messages that are as long as they can be."""
    names = list(keys)
    yield LimitsAdopted(Limits(), START)
    for name in names:
        yield AgentRegistered(agent_id(name), name, None, hash_key(keys[name]), START)
    for number in range(messages):
        author = agent_id(names[number % AGENTS])
        yield MessagePosted(author, f"{number} {LONG_TEXT}", None, START + number * 5 * MINUTE // AGENTS)


@define
class Poster:
    """Posts as the agents in turn, and measures the seconds that each post takes."""

    server: Server
    connection: http.client.HTTPConnection = field()
    count: int = 0

    @connection.default
    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.server.port)

    def post(self, end: Any, seconds: float) -> dict[str, float]:
        """Post until the event `end` is set, for so many seconds at most; return milliseconds."""
        times, last = [], time.monotonic() + seconds
        while not end.is_set() and time.monotonic() < last:
            times.append(self._post())
            time.sleep(POST_EVERY)
        times.sort()
        at = {"p50": len(times) // 2, "p99": len(times) * 99 // 100, "max": len(times) - 1}
        return {name: round(1e3 * times[index], 1) for name, index in at.items()}

    def _post(self) -> float:
        headers = {"Authorization": self.server.headers[self.count % AGENTS], "Content-Type": "application/json"}
        self.count += 1
        began = time.perf_counter()
        self.connection.request("POST", "/api/messages", json.dumps({"content": f"live {self.count}"}), headers)
        response = self.connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise ConnectionError(body.decode())
        return time.perf_counter() - began


@frozen
class Resume:
    """How each watcher resumes: from which ids in turn, and whether it reads."""

    port: int
    ids: Sequence[str]
    watchers: int
    reads: bool

    def watch(self, connected: Any, done: Any, end: Any) -> None:
        """Open the streams; set `done` when all that read are sent the totals, which follow what they have missed."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        sockets = [self._connect(number) for number in range(self.watchers)]
        connected.set()
        if self.reads:
            read_until_caught_up(sockets)
            done.set()
        end.wait()

    def _connect(self, number: int) -> socket.socket:
        connection = socket.socket()
        if not self.reads:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)
        connection.connect(("127.0.0.1", self.port))
        last_id = self.ids[number % len(self.ids)]
        connection.sendall(f"GET /api/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last_id}\r\n\r\n".encode())
        return connection


def read_until_caught_up(sockets: Sequence[socket.socket]) -> None:
    """Read each stream until its first totals. Raises ConnectionError if one ends before."""
    with selectors.DefaultSelector() as selector:
        tails = dict.fromkeys(sockets, b"")
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
        while tails:
            for key, _ in selector.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                data = connection.recv(65536)
                if not data:
                    raise ConnectionError("a watcher was dropped")
                text = tails[connection] + data
                tails[connection] = text[-16:]
                if b'"type":"stats"' in text:
                    del tails[connection]
                    selector.unregister(connection)


@contextmanager
def resumed(resume: Resume) -> Iterator[Any]:
    """Let the watchers resume, and yield the event that is set when they have caught up."""
    connected, done, end = Event(), Event(), Event()
    process = Process(target=resume.watch, args=(connected, done, end), daemon=True)
    process.start()
    connected.wait()
    yield done
    end.set()
    process.join()


def kernel_bytes() -> int:
    """Return what all TCP connections of this machine hold in the kernel."""
    fields = Path("/proc/net/sockstat").read_text().split("TCP:")[1].split()
    return int(fields[fields.index("mem") + 1]) * 4096


def measure(server: Server, resume: Resume, seconds: float) -> dict[str, object]:
    """Return the figures without watchers, and with them."""
    poster, never = Poster(server), Event()
    before, kernel, cpu = poster.post(never, min(seconds, 3)), kernel_bytes(), server.cpu()
    began = time.monotonic()
    with resumed(resume) as done:
        during = poster.post(done, seconds)
        return {
            "posts_before": before,
            "posts": during,
            "server_mb": round(server.process.memory_info().rss / MB),
            "kernel_mb": round((kernel_bytes() - kernel) / MB),
            "cpu_s": round(server.cpu() - cpu, 1),
            "caught_up_s": round(time.monotonic() - began, 1) if done.is_set() else None,
        }


def ids_of_messages(file: Path) -> list[str]:
    """Return the stream ids of all messages of a log."""
    with closing(sqlite3.connect(file)) as log:
        rows = log.execute("select position, id from log where type = 'message-posted.v1' order by position")
        return [f"{position}-{record[:8]}" for position, record in rows]


async def ready(port: int) -> None:
    """Wait until the server has folded its log."""
    async with ClientSession(f"http://127.0.0.1:{port}") as session:
        await wait_until_indexed(session)


def main() -> None:
    """Print the figures, then the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=5_000)
    parser.add_argument("--missed", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="for which agents post, unless all have caught up")
    parser.add_argument("--reading", action="store_true", help="read as fast as possible")
    parser.add_argument("--spread", action="store_true", help="from another place for each watcher")
    options = parser.parse_args()
    secrets = SystemSecrets()
    keys = {f"agent-{number}": secrets.key() for number in range(AGENTS)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chatr.db"
        asyncio.run(write_log(file, events(keys, options.missed + 1)))
        ids = ids_of_messages(file)
        # Neighbours are far apart, and all places are used.
        places = [ids[number * 7919 % len(ids)] for number in range(options.watchers)] if options.spread else ids[:1]
        serve = [sys.executable, "-m", "chatr", "serve", "--log", f"sqlite:///{file}", *FLAGS]
        with started(lambda port, _: [*serve, "--port", str(port)]) as (port, process):
            asyncio.run(ready(port))
            server = Server(port, process, "", tuple(f"Bearer {key}" for key in keys.values()))
            resume = Resume(port, places, options.watchers, options.reading)
            figures = measure(server, resume, options.seconds)
    print("  ".join(f"{name} {value}" for name, value in figures.items()))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
