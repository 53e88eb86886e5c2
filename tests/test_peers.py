"""Watchers that stall, beside all the others; and a thousand that come back in one moment."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from statistics import quantiles
from typing import Final

import pytest
from aiohttp import ClientSession
from attrs import define, field

from chatr.adapters.memory import MemoryLog
from chatr.domain.limits import MESSAGES_KEPT
from chatr.ports import Stored
from tests.able import unable
from tests.conftest import OpenRoom, Serve, Server, new_key
from tests.crowd import numbered, speaker
from tests.watching import Watch, connected, request, watching

WIDE: Final = "100000/1"
FLAGS: Final = (
    *("--rate-unverified", WIDE, "--rate-requests", WIDE, "--max-streams-per-ip", "5000"),
    *("--max-streams", "5000"),
)
STALLED: Final = 50
MESSAGES: Final = 10_000
WARM: Final = 2 * MESSAGES_KEPT
"""Messages after which a room holds as many whole ones in memory as it ever will."""
WATCHERS: Final = 1_000
VOICES: Final = 8
TEXT: Final = "This is about as long as what agents say to one another, and so it fills the stream as they would: {}."
MOST: Final = {"asyncio": 64, "uvloop": 128}
"""MiB. On uvloop a write that waits weighs as much again as what it writes, where that is short."""


@asynccontextmanager
async def stalled(url: str, count: int) -> AsyncIterator[None]:
    """Watchers that take nothing, not even the answer."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            _, writer = await stack.enter_async_context(connected(url, receive=4096))
            writer.write(request())
        yield


@define
class Voices:
    """They post at once, as fast as they are answered, and remember when they asked."""

    http: ClientSession
    asked: dict[str, float] = field(factory=dict)

    async def speak(self, key: str, numbers: Sequence[int]) -> None:
        for number in numbers:
            content = TEXT.format(number)
            self.asked[content] = asyncio.get_running_loop().time()
            async with self.http.post("/api/messages", json={"content": content}, headers={"X-API-Key": key}) as reply:
                assert reply.status == 200

    async def all(self, key: str, numbers: range) -> None:
        await asyncio.gather(*(self.speak(key, numbers[voice::VOICES]) for voice in range(VOICES)))


def memory(server: Server, name: str) -> int:
    """Bytes that the process holds, or that it held at most since the count was begun anew."""
    status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def count_anew(server: Server) -> None:
    try:
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5", "ascii")
    except OSError as error:
        unable(f"the most memory that a process held cannot be told here: {error}")


def dropped(server: Server, count: int) -> None:
    """Wait until the room has said of so many watchers that it dropped them."""
    assert server.process.stderr is not None
    while count:
        count -= json.loads(server.process.stderr.readline())["event"] == "watcher_dropped"


async def delays(watch: Watch, voices: Voices, count: int) -> list[float]:
    """Seconds from asking to hearing."""
    loop = asyncio.get_running_loop()
    return [loop.time() - voices.asked[(await watch.next("message")).data["content"]] for _ in range(count)]


async def cut_off(server: Server, count: int) -> None:
    async with asyncio.timeout(60):
        await asyncio.to_thread(dropped, server, count)


def on(loop: str, folder: Path) -> Sequence[str]:
    """What to start a server through, so that it runs on this loop."""
    if loop == "asyncio":
        (folder / "uvloop.py").write_text("raise ImportError")
    return ("env", f"PYTHONPATH={folder}{os.pathsep}{Path.cwd()}")


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("loop", MOST)
async def test_stalled_watchers_cost_nobody_anything(loop: str, serve: Serve, tmp_path: Path) -> None:
    """Beside fifty watchers that take nothing, ten thousand messages reach a live one within a second, 99 of 100 of
    them; the room needs less than 64 MiB more (128 on uvloop), and has cut the fifty off a minute later.
    """
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS, through=on(loop, tmp_path))
    async with ClientSession(server.url) as http, watching(server.url) as watch:
        key, voices = await new_key(http), Voices(http)
        listening = asyncio.create_task(delays(watch, voices, WARM + MESSAGES))
        await voices.all(key, range(WARM))
        count_anew(server)
        before = memory(server, "VmRSS")
        async with stalled(server.url, STALLED):
            cutting = asyncio.create_task(cut_off(server, STALLED))
            await voices.all(key, range(WARM, WARM + MESSAGES))
            heard = await listening
            await cutting
        more = memory(server, "VmHWM") - before

    assert more < MOST[loop] * 1024 * 1024
    assert quantiles(heard[WARM:], n=100)[-1] < 1


async def came_back(url: str, last_id: str, missed: int) -> None:
    """Hear what was missed, and then how the room stands."""
    async with watching(url, last_id=last_id) as watch:
        await watch.messages(missed)
        await watch.next("stats")


@pytest.mark.long
async def test_a_thousand_watchers_come_back_at_once(serve: Serve, tmp_path: Path) -> None:
    """Ten seconds after the room is back everybody has heard what was missed, on a machine that is busy, too."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS)
    server = serve(*flags)
    async with ClientSession(server.url) as http, watching(server.url) as watch:
        key = await new_key(http)
        await Voices(http).all(key, range(100))
        await watch.messages(10)
    server.kill()
    server = serve(*flags)
    async with asyncio.timeout(10), asyncio.TaskGroup() as coming:
        for _ in range(WATCHERS):
            coming.create_task(came_back(server.url, watch.last_id, 90))


class CountingLog(MemoryLog):
    """A log in memory that counts how often somebody reads it."""

    reads: int = 0

    async def read(self, after: int, limit: int) -> list[Stored]:
        self.reads += 1
        return await super().read(after, limit)

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        self.reads += 1
        return await super().pick(positions)


async def test_who_comes_back_does_not_read_the_log(open_room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """What watchers missed is told from memory, after a restart, too."""
    log = CountingLog()
    monkeypatch.setattr("chatr.app.open_log", lambda _url: nullcontext(log))
    before = await open_room()
    ada = await speaker(before.running.node)
    first, *_ = await ada.say(*numbered(100))
    after = await open_room()
    log.reads = 0
    await asyncio.gather(*(came_back(after.running.url, ada.id_of(first), 99) for _ in range(50)))

    assert log.reads == 0
