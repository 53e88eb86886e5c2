"""Watchers that stall beside all the others, and a thousand watchers that reconnect at the same time."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Final

import pytest
from aiohttp import ClientSession
from attrs import define, field

from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.testing.faulty_log import FaultyLog
from tests.conftest import OpenRoom, Serve, Server, new_key
from tests.node_agents import numbered_texts, register_agent
from tests.requirements import skip_or_fail
from tests.stream_client import Watch, connected, request, watching

NO_LIMIT: Final = "100000/1"
FLAGS: Final = (
    *("--rate-unverified", NO_LIMIT, "--rate-requests", NO_LIMIT, "--max-streams-per-ip", "5000"),
    *("--max-streams", "5000"),
)
STALLED: Final = 50
MESSAGES: Final = 5_000
WARM_UP_MESSAGES: Final = 2 * MESSAGES_IN_MEMORY
"""Messages after which a room holds as many messages in memory as it ever will."""
WATCHERS: Final = 1_000
POSTERS: Final = 8
TEXT: Final = "This is about as long as what agents say to one another, and so it fills the stream as they would: {}."
MAX_MEMORY: Final = {"asyncio": 64, "uvloop": 128}
"""MiB that stalled watchers may cost. On uvloop a short write that waits takes its bytes in memory once more."""


@asynccontextmanager
async def stalled_watchers(url: str, count: int) -> AsyncIterator[None]:
    """Open streams whose clients read nothing, not even the response head."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            _, writer = await stack.enter_async_context(connected(url, receive=4096))
            writer.write(request())
        yield


@define
class Posters:
    """Post messages concurrently, as fast as they are answered, and remember when each one was sent."""

    http: ClientSession
    sent_at: dict[str, float] = field(factory=dict)

    async def post(self, key: str, numbers: Sequence[int]) -> None:
        """Post one message after the other."""
        for number in numbers:
            content = TEXT.format(number)
            self.sent_at[content] = asyncio.get_running_loop().time()
            async with self.http.post("/api/messages", json={"content": content}, headers={"X-API-Key": key}) as reply:
                assert reply.status == 200

    async def post_all(self, key: str, numbers: range) -> None:
        """Post a message for each number."""
        await asyncio.gather(*(self.post(key, numbers[poster::POSTERS]) for poster in range(POSTERS)))


def memory(server: Server, field_name: str) -> int:
    """A number of bytes from the process status: VmRSS is the memory in use, VmHWM its peak."""
    status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
    found = re.search(rf"^{field_name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def reset_peak_memory(server: Server) -> None:
    """Let VmHWM start again from the memory in use. Skips the test where the kernel does not allow it."""
    try:
        # 5 resets the peak resident set size: proc(5), /proc/pid/clear_refs.
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5", "ascii")
    except OSError as error:
        skip_or_fail(f"the most memory that a process held cannot be told here: {error}")


def is_socket(descriptor: Path) -> bool:
    """Whether an entry of /proc/PID/fd is a socket; one that was closed meanwhile is none."""
    try:
        return str(descriptor.readlink()).startswith("socket:")
    except FileNotFoundError:
        return False


def open_sockets(server: Server) -> int:
    """How many sockets the process has open."""
    return sum(map(is_socket, Path(f"/proc/{server.process.pid}/fd").iterdir()))


async def delays(watch: Watch, posters: Posters, count: int) -> list[float]:
    """Seconds from sending each of `count` messages to receiving it on the stream."""
    loop = asyncio.get_running_loop()
    return [loop.time() - posters.sent_at[(await watch.next("message")).data["content"]] for _ in range(count)]


async def wait_for_drops(server: Server, http: ClientSession, sockets: int) -> None:
    """Wait until the server has no more than so many sockets open, for at most a minute."""
    async with asyncio.timeout(60):
        while open_sockets(server) > sockets:
            async with http.get("/health"):
                pass


def command_for(loop: str, folder: Path) -> Sequence[str]:
    """The command through which a server is started so that it runs on this event loop."""
    if loop == "asyncio":
        # A module of this name that cannot be imported hides the real uvloop.
        (folder / "uvloop.py").write_text("raise ImportError")
    return ("env", f"PYTHONPATH={folder}{os.pathsep}{Path.cwd()}")


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("loop", MAX_MEMORY)
async def test_stalled_watchers_do_not_slow_down_the_others(loop: str, serve: Serve, tmp_path: Path) -> None:
    """Beside fifty stalled watchers, 99 % of five thousand messages reach another watcher within a second; the room
    needs less than 64 MiB more (128 on uvloop) and has dropped the fifty a minute later.
    """
    server = serve("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS, through=command_for(loop, tmp_path))
    async with ClientSession(server.url) as http, watching(server.url) as watch:
        key, posters = await new_key(http), Posters(http)
        receiving = asyncio.create_task(delays(watch, posters, WARM_UP_MESSAGES + MESSAGES))
        await posters.post_all(key, range(WARM_UP_MESSAGES))
        reset_peak_memory(server)
        before = memory(server, "VmRSS")
        sockets = open_sockets(server)
        async with stalled_watchers(server.url, STALLED):
            await posters.post_all(key, range(WARM_UP_MESSAGES, WARM_UP_MESSAGES + MESSAGES))
            received_after = await receiving
            await wait_for_drops(server, http, sockets)
        more = memory(server, "VmHWM") - before

    assert more < MAX_MEMORY[loop] * 1024 * 1024
    assert quantiles(received_after[WARM_UP_MESSAGES:], n=100)[-1] < 1


async def reconnect(url: str, last_id: str, missed: int) -> None:
    """Open a stream from `last_id`, and read the missed messages and the stats frame after them."""
    async with watching(url, last_id=last_id) as watch:
        await watch.messages(missed)
        await watch.next("stats")


@pytest.mark.long
async def test_a_thousand_watchers_reconnect_at_the_same_time(serve: Serve, tmp_path: Path) -> None:
    """Ten seconds after a restart a thousand watchers have received what they missed, also on a busy machine."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", *FLAGS)
    server = serve(*flags)
    async with ClientSession(server.url) as http, watching(server.url) as watch:
        key = await new_key(http)
        await Posters(http).post_all(key, range(100))
        await watch.messages(10)
    server.kill()
    server = serve(*flags)
    async with asyncio.timeout(10), asyncio.TaskGroup() as watchers:
        for _ in range(WATCHERS):
            watchers.create_task(reconnect(server.url, watch.last_id, 90))


async def test_reconnecting_watchers_do_not_read_the_log(open_room: OpenRoom) -> None:
    """Missed messages are sent from memory, also after a restart."""
    log = FaultyLog(MemoryLog())
    before = await open_room(event_log=log)
    ada = await register_agent(before.running.node)
    first, *_ = await ada.post(*numbered_texts(100))
    after = await open_room(event_log=log)
    log.calls.clear()
    await asyncio.gather(*(reconnect(after.running.url, ada.cursor_at(first), 99) for _ in range(50)))

    assert (log.calls["read"], log.calls["pick"]) == (0, 0)
