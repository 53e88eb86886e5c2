"""Requests for each second of a server's CPU: python -m benchmarks.asking [--publishers 1 32].

Durable posts, and the list of who is online, against an aiohttp that reads what it is sent and answers 204: it knows
nobody, stores nothing and obeys no rule. chatr is made with aiohttp, so that is as much as it could ever reach.
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


@frozen
class Asked:
    """`busy` is this program's share of a core."""

    per_cpu: float
    p50: float
    busy: float


def request(server: Server, number: int, *, what: str) -> bytes:
    if what == ONLINE:
        return b"GET /api/agents HTTP/1.1\r\nHost: localhost\r\n\r\n"
    body = (server.body % f"message {number} the quick brown fox jumps over the lazy dog").encode()
    head = server.heads[number % len(server.heads)]
    return (
        f"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body
    )


async def ask(server: Server, what: str, until: float, numbers: Iterator[int], took: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    while (began := time.monotonic()) < until:
        writer.write(request(server, next(numbers), what=what))
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(answer.decode())
        length = re.search(rb"(?i)content-length: ([0-9]+)", answer)
        await reader.readexactly(int(length[1]) if length else 0)
        took.append((time.monotonic() - began) * 1e3)
    writer.close()


async def together(server: Server, what: str, clients: int, seconds: float) -> list[float]:
    took: list[float] = []
    until, numbers = time.monotonic() + seconds, count()
    await asyncio.gather(*(ask(server, what, until, numbers, took) for _ in range(clients)))
    return took


def asked(start: Callable[[], AbstractContextManager[Server]], what: str, clients: int, seconds: float) -> Asked:
    with start() as server:
        asyncio.run(together(server, POST, clients, 0.5))
        spent, own, began = server.cpu(), time.process_time(), time.monotonic()
        took = asyncio.run(together(server, what, clients, seconds))
        busy = (time.process_time() - own) / (time.monotonic() - began)
        return Asked(len(took) / (server.cpu() - spent), median(took), busy)


def measured(publishers: Sequence[int], seconds: float, rounds: int) -> Iterator[dict[str, object]]:
    print(f"{'what':16}{'clients':>8}{'chatr/CPU-s':>13}{'aiohttp/CPU-s':>15}{'share':>7}{'p50 ms':>8}")
    for what, clients in [*((POST, each) for each in publishers), (ONLINE, 8)]:
        pairs = [
            (asked(chatr, what, clients, seconds), asked(aiohttp_sse, POST, clients, seconds)) for _ in range(rounds)
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publishers", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(list(measured(options.publishers, options.seconds, options.rounds))))


if __name__ == "__main__":
    main()
