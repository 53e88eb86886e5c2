"""A room under steady load for a while: python -m benchmarks.soak [--minutes 10] [--plot docs/images/soak.svg].

The room is a process of its own, on SQLite, as durable as it always is. Agents post at a steady pace; watchers come,
stay for half a minute or so, go, and come back with their last id. What should stay the same is memory and open files;
what should grow, by as much with every message, is the log.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from statistics import linear_regression
from typing import cast
from urllib.parse import urlsplit

import matplotlib.pyplot as plt
import psutil
from aiohttp import ClientSession
from attrs import define, field, frozen

AGENTS = 20
STAY = 30.0
"""Seconds for which a watcher stays, on average."""
WIDE = "1000000/1"
"""For the door. Of an agent's posts as many times are remembered as it may post: that rate has to be a real one."""
FLAGS = (
    *("--rate-unverified", "50/1", "--rate-requests", WIDE, "--rate-registrations", WIDE),
    *("--max-streams-per-ip", "100000", "--max-streams", "100000"),
)
TEXT = "This is message {}, and it is about as long as what agents say to one another."
ID = re.compile(rb"\nid: (\S+)\n")
MIB = 1024 * 1024


@frozen
class Sample:
    """How the room's process stands after so many seconds."""

    seconds: float
    messages: int
    streams: int
    memory: int
    files: int
    log: int
    cpu: float


@define
class Load:
    """Everybody who posts and watches."""

    url: str
    until: float
    messages: int = 0
    streams: int = 0
    refused: int = 0
    cut: int = 0
    _random: Random = field(factory=lambda: Random(1))

    async def post(self, http: ClientSession, number: int, pause: float) -> None:
        """One agent, that says something every `pause` seconds."""
        async with http.post(f"{self.url}/api/register", json={"name": f"agent-{number}"}) as reply:
            key = (await reply.json())["agent"]["apiKey"]
        turn = time.monotonic() + self._random.uniform(0, pause)
        while turn < self.until:
            await asyncio.sleep(turn - time.monotonic())
            body, headers = {"content": TEXT.format(self.messages)}, {"X-API-Key": key}
            async with http.post(f"{self.url}/api/messages", json=body, headers=headers) as reply:
                self.messages += reply.status == 200
                self.refused += reply.status != 200
            turn += pause

    async def watch(self) -> None:
        """One place on the stream, taken again and again."""
        last_id = b""
        await asyncio.sleep(min(self._random.uniform(0, STAY), self.until - time.monotonic()))
        while time.monotonic() < self.until:
            connect, port = asyncio.get_running_loop().create_connection, urlsplit(self.url).port
            transport, listener = await connect(partial(Listener, last_id), "127.0.0.1", port or 0)
            self.streams += 1
            stay = min(self._random.expovariate(1 / STAY), self.until - time.monotonic())
            done, _ = await asyncio.wait([listener.lost], timeout=max(0, stay))
            self.streams -= 1
            self.cut += len(done)
            last_id = listener.last_id()
            transport.abort()


class Listener(asyncio.Protocol):
    """Hears, and remembers no more than the last id."""

    def __init__(self, last_id: bytes) -> None:
        self.lost = asyncio.get_running_loop().create_future()
        self._shown = last_id
        self._newest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        shown = b"Last-Event-ID: %b\r\n" % self._shown if self._shown else b""
        cast(asyncio.Transport, transport).write(b"GET /api/stream HTTP/1.1\r\nHost: room\r\n" + shown + b"\r\n")

    def data_received(self, data: bytes) -> None:
        if b"\nid: " in data:
            self._newest = data

    def connection_lost(self, _: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def last_id(self) -> bytes:
        newest: list[bytes] = ID.findall(self._newest) or [self._shown]
        return newest[-1]


@asynccontextmanager
async def room(folder: Path) -> AsyncIterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", f"sqlite:///{folder}/chatr.db", *FLAGS]
    with (folder / "diary").open("wb") as diary:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=diary)
    try:
        assert process.stdout is not None
        (url,) = re.findall(r"http://\S+", (await process.stdout.readline()).decode())
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def sampled(process: psutil.Process, folder: Path, load: Load, began: float) -> Sample:
    with process.oneshot():
        cpu = process.cpu_times()
        memory, files = process.memory_info().rss, process.num_fds()
    size = sum(each.stat().st_size for each in folder.glob("chatr.db*") if not each.name.endswith("-shm"))
    seconds = time.monotonic() - began
    return Sample(seconds, load.messages, load.streams, memory, files, size, cpu.user + cpu.system)


