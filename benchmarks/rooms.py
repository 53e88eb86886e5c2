"""Measures what a server costs as its log grows: python -m benchmarks.rooms [--largest AGENTS].

Each room has ten times the agents and messages of the one before, as many messages a second, and a tenth of its agents
online. Its log is made, then a server reads it without a checkpoint, is stopped, starts from its checkpoint, and
answers one client that asks for one path after the other. A cost should be flat or grow as the room does; the process
ends with 1 if it grows faster. `benchmarks.growth` prints the same table.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from attrs import define, field

from benchmarks.room_server import FLAT, LINEAR, Figure, RoomServer
from benchmarks.servers import wait_until_indexed
from benchmarks.startup import write_log
from chatr.adapters.system import SystemSecrets
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, LimitsAdopted, MessagePosted
from chatr.domain.keys import hash_key
from chatr.domain.limits import MINUTE, Limit, Limits

LARGEST = 1_000_000
MESSAGES_PER_AGENT = 10
MESSAGE_INTERVAL = 250
"""Milliseconds between two messages, in every room: what happens in a time does not grow with the age of the room."""
AGENTS_PER_ONLINE = 10
RATE = Limit(1_000, 1_000)
READS = (
    "/api/messages?limit=100",
    "/api/messages?limit=100&before={position}",
    "/api/messages?limit=100&after={position}",
    "/api/agents",
    "/api/agents?after=bot-{n}",
    "/api/activity",
    "/api/at?position={position}",
    "/api/me",
    "/api/log/head",
    "/api/stream",
    "/health",
    "/ready",
    "/",
    "/skills.md",
)
ONLINE_READ = "/api/at?time={ms}"
"""A moment of the last minutes, another one each time: all are looked at who were online then."""
SMALLEST = 100
SERIES = 3
FEWEST_READS = 20
TIMES = 10
"""How many times as large a room is as the one before."""
ALLOWED = {FLAT: 4.0, LINEAR: 20.0}
"""How many times as large a cost may be as in the room before. Caches hold all of a small room."""
SLACK = {"ms": 50.0, "us": 200.0, "s": 1.0, "MB": 50.0}
"""What a cost may grow beside that: constant parts, and the noise of a machine that is busy otherwise.

