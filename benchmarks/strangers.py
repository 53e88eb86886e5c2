"""Measures how long one client makes all others wait: python -m benchmarks.strangers [--short].

One client asks for one path as often as the default quota allows. Meanwhile another one asks for /health every few
milliseconds, and agents send five heartbeats and disconnects a second. Each row is a path, `{ms}` in it is a new
millisecond each time and `{n}` a new number. Printed are milliseconds: the median and the longest time that /health
took, and the same of the path; the share of time for which /health had to wait, and the share of a core that the server
used. The first row is without that client. `--short` measures a small log, and the same log several times as large.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from statistics import median

from aiohttp import ClientSession
from attrs import define, field, frozen

from benchmarks.servers import Server, started, wait_until_indexed
from benchmarks.startup import write_log
from chatr.adapters.system import SystemSecrets
from chatr.domain.commands import agent_id
from chatr.domain.events import AgentRegistered, AgentSeen, Event, LimitsAdopted, MessagePosted
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR, MINUTE, Limits

PATHS = (
    "",
    "/api/at?time={ms}",
    "/api/at?position={position}",
    "/api/agents",
    "/api/agents?after=bot-{n}",
    "/api/agents?limit={n}",
    "/api/messages?limit=100",
    "/api/messages?limit=100&before={position}",
    "/api/messages?limit=100&after={position}",
    "/api/activity?buckets={n}",
    "/api/log/head",
    "/api/stream?presence=1",
    "/ready",
    "/",
    "/skills.md",
    "/llms.txt",
    "/openapi.json",
)
WRITERS = 50
"""Agents that write in turn, each from an address of its own."""
WRITES_EVERY = 0.2
PING_EVERY = 0.005
UNDISTURBED = 0.003
"""Seconds that /health may take without counting as a wait."""
DAY = 24 * HOUR


@frozen
class Size:
    """How large a log is. `online` agents were seen in the last 25 minutes."""

    agents: int
    messages: int
    online: int


LARGE = Size(100_000, 1_000_000, 100_000)
SHORT = (Size(250, 2_000, 250), Size(2_500, 20_000, 2_500))


def events(size: Size, keys: Mapping[str, str], now: int) -> Iterator[Event]:
    """Yield a month of a room: registrations, messages of the agents in turn, and who is online now."""
    names = [*keys, *(f"bot-{number}" for number in range(size.agents - len(keys)))]
    begin = now - 30 * DAY
    yield LimitsAdopted(Limits(), begin)
    for name in names:
        yield AgentRegistered(agent_id(name), name, "🤖", hash_key(keys.get(name, name)), begin)
    for number in range(size.messages):
        text = f"This is message {number}, and it is about as long as what agents say to one another."
        yield MessagePosted(
            agent_id(names[number % len(names)]), text, None, begin + 29 * DAY * number // size.messages
        )
    for number in range(size.online):
        yield AgentSeen(agent_id(names[number]), now - 25 * MINUTE + 24 * MINUTE * number // size.online)


@define
class Probe:
    """Asks one server for some seconds. `pings` and `answers` are the seconds that each response took."""

    server: Server
    session: ClientSession
    seconds: float
    asked_per_second: float
    last_position: int
    pings: list[float] = field(factory=list)
    answers: list[float] = field(factory=list)
    numbers: Iterator[int] = field(factory=lambda: count(1))

    async def measure(self, path: str) -> dict[str, object]:
        """Return the row of a path; of "", that without the client."""
        end, cpu, began = time.monotonic() + self.seconds, self.server.cpu(), time.perf_counter()
        await asyncio.gather(self._ping(end), self._write(end), self._ask(path, end))
        passed = time.perf_counter() - began
        return {
            "path": path or "nothing",
            **milliseconds("health", self.pings),
            **milliseconds("path", self.answers),
            "stalled": round(sum(max(0, ping - UNDISTURBED) for ping in self.pings) / passed, 3),
            "cpu": round((self.server.cpu() - cpu) / passed, 3),
        }

    async def _ping(self, end: float) -> None:
        while time.monotonic() < end:
            self.pings.append(await self._get("/health"))
            await asyncio.sleep(PING_EVERY)

    async def _write(self, end: float) -> None:
        for number in count():
            if time.monotonic() >= end:
                return
            path = "/api/disconnect" if number % 2 else "/api/heartbeat"
            headers = {"Authorization": self.server.headers[number // 2 % WRITERS]}
            async with self.session.post(path, headers=headers | address(number // 2 % WRITERS + 1)):
                await asyncio.sleep(WRITES_EVERY)

    async def _ask(self, path: str, end: float) -> None:
        while path and time.monotonic() < end:
            number = next(self.numbers)
            # Spread over the newest tenth of the log, where most agents are online.
            position = self.last_position - number * 7919 % (self.last_position // 10)
            now = time.time_ns() // 1_000_000
            query = path.format(ms=now - 10 * MINUTE - number, n=number % 200 + 1, position=position)
            took = await self._get(query)
            self.answers.append(took)
            await asyncio.sleep(max(0.0, 1 / self.asked_per_second - took))

    async def _get(self, path: str) -> float:
        """Return the seconds until the body has arrived; of the stream, which has no end, its first bytes."""
        began = time.perf_counter()
        async with self.session.get(path, headers=address(0)) as response:
            assert response.status == 200, f"{path}: {response.status} {await response.text()}"
            await (response.content.readany() if "stream" in path else response.read())
            return time.perf_counter() - began


def address(number: int) -> dict[str, str]:
    """Return the header by which the server takes a request for one of another client."""
    return {"X-Forwarded-For": f"192.0.2.{number}"}


def milliseconds(name: str, seconds: list[float]) -> dict[str, float]:
    """Return the median and the longest of these times."""
    return {f"{name}_p50": round(1e3 * median(seconds or [0]), 1), f"{name}_max": round(1e3 * max(seconds or [0]), 1)}


async def measure(server: Server, size: Size, seconds: float, asked_per_second: float) -> list[dict[str, object]]:
    """Print and return the row of each path."""
    rows = []
    async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
        await wait_until_indexed(session)
        for path in PATHS:
            last = size.agents + size.messages + size.online
            rows.append(await Probe(server, session, seconds, asked_per_second, last).measure(path))
            print("".join(f"{value!s:>12}" for value in list(rows[-1].values())[1:]), " ", rows[-1]["path"], flush=True)
    return rows


def measure_log(size: Size, seconds: float, asked_per_second: float) -> dict[str, object]:
    """Create a log, serve it, and print and return a table."""
    with tempfile.TemporaryDirectory() as folder:
        file, secrets = Path(folder) / "chatr.db", SystemSecrets()
        keys = {f"writer-{number}": secrets.key() for number in range(WRITERS)}
        asyncio.run(write_log(file, events(size, keys, time.time_ns() // 1_000_000)))
        flags = ["--log", f"sqlite:///{file}", "--trusted-proxies", "127.0.0.0/8"]
        flags += ["--rate-requests", f"{round(120 * max(1, asked_per_second / 2))}/60"]
        with started(lambda port, _: [sys.executable, "-m", "chatr", "serve", "--port", str(port), *flags]) as (
            port,
            it,
        ):
            print(f"{size.agents:,} agents, {size.online:,} online, {size.messages:,} messages")
            print("".join(f"{name:>12}" for name in ("health p50", "max", "path p50", "max", "stalled", "cpu")))
            server = Server(port, it, "", tuple(f"Bearer {key}" for key in keys.values()))
            rows = asyncio.run(measure(server, size, seconds, asked_per_second))
    return {"agents": size.agents, "messages": size.messages, "online": size.online, "rows": rows}


def main() -> None:
    """Print the table of one large log, or of two small ones; then the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="two small logs, and more requests than the quota allows")
    parser.add_argument("--agents", type=int, default=LARGE.agents)
    parser.add_argument("--messages", type=int, default=LARGE.messages)
    parser.add_argument("--online", type=int, default=LARGE.online)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each path")
    options = parser.parse_args()
    if options.short:
        print(json.dumps([measure_log(size, 0.3, 20) for size in SHORT]))
    else:
        print(json.dumps(measure_log(Size(options.agents, options.messages, options.online), options.seconds, 2)))


if __name__ == "__main__":
    main()
