"""Generates load for a server: watchers in processes of their own, and publishers that wait for them.

At most UNDELIVERED messages are on their way to some watcher, so that no server is measured by how much it buffers.
"""

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

TEXT = "<{}@{}> the quick brown fox jumps over the lazy dog"
"""Of a message: its number, and the time in nanoseconds at which it is posted."""
MARK = re.compile(rb"<([0-9]+)@([0-9]+)>")
"""Finds number and time in what a watcher receives."""
LONGEST_MARK = 48
"""Bytes that are looked at again with the next ones, as a mark may arrive in two pieces."""
PROCESSES = 2
"""Processes that the watchers are shared out among."""
PUBLISHERS = 8
UNDELIVERED = 64


@frozen
class Received:
    """What the watchers of one process received.

    `messages`: how many every one of them has; `orders`: in how many different orders they came (1 is right); `busy`:
    the process's share of a core; `latencies`: milliseconds from post to delivery, of one watcher.
    """

    messages: int
    orders: int
    busy: float
    latencies: list[float]


class Watchers:
    """So many streams, read by one process. It counts in shared memory, where the publishers see it.

    `ready` counts streams that are open, `everywhere` messages that all these watchers have.
    """

    def __init__(self, port: int, count: int, ready: Any, everywhere: Any) -> None:
        self._selector = selectors.DefaultSelector()
        self._ready, self._everywhere = ready, everywhere
        self._order_hashes = [0] * count
        self._message_counts = [0] * count
        self._watchers_with: list[int] = []  # for each message, how many watchers have it
        self._tails = [b""] * count
        self._latencies: list[float] = []
        for number in range(count):
            self._connect(number, port)

    def _connect(self, number: int, port: int) -> None:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        self._tails[number] = connection.recv(262_144)[-LONGEST_MARK:]
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, number)
        self._ready.value += 1

    def watch(self, end: Any) -> Received:
        """Read all streams until the event `end` is set."""
        began, cpu_before = time.monotonic(), time.process_time()
        while not end.is_set():
            for key, _ in self._selector.select(0.05):
                assert isinstance(key.fileobj, socket.socket)
                self._receive(key.data, key.fileobj.recv(262_144))
        busy = (time.process_time() - cpu_before) / (time.monotonic() - began)
        orders = len(set(zip(self._message_counts, self._order_hashes, strict=True)))
        return Received(min(self._message_counts), orders, busy, self._latencies)

    def _receive(self, number: int, data: bytes) -> None:
        now, end, text = time.monotonic_ns(), 0, self._tails[number] + data
        for mark in MARK.finditer(text):
            end = mark.end()
            self._count(number, int(mark[1]))
            if not number:
                self._latencies.append((now - int(mark[2])) / 1e6)
        self._tails[number] = text[max(end, len(text) - LONGEST_MARK) :]

    def _count(self, number: int, message: int) -> None:
        index = self._message_counts[number]
        self._order_hashes[number] = hash((self._order_hashes[number], message))
        self._message_counts[number] += 1
        if index == len(self._watchers_with):
            self._watchers_with.append(0)
        self._watchers_with[index] += 1
        self._everywhere.value += self._watchers_with[index] == len(self._message_counts)


def watch(port: int, count: int, ready: Any, everywhere: Any, end: Any, results: Any) -> None:
    """Open so many streams, read them until `end`, and put into `results` what was received. A process runs this."""
    results.put(Watchers(port, count, ready, everywhere).watch(end))


@frozen
class Audience:
    """All watchers, as the publishing process sees them: a counter of each kind for each process."""

    ready: list[Any] = field(factory=list)
    everywhere: list[Any] = field(factory=list)
    end: Any = field(factory=Event)
    results: Any = field(factory=Queue)

    def delivered(self) -> int:
        """Return how many messages every watcher has."""
        return int(min(counter.value for counter in self.everywhere))

    def stop(self) -> list[Received]:
        """Stop watching and return what each process received."""
        self.end.set()
        return [self.results.get(timeout=30) for _ in self.ready]