async def soak(minutes: float, posts: float, streams: int) -> tuple[list[Sample], Load]:
    with tempfile.TemporaryDirectory() as name:
        async with room(Path(name)) as (url, process), ClientSession() as http, asyncio.TaskGroup() as crowd:
            began = time.monotonic()
            load = Load(url, began + 60 * minutes)
            for number in range(AGENTS):
                crowd.create_task(load.post(http, number, AGENTS / posts))
            for _ in range(streams):
                crowd.create_task(load.watch())
            samples, pause = [], min(2, 2 * minutes)
            while time.monotonic() + pause < load.until:
                await asyncio.sleep(pause)
                samples.append(sampled(process, Path(name), load, began))
                tell(samples, minutes)
    return samples, load


def tell(samples: list[Sample], minutes: float) -> None:
    """A line of the table whenever a tenth of the time has passed."""
    *before, last = samples
    tenth = 6 * minutes
    if len(samples) > 1 and last.seconds // tenth > before[-1].seconds // tenth:
        line = f"{last.seconds / 60:8.1f}{last.messages:10,}{last.streams:9}{last.memory / MIB:12.1f}{last.files:8}"
        print(f"{line}{last.log / MIB:10.1f}{last.cpu / last.seconds:8.0%}", flush=True)


def judged(samples: list[Sample], load: Load) -> dict[str, float | str]:
    """Slopes are those of straight lines through what came after the first fifth of the time."""
    end = samples[-1]
    warm = [each for each in samples if each.seconds > end.seconds / 5]
    memory = linear_regression([each.seconds / 60 for each in warm], [each.memory / 1024 for each in warm])
    spare = [each.files - each.streams for each in warm]
    log = linear_regression([each.messages for each in warm], [each.log for each in warm])
    return {
        "minutes": round(end.seconds / 60, 1),
        "messages": end.messages,
        "posts_per_s": round(end.messages / end.seconds),
        "refused": load.refused,
        "streams_cut": load.cut,
        "memory_mib": round(end.memory / MIB, 1),
        "memory_kib_per_minute": round(memory.slope, 1),
        "memory_bytes_per_message": round(1024 * memory.slope * (end.seconds / 60) / end.messages, 1),
        "files_beside_streams": f"{min(spare)}-{max(spare)}",
        "log_bytes_per_message": round(log.slope),
        "cpu": round(end.cpu / end.seconds, 2),
    }


def plot(samples: list[Sample], path: Path) -> None:
    plt.rcParams |= {"svg.hashsalt": "chatr", "font.size": 9}
    figure, (memory, files, log) = plt.subplots(3, sharex=True, figsize=(7, 5), layout="constrained")
    minutes = [each.seconds / 60 for each in samples]
    memory.plot(minutes, [each.memory / MIB for each in samples])
    files.plot(minutes, [each.files for each in samples], label="open files")
    files.plot(minutes, [each.streams for each in samples], label="streams")
    log.plot(minutes, [each.log / MIB for each in samples])
    files.legend(loc="lower right")
    for axes, label in ((memory, "memory, MiB"), (files, "count"), (log, "log, MiB")):
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    log.set_xlabel("minutes")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--posts", type=float, default=100.0, help="a second, of all agents")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what was measured into this file")
    options = parser.parse_args()
    print(f"{'minute':>8}{'messages':>10}{'streams':>9}{'memory MiB':>12}{'files':>8}{'log MiB':>10}{'cpu':>8}")
    samples, load = asyncio.run(soak(options.minutes, options.posts, options.streams))
    if options.plot:
        plot(samples, options.plot)
    print(json.dumps(judged(samples, load)))


if __name__ == "__main__":
    main()
