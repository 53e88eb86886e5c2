"""Measures requests per second of the server's CPU: python -m benchmarks.asking [--publishers 1 32].

Durable posts, and the list of online agents, are compared with a bare aiohttp server that reads each request and
responds with 204: no authentication, no storage, no rules. chatr is built on aiohttp, so it cannot reach more.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import count
from statistics import median

from attrs import frozen

from benchmarks.servers import Server, aiohttp_sse, chatr

POST, ONLINE = "durable posts", "who is online"
WARM_UP = 0.5
"""Seconds of posts before each measurement."""


@frozen
class Result:
    """Requests per second of the server's CPU, median latency in milliseconds, and this program's share of a core."""

    per_cpu: float
    p50: float
    busy: float


def request(server: Server, number: int, *, what: str) -> bytes:
    """Return the bytes of a request; those of posts differ by `number`."""
    if what == ONLINE:
        return b"GET /api/agents HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = (server.body % f"message {number} the quick brown fox jumps over the lazy dog").encode()
    headers = server.headers[number % len(server.headers)]
    return (
        f"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
        + body
    )


async def send_requests(server: Server, what: str, end: float, numbers: Iterator[int], latencies: list[float]) -> None:
    """Send one request after the other on one connection until `end`, and append each latency in milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    while (began := time.monotonic()) < end:
        writer.write(request(server, next(numbers), what=what))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(head.decode())
        length = re.search(rb"(?i)content-length: ([0-9]+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        latencies.append((time.monotonic() - began) * 1e3)
    writer.close()


async def send_concurrently(server: Server, what: str, clients: int, seconds: float) -> list[float]:
    """Send requests on `clients` connections and return the latencies in milliseconds."""
    latencies: list[float] = []
    end, numbers = time.monotonic() + seconds, count()
    await asyncio.gather(*(send_requests(server, what, end, numbers, latencies) for _ in range(clients)))
    return latencies


def measure(start: Callable[[], AbstractContextManager[Server]], what: str, clients: int, seconds: float) -> Result:
    """Start a server, let it warm up, and measure it."""
    with start() as server:
        asyncio.run(send_concurrently(server, POST, clients, WARM_UP))
        cpu_before, own_cpu_before, began = server.cpu(), time.process_time(), time.monotonic()
        latencies = asyncio.run(send_concurrently(server, what, clients, seconds))
        busy = (time.process_time() - own_cpu_before) / (time.monotonic() - began)
        return Result(len(latencies) / (server.cpu() - cpu_before), median(latencies), busy)


def measure_all(publishers: Sequence[int], seconds: float, rounds: int) -> Iterator[dict[str, object]]:
    """Print a table, row by row as it is measured, and yield its rows. Shares are formed within a round."""
    print(f"{'what':16}{'clients':>8}{'chatr/CPU-s':>13}{'aiohttp/CPU-s':>15}{'share':>7}{'p50 ms':>8}")
    for what, clients in [*((POST, publisher_count) for publisher_count in publishers), (ONLINE, 8)]:
        pairs = [
            (measure(chatr, what, clients, seconds), measure(aiohttp_sse, POST, clients, seconds))
            for _ in range(rounds)
        ]
        row = {
            "what": what,
            "clients": clients,
            "chatr_per_cpu_s": round(median(ours.per_cpu for ours, _ in pairs)),
            "aiohttp_per_cpu_s": round(median(bare.per_cpu for _, bare in pairs)),
            "share": round(median(ours.per_cpu / bare.per_cpu for ours, bare in pairs), 2),
            "p50_ms": round(median(ours.p50 for ours, _ in pairs), 2),
        }
        busy = median(ours.busy for ours, _ in pairs) > 0.9
        print(
            f"{what:16}{clients:>8}{row['chatr_per_cpu_s']:>13,}{row['aiohttp_per_cpu_s']:>15,}{row['share']:>7}{row['p50_ms']:>8}"
            + ("   (the load generator was busy all the time)" if busy else "")
        )
        yield row


def main() -> None:
    """Measure and print a table, then its rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publishers", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(list(measure_all(options.publishers, options.seconds, options.rounds))))


if __name__ == "__main__":
    main()
