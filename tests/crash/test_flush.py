"""What is acknowledged is on the disk: shown by what the system is asked to do."""

import asyncio
import re
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

from tests.cluster.processes import until
from tests.conftest import Serve, new_key
from tests.crash.tracing import calls, through_strace

AGENTS: Final = 5
"""As many as one address may register by default."""
HEARS: Final = ("recvfrom", "read")
SAYS: Final = ("sendto", "sendmsg", "write", "writev")
"""What asyncio asks of the system, and what uvloop does."""
CALLS: Final = f"trace={','.join((*HEARS, *SAYS))},pwrite64,fdatasync"


async def said_by_all(url: str) -> None:
    """One after the other they register, and all at once they speak."""
    async with ClientSession(url) as http:
        keys = [await new_key(http, f"Ada-{number}") for number in range(AGENTS)]

        async def say(key: str) -> None:
            async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
                assert reply.status == 200

        await asyncio.gather(*map(say, keys))


def stories(trace: Path) -> list[str]:
    """What the system did from the arrival of each POST to its answer: w writes ahead, f begins to flush, F has."""
    letters = {("pwrite64", False): "w", ("fdatasync", False): "f", ("fdatasync", True): "F"}
    under_way: dict[str, str] = {}
    told = []
    for call in calls(trace):
        letter = letters.get((call.name, call.done), "") if call.descriptor.endswith("-wal>") else ""
        for connection in under_way:
            under_way[connection] += letter
        if call.name in HEARS and '"POST ' in call.rest and call.done:
            under_way[call.descriptor] = ""
        elif call.name in SAYS and not call.done and call.descriptor in under_way:
            told.append(under_way.pop(call.descriptor))
    return told


async def ended(trace: Path) -> None:
    """The tracer may come a little later than what it traces."""

    async def complete() -> bool:
        return (await asyncio.to_thread(trace.read_text)).endswith("+++ exited with 0 +++\n")

    await until(complete)


async def test_an_answer_leaves_when_what_it_says_is_flushed(serve: Serve, tmp_path: Path) -> None:
    """With the settings that nobody changed, between the arrival of a request that is acknowledged and its answer
    something is written ahead, and then flushed.
    """
    trace = tmp_path / "trace"
    server = serve(
        "--log", f"sqlite:///{tmp_path}/chatr.db", through=through_strace("-y", "-o", str(trace), "-e", CALLS)
    )
    await said_by_all(server.url)
    server.process.terminate()
    await ended(trace)
    told = stories(trace)

    assert len(told) == 2 * AGENTS
    assert [story for story in told if not re.search("w.*f.*F", story)] == []
