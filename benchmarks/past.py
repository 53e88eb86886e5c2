"""What a look at the past costs in logs of any length: GET /api/at, and GET /api/messages before a permalink.

`far` moments are drawn by a seed from the whole log, half of them by position and half by time; `near` ones are those
of an hour in its middle, one after the other. No moment comes twice. Everything is asked of a server over the network,
in milliseconds: the median of what the client waited, and what client and server, who share a process, computed.

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

from chatr.app import Running, running
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit
from chatr.settings import Settings

PLENTY = Limit(10**9, SECOND)
Query = Mapping[str, int]


async def asked(room: Running, path: str, queries: Iterable[Query]) -> tuple[float, float]:
    """Milliseconds of an answer: waited, and computed."""
    took, cpu = [], time.process_time()
    async with ClientSession(room.url) as http:
        for query in queries:
            began = time.perf_counter()
            async with http.get(path, params=query) as reply:
                assert reply.status == 200, await reply.text()
                await reply.read()
            took.append(1_000 * (time.perf_counter() - began))
    return round(median(took), 2), round(1_000 * (time.process_time() - cpu) / len(took), 2)


async def measure(messages: int, agents: int, looks: int) -> dict[str, float]:
    said = Random(messages).sample(range(messages), looks)
    positions = [{"position": each + agents + 2} for each in said]
    times = [{"time": START + each * 5 * MINUTE // agents} for each in said]
    middle = START + messages * 5 * MINUTE // agents // 2
    far = [pair[look % 2] for look, pair in enumerate(zip(positions, times, strict=True))]
    near = [{"time": middle + look * HOUR // looks} for look in range(looks)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatr.db"
        await fill(path, agents, messages)
        async with running(Settings(log=f"sqlite:///{path}", port=0, rate_requests=PLENTY)) as room:
            figures = {
                "far": await asked(room, "/api/at", far),
                "near": await asked(room, "/api/at", near),
                "page": await asked(room, "/api/messages", [{"before": each["position"]} for each in positions]),
            }
    waited = {f"{name}_ms": each[0] for name, each in figures.items()}
    return {"messages": messages} | waited | {f"{name}_cpu_ms": each[1] for name, each in figures.items()}


def main() -> None:
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
