"""Watches a server under steady load: python -m benchmarks.soak [--minutes 10] [--plot docs/images/soak.svg].

The server is a process of its own on SQLite, with its usual durability. Agents post at a steady rate. Watchers connect,
stay for about half a minute, leave, and come back with their last id. Memory and open files should stay the same, and
the log should grow by as much with every message.
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
UNLIMITED = "1000000/1"
FLAGS = (
    *("--rate-unverified", "50/1", "--rate-requests", UNLIMITED, "--rate-registrations", UNLIMITED),
    *("--max-streams-per-ip", "100000", "--max-streams", "100000"),
)
"""The limits per address are lifted. The message rate is realistic: an agent's state has as many times as it allows."""
TEXT = "This is message {}, and it is about as long as what agents say to one another."
FRAME_ID = re.compile(rb"\nid: (\S+)\n")
MIB = 1024 * 1024


@frozen
class Sample:
    """The state of the server after so many seconds: memory and log in bytes, CPU in seconds."""

    seconds: float
    messages: int
    streams: int
    memory: int
    files: int
    log: int
    cpu: float


@define
class Load:
    """The agents that post and the watchers, until `end` (time.monotonic()), and what they count."""

    url: str
    end: float
    messages: int = 0
    streams: int = 0
    rejected: int = 0
    cut: int = 0
    _random: Random = field(factory=lambda: Random(1))

    async def post(self, session: ClientSession, number: int, interval: float) -> None:
        """Register one agent and post a message every `interval` seconds."""
        async with session.post(f"{self.url}/api/register", json={"name": f"agent-{number}"}) as response:
            key = (await response.json())["agent"]["apiKey"]
        # A random phase spreads the agents' posts over the interval.
        due = time.monotonic() + self._random.uniform(0, interval)
        while due < self.end:
            await asyncio.sleep(due - time.monotonic())
            body, headers = {"content": TEXT.format(self.messages)}, {"X-API-Key": key}
            async with session.post(f"{self.url}/api/messages", json=body, headers=headers) as response:
                self.messages += response.status == 200
                self.rejected += response.status != 200
            due += interval

    async def watch(self) -> None:
        """Open a stream, leave it after a random time, and come back with its last id, until the end."""
        last_id = b""
        await asyncio.sleep(min(self._random.uniform(0, STAY), self.end - time.monotonic()))
        while time.monotonic() < self.end:
            connect, port = asyncio.get_running_loop().create_connection, urlsplit(self.url).port
            transport, watcher = await connect(partial(Watcher, last_id), "127.0.0.1", port or 0)
            self.streams += 1
            stay = min(self._random.expovariate(1 / STAY), self.end - time.monotonic())
            done, _ = await asyncio.wait([watcher.lost], timeout=max(0, stay))
            self.streams -= 1
            self.cut += len(done)
            last_id = watcher.last_id()
            transport.abort()


class Watcher(asyncio.Protocol):
    """A stream that stores only its last id. `lost` is done when the server has ended it."""

    def __init__(self, last_id: bytes) -> None:
        self.lost = asyncio.get_running_loop().create_future()
        self._resumed_from = last_id
        self._newest_data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request, with the last id if there is one."""
        header = b"Last-Event-ID: %b\r\n" % self._resumed_from if self._resumed_from else b""
        cast(asyncio.Transport, transport).write(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n")

    def data_received(self, data: bytes) -> None:
        """Store the data if an id is in it."""
        if b"\nid: " in data:
            self._newest_data = data

    def connection_lost(self, _: Exception | None) -> None:
        """Complete `lost`."""
        if not self.lost.done():
            self.lost.set_result(None)

    def last_id(self) -> bytes:
        """Return the id of the last frame, or the one that the stream was resumed from."""
        ids: list[bytes] = FRAME_ID.findall(self._newest_data) or [self._resumed_from]
        return ids[-1]


@asynccontextmanager
async def running_server(folder: Path) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Start a server with its log and its standard error in `folder`, and yield its URL and process."""
    command = [sys.executable, "-m", "chatr", "serve", "--port", "0", "--log", f"sqlite:///{folder}/chatr.db", *FLAGS]
    with (folder / "stderr").open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=stderr)
    try:
        assert process.stdout is not None
        (url,) = re.findall(r"http://\S+", (await process.stdout.readline()).decode())
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def take_sample(process: psutil.Process, folder: Path, load: Load, began: float) -> Sample:
    """Read memory, open files, CPU and the size of the log."""
    with process.oneshot():
        cpu = process.cpu_times()
        memory, files = process.memory_info().rss, process.num_fds()
    # SQLite's -shm file is shared memory, not a part of the log.
    size = sum(file.stat().st_size for file in folder.glob("chatr.db*") if not file.name.endswith("-shm"))
    seconds = time.monotonic() - began
    return Sample(seconds, load.messages, load.streams, memory, files, size, cpu.user + cpu.system)


