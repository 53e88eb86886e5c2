"""Watchers in processes of their own, and publishers that wait for them: at most so many messages are under way."""

import asyncio
import multiprocessing
import re
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Event, Process, Queue, Value
from statistics import median
from typing import Any

from attrs import field, frozen

from benchmarks.servers import Server

MARK = re.compile(rb"<([0-9]+)@([0-9]+)>")
"""Number and time of a message, in what is said."""
LONGEST = 48
PROCESSES = 2
PUBLISHERS = 8
UNDER_WAY = 64
SAID = "<{}@{}> the quick brown fox jumps over the lazy dog"


@frozen
class Seen:
    """By one process: messages that all of its watchers have, orders in which they came, and its share of a core."""

    messages: int
    orders: int
    busy: float
    latencies: list[float]


class Watchers:
    """So many streams, read in one process. `ready` and `everywhere` are shared with whoever publishes."""

    def __init__(self, port: int, count: int, ready: Any, everywhere: Any) -> None:
        self._selector = selectors.DefaultSelector()
        self._ready, self._everywhere = ready, everywhere
        self._orders = [0] * count
        self._got = [0] * count
        self._have: list[int] = []
        self._tails = [b""] * count
        self._latencies: list[float] = []
        for number in range(count):
            self._join(number, port)

    def _join(self, number: int, port: int) -> None:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        self._tails[number] = connection.recv(262_144)[-LONGEST:]
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, number)
        self._ready.value += 1

    def watch(self, end: Any) -> Seen:
        began, spent = time.monotonic(), time.process_time()
        while not end.is_set():
            for key, _ in self._selector.select(0.05):
                assert isinstance(key.fileobj, socket.socket)
                self._hear(key.data, key.fileobj.recv(262_144))
        busy = (time.process_time() - spent) / (time.monotonic() - began)
        orders = len(set(zip(self._got, self._orders, strict=True)))
        return Seen(min(self._got), orders, busy, self._latencies)

    def _hear(self, number: int, data: bytes) -> None:
        now, end, text = time.monotonic_ns(), 0, self._tails[number] + data
        for mark in MARK.finditer(text):
            end = mark.end()
            self._count(number, int(mark[1]))
            if not number:
                self._latencies.append((now - int(mark[2])) / 1e6)
        self._tails[number] = text[max(end, len(text) - LONGEST) :]

    def _count(self, number: int, message: int) -> None:
        self._orders[number] = hash((self._orders[number], message))
        self._got[number] += 1
        if self._got[number] > len(self._have):
            self._have.append(0)
        self._have[self._got[number] - 1] += 1
        self._everywhere.value += self._have[self._got[number] - 1] == len(self._got)


def watch(port: int, count: int, ready: Any, everywhere: Any, end: Any, seen: Any) -> None:
    seen.put(Watchers(port, count, ready, everywhere).watch(end))


@frozen
class Audience:
    ready: list[Any] = field(factory=list)
    everywhere: list[Any] = field(factory=list)
    end: Any = field(factory=Event)
    seen: Any = field(factory=Queue)

    def delivered(self) -> int:
        """Messages that every watcher has."""
        return int(min(each.value for each in self.everywhere))

    def leave(self) -> list[Seen]:
        self.end.set()
        return [self.seen.get(timeout=30) for _ in self.ready]


@contextmanager
def audience(port: int, count: int) -> Iterator[Audience]:
    """So many watchers that have all been answered."""
    shares = [count // PROCESSES + (number < count % PROCESSES) for number in range(PROCESSES)]
    shares, here = [each for each in shares if each], Audience()
    processes = []
    for share in shares:
        here.ready.append(Value("q", 0, lock=False))
        here.everywhere.append(Value("q", 0, lock=False))
        told = (here.ready[-1], here.everywhere[-1], here.end, here.seen)
        processes.append(Process(target=watch, args=(port, share, *told), daemon=True))
        processes[-1].start()
    while sum(each.value for each in here.ready) < count:
        if not all(process.is_alive() for process in processes):
            raise ConnectionError("the server has not taken all watchers")
        time.sleep(0.05)
    time.sleep(0.5)
    yield here
    for process in processes:
        process.terminate()
        process.join()


@frozen
class Publishing:
    """What all publishers of a run say, and how much it is by now; each waits `every` so many seconds."""

    server: Server
    here: Audience
    until: float
    every: float
    count: list[int] = field(factory=lambda: [0])

    async def publish(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        while time.monotonic() < self.until:
            while self.count[0] - self.here.delivered() >= UNDER_WAY:
                await asyncio.sleep(0.0005)
                if time.monotonic() > self.until + 30:
                    raise TimeoutError("a message was lost")
            await self._post(reader, writer)
            await asyncio.sleep(self.every)
        writer.close()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.count[0]
        self.count[0] += 1
        body = (self.server.body % SAID.format(number, time.monotonic_ns())).encode()
        head = self.server.heads[number % len(self.server.heads)]
        writer.write(
            f"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode()
            + body
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(answer.decode())
        length = re.search(rb"(?i)content-length: ([0-9]+)", answer)
        await reader.readexactly(int(length[1]) if length else 0)


@frozen
class Run:
    """What came of it. `cpu` is the server's, in seconds; `busy` the share of a core of the busiest process of ours."""

    messages: int
    deliveries: int
    lost: int
    orders: int
    seconds: float
    cpu: float
    busy: float
    p50: float


def run(server: Server, watchers: int, seconds: float, *, rate: float | None = None) -> Run:
    """Say things for so long, as fast as the watchers take them or `rate` a second."""
    with audience(server.port, watchers) as here:
        spent, began, own = server.cpu(), time.monotonic(), time.process_time()
        publishers = PUBLISHERS if rate is None else 1
        publishing = Publishing(server, here, began + seconds, 0 if rate is None else 1 / rate)
        asyncio.run(together(publishing, publishers))
        while here.delivered() < publishing.count[0] and time.monotonic() < began + seconds + 30:
            time.sleep(0.001)
        took, cpu, busy = time.monotonic() - began, server.cpu() - spent, time.process_time() - own
        seen = here.leave()
    said = publishing.count[0]
    return Run(
        said,
        said * watchers,
        said - min(each.messages for each in seen),
        max(each.orders for each in seen),
        took,
        cpu,
        max(busy / took, *(each.busy for each in seen)),
        median(seen[0].latencies),
    )


async def together(publishing: Publishing, publishers: int) -> None:
    await asyncio.gather(*(publishing.publish() for _ in range(publishers)))


multiprocessing.set_start_method("fork", force=True)