@contextmanager
def connected_audience(port: int, count: int) -> Iterator[Audience]:
    """Start the processes of `count` watchers and wait until every stream is open. Raises ConnectionError."""
    shares = [count // PROCESSES + (number < count % PROCESSES) for number in range(PROCESSES)]
    audience = Audience()
    processes = []
    for share in filter(None, shares):
        audience.ready.append(Value("q", 0, lock=False))
        audience.everywhere.append(Value("q", 0, lock=False))
        shared = (audience.ready[-1], audience.everywhere[-1], audience.end, audience.results)
        processes.append(Process(target=watch, args=(port, share, *shared), daemon=True))
        processes[-1].start()
    while sum(counter.value for counter in audience.ready) < count:
        if not all(process.is_alive() for process in processes):
            raise ConnectionError("the server has not accepted all watchers")
        time.sleep(0.05)
    # Let the server finish with the last connections before it is measured.
    time.sleep(0.5)
    yield audience
    for process in processes:
        process.terminate()
        process.join()


@frozen
class Publishing:
    """The publishers of a run, which post until `end`, each `interval` seconds after its last response."""

    server: Server
    audience: Audience
    end: float
    interval: float
    count: list[int] = field(factory=lambda: [0])

    async def publish(self) -> None:
        """Post as one of the publishers. Raises TimeoutError if a message is not delivered within 30 s of the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        while time.monotonic() < self.end:
            while self.count[0] - self.audience.delivered() >= UNDELIVERED:
                await asyncio.sleep(0.0005)
                if time.monotonic() > self.end + 30:
                    raise TimeoutError("a message was lost")
            await self._post(reader, writer)
            await asyncio.sleep(self.interval)
        writer.close()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.count[0]
        self.count[0] += 1
        body = (self.server.body % TEXT.format(number, time.monotonic_ns())).encode()
        headers = self.server.headers[number % len(self.server.headers)]
        writer.write(
            f"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(head.decode())
        length = re.search(rb"(?i)content-length: ([0-9]+)", head)
        await reader.readexactly(int(length[1]) if length else 0)


@frozen
class Run:
    """The result of a run.

    `lost`: messages that some watcher lacks; `orders`: different orders in which they came (1 is right); `cpu`: seconds
    of the server's CPU; `busy`: share of a core of the busiest process of this program; `p50`: median latency in
    milliseconds.
    """

    messages: int
    deliveries: int
    lost: int
    orders: int
    seconds: float
    cpu: float
    busy: float
    p50: float


def run_load(server: Server, watchers: int, seconds: float, *, rate: float | None = None) -> Run:
    """Post for so long, as fast as the watchers receive or, by one publisher, about `rate` messages per second."""
    with connected_audience(server.port, watchers) as audience:
        cpu_before, own_cpu_before, began = server.cpu(), time.process_time(), time.monotonic()
        publishing = Publishing(server, audience, began + seconds, 0 if rate is None else 1 / rate)
        asyncio.run(publish_concurrently(publishing, PUBLISHERS if rate is None else 1))
        while audience.delivered() < publishing.count[0] and time.monotonic() < began + seconds + 30:
            time.sleep(0.001)
        elapsed = time.monotonic() - began
        cpu, busy = server.cpu() - cpu_before, (time.process_time() - own_cpu_before) / elapsed
        received = audience.stop()
    messages = publishing.count[0]
    return Run(
        messages,
        messages * watchers,
        messages - min(each.messages for each in received),
        max(each.orders for each in received),
        elapsed,
        cpu,
        max(busy, *(each.busy for each in received)),
        median(received[0].latencies),
    )


async def publish_concurrently(publishing: Publishing, publishers: int) -> None:
    """Run so many publishers until the end."""
    await asyncio.gather(*(publishing.publish() for _ in range(publishers)))


# With any other start method each process of watchers would first import this program again.
multiprocessing.set_start_method("fork", force=True)