A dictionary of a million agents is copied in 30 ms when it grows, and two of them grow at the same registration.
"""
DIGITS = {"ms": 1, "us": 0, "s": 1, "MB": 0}


def events(agents: int, key: str, now: int) -> Iterator[Event]:
    """Yield the log of a room with so many agents, the first of which has `key`, until the time `now`."""
    messages, online = agents * MESSAGES_PER_AGENT, agents // AGENTS_PER_ONLINE
    names = [f"bot-{number}" for number in range(agents)]
    ids = list(map(agent_id, names))
    begin = now - messages * MESSAGE_INTERVAL
    yield LimitsAdopted(Limits(unverified=RATE), begin)
    for number, (name, each) in enumerate(zip(names, ids, strict=True)):
        yield AgentRegistered(each, name, "🤖", hash_key(name if number else key), begin)
    for number in range(messages):
        text = f"This is message {number}, and it is about as long as what agents say to one another."
        yield MessagePosted(ids[number % agents], text, None, begin + number * MESSAGE_INTERVAL)
    for number in range(online):
        yield AgentSeen(ids[number], now - 25 * MINUTE + 24 * MINUTE * number // online)


@define
class Reader:
    """A client that asks for one path after the other. `head` is the position of the last record."""

    server: RoomServer
    session: ClientSession
    head: int
    agents: int
    seconds: float
    numbers: Iterator[int] = field(factory=count)

    async def cost(self, path: str, shape: str) -> Figure:
        """Return the CPU of the server for a request: the least of a few series of requests."""
        await self._ask(path)  # whatever is made once
        # In one of them the server may write a checkpoint, or check its log.
        return Figure(path, "us", shape, min([await self._cost_of_series(path) for _ in range(SERIES)]))

    async def _cost_of_series(self, path: str) -> float:
        asked, cpu, end = 0, self.server.cpu(), time.monotonic() + self.seconds / SERIES
        while time.monotonic() < end or asked < FEWEST_READS:
            await self._ask(path)
            asked += 1
        return (self.server.cpu() - cpu) / asked * 1e6

    async def _ask(self, path: str) -> None:
        number = next(self.numbers)
        # Over the whole log, and each time elsewhere.
        position = 1 + self.agents + number * 7_919_797 % (self.head - self.agents - 1)
        ms = time.time_ns() // 1_000_000 - MINUTE - number
        async with self.session.get(path.format(position=position, n=number % self.agents, ms=ms)) as response:
            assert response.status == 200, f"{path}: {response.status} {await response.text()}"
            await (response.content.readany() if "stream" in path else response.read())

    async def cost_of_post(self) -> Figure:
        """Return the CPU of the server for a post and for the long poll that it answers."""
        asked, cpu, end = 0, self.server.cpu(), time.monotonic() + self.seconds
        while time.monotonic() < end or asked < FEWEST_READS:
            head = (await self._json("GET", "/api/log/head"))["position"]
            poll = asyncio.create_task(self._json("GET", f"/api/messages?after={head}&wait=20"))
            await self._json("POST", "/api/messages", {"content": f"This is message {asked}."})
            assert len((await poll)["messages"]) == 1
            asked += 1
        return Figure("a post, and a long poll", "us", FLAT, (self.server.cpu() - cpu) / asked * 1e6)

    async def _json(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        async with self.session.request(method, path, json=body) as response:
            assert response.status == 200, f"{path}: {response.status} {await response.text()}"
            answer: Mapping[str, Any] = await response.json()
            return answer


async def costs_of_requests(server: RoomServer, key: str, agents: int, seconds: float) -> list[Figure]:
    """Return the costs of a request to each endpoint, and the longest pause meanwhile."""
    head, server.since = agents * (1 + MESSAGES_PER_AGENT), time.monotonic()
    async with ClientSession(f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {key}"}) as session:
        await wait_until_indexed(session)
        reader = Reader(server, session, head, agents, seconds)
        figures = [await reader.cost(path, FLAT) for path in READS]
        figures.append(await reader.cost(ONLINE_READ, LINEAR))
        figures.append(await reader.cost_of_post())
    return [*figures, server.longest_pause("requests")]


def measure_room(agents: int, seconds: float, folder: Path) -> list[Figure]:
    """Make a log, and return the costs of a server of it. Each phase is named on standard error."""
    key, server = SystemSecrets().key(), RoomServer(folder / f"{agents}.db")

    def announce(phase: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {agents:,} agents: {phase}", file=sys.stderr, flush=True)

    announce("making the log")
    asyncio.run(write_log(server.log, events(agents, key, time.time_ns() // 1_000_000)))
    try:
        announce("starting from the log")
        figures = server.start("start from the log")
        announce("stopping")
        figures += server.stop("stop")
        announce("starting from the checkpoint")
        figures += server.start("start from the checkpoint")
        announce("asking")
        figures += asyncio.run(costs_of_requests(server, key, agents, seconds))
    finally:
        server.end()
    return figures


def grows_too_much(smaller: Figure, larger: Figure) -> bool:
    """Whether a cost in a room that is TIMES as large as another one is not of its shape."""
    return larger.value > ALLOWED[smaller.shape] * smaller.value + SLACK[smaller.unit]


def measure_rooms(largest: int, seconds: float, folder: Path) -> tuple[list[dict[str, object]], bool]:
    """Print the table of rooms up to so many agents. Return its rows, and whether each cost grows as it should.

    The largest room is compared with the costliest smaller one, because a short measurement may find no cost at all.
    """
    sizes = [size for size in (largest // TIMES**power for power in (3, 2, 1, 0)) if size >= SMALLEST]
    columns = [measure_room(size, seconds, folder) for size in sizes]
    print(f"{'agents':50}" + "".join(f"{size:>12,}" for size in sizes))
    print(f"{'messages':50}" + "".join(f"{size * MESSAGES_PER_AGENT:>12,}" for size in sizes))
    rows = [row(figures, sizes) for figures in zip(*columns, strict=True)]
    return rows, all(each["good"] for each in rows)


def row(figures: Sequence[Figure], sizes: Sequence[int]) -> dict[str, object]:
    """Print a row of the table, and return it."""
    first, smaller = figures[0], figures[:-1]
    good = not smaller or not grows_too_much(max(smaller, key=attrgetter("value")), figures[-1])
    values = "".join(f"{each.value:>12,.{DIGITS[each.unit]}f}" for each in figures)
    print(f"{first.name:46}{first.unit:>4}{values}  {first.shape}{'' if good else '  IT GROWS TOO MUCH'}")
    by_size = {str(size): round(each.value, 2) for size, each in zip(sizes, figures, strict=True)}
    return {"name": first.name, "unit": first.unit, "shape": first.shape, "good": good} | by_size


def main() -> None:
    """Measure and print the table, then its rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=LARGEST, help="agents of the largest room")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each endpoint")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, good = measure_rooms(options.largest, options.seconds, Path(folder))
    print(json.dumps(rows))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