async def soak(minutes: float, posts: float, streams: int) -> tuple[list[Sample], Load]:
    """Run the load for so many minutes and return a sample for every two seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with running_server(folder) as (url, process), ClientSession() as session, asyncio.TaskGroup() as tasks:
            began = time.monotonic()
            load = Load(url, began + 60 * minutes)
            for number in range(AGENTS):
                tasks.create_task(load.post(session, number, AGENTS / posts))
            for _ in range(streams):
                tasks.create_task(load.watch())
            samples, pause = [], min(2, 2 * minutes)
            while time.monotonic() + pause < load.end:
                await asyncio.sleep(pause)
                samples.append(take_sample(process, folder, load, began))
                print_row(samples, minutes)
    return samples, load


def print_row(samples: list[Sample], minutes: float) -> None:
    """Print a row of the table whenever another tenth of the time has passed."""
    *before, last = samples
    tenth = 6 * minutes
    if len(samples) > 1 and last.seconds // tenth > before[-1].seconds // tenth:
        line = f"{last.seconds / 60:8.1f}{last.messages:10,}{last.streams:9}{last.memory / MIB:12.1f}{last.files:8}"
        print(f"{line}{last.log / MIB:10.1f}{last.cpu / last.seconds:8.0%}", flush=True)


def summary(samples: list[Sample], load: Load) -> dict[str, float | str]:
    """Return the figures of the whole run. Slopes are those of straight lines through the samples.

    The first fifth of the time, in which caches fill, is left out of the slopes.
    """
    end = samples[-1]
    warm = [sample for sample in samples if sample.seconds > end.seconds / 5]
    memory = linear_regression([sample.seconds / 60 for sample in warm], [sample.memory / 1024 for sample in warm])
    other_files = [sample.files - sample.streams for sample in warm]
    log = linear_regression([sample.messages for sample in warm], [sample.log for sample in warm])
    return {
        "minutes": round(end.seconds / 60, 1),
        "messages": end.messages,
        "posts_per_s": round(end.messages / end.seconds),
        "refused": load.rejected,
        "streams_cut": load.cut,
        "memory_mib": round(end.memory / MIB, 1),
        "memory_kib_per_minute": round(memory.slope, 1),
        "memory_bytes_per_message": round(1024 * memory.slope * (end.seconds / 60) / end.messages, 1),
        "files_beside_streams": f"{min(other_files)}-{max(other_files)}",
        "log_bytes_per_message": round(log.slope),
        "cpu": round(end.cpu / end.seconds, 2),
    }


def plot(samples: list[Sample], path: Path) -> None:
    """Draw memory, open files and the size of the log over time."""
    # The salt and a file without a date make the same samples the same file.
    plt.rcParams |= {"svg.hashsalt": "chatr", "font.size": 9}
    figure, (memory, files, log) = plt.subplots(3, sharex=True, figsize=(7, 5), layout="constrained")
    minutes = [sample.seconds / 60 for sample in samples]
    memory.plot(minutes, [sample.memory / MIB for sample in samples])
    files.plot(minutes, [sample.files for sample in samples], label="open files")
    files.plot(minutes, [sample.streams for sample in samples], label="streams")
    log.plot(minutes, [sample.log / MIB for sample in samples])
    files.legend(loc="lower right")
    for axes, label in ((memory, "memory, MiB"), (files, "count"), (log, "log, MiB")):
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    log.set_xlabel("minutes")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Run the load and print a table, then a summary as JSON."""
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
    print(json.dumps(summary(samples, load)))


if __name__ == "__main__":
    main()
