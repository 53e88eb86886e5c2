"""Measures what a request about the past costs, by the length of the log: GET /api/at, and older pages of messages.

`far`: moments drawn from the whole log by a seed, half of them by position, half by time. `near`: moments of one hour
in the middle of the log, one after the other. `page`: pages of messages before positions of the whole log. No moment
comes twice. All requests go over the network to a server in this process. Printed are milliseconds: the median that the
client waited, and the CPU time of client and server together.

Usage: python benchmarks/past.py [--messages N ...] [--agents N] [--looks N]
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from statistics import median

from aiohttp import ClientSession
from startup import START, fill

from chatr.app import RunningRoom, running_room
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit
from chatr.settings import Settings

UNLIMITED = Limit(10**9, SECOND)
Query = Mapping[str, int]


async def measure_requests(room: RunningRoom, path: str, queries: Iterable[Query]) -> tuple[float, float]:
    """Return the median milliseconds that a response took, and the milliseconds of CPU for each."""
    latencies, cpu_before = [], time.process_time()
    async with ClientSession(room.url) as session:
        for query in queries:
            began = time.perf_counter()
            async with session.get(path, params=query) as response:
                assert response.status == 200, await response.text()
                await response.read()
            latencies.append(1_000 * (time.perf_counter() - began))
    return round(median(latencies), 2), round(1_000 * (time.process_time() - cpu_before) / len(latencies), 2)


async def measure(messages: int, agents: int, requests: int) -> dict[str, float]:
    """Measure so many requests of each kind in a room of so many messages and agents."""
    numbers = Random(messages).sample(range(messages), requests)
    # The limits and the registrations stand before the messages; see `startup.events`.
    positions = [{"position": number + agents + 2} for number in numbers]
    times = [{"time": START + number * 5 * MINUTE // agents} for number in numbers]
    middle = START + messages * 5 * MINUTE // agents // 2
    far = [pair[index % 2] for index, pair in enumerate(zip(positions, times, strict=True))]
    near = [{"time": middle + index * HOUR // requests} for index in range(requests)]
    pages = [{"before": query["position"]} for query in positions]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        await fill(path, agents, messages)
        async with running_room(Settings(log=f"sqlite:///{path}", port=0, rate_requests=UNLIMITED)) as room:
            figures = {
                "far": await measure_requests(room, "/api/at", far),
                "near": await measure_requests(room, "/api/at", near),
                "page": await measure_requests(room, "/api/messages", pages),
            }
    latencies = {f"{name}_ms": latency for name, (latency, _) in figures.items()}
    return {"messages": messages} | latencies | {f"{name}_cpu_ms": cpu for name, (_, cpu) in figures.items()}


def main() -> None:
    """Measure each length; print its figures, then the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--looks", type=int, default=100)
    options = parser.parse_args()
    for messages in options.messages:
        result = asyncio.run(measure(messages, options.agents, options.looks))
        print("  ".join(f"{name} {value:,}" for name, value in result.items()), flush=True)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
