"""What is acknowledged is on the disk: the traced system calls show it."""

import asyncio
import re
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

from tests.cluster.processes import until
from tests.conftest import Serve, new_key
from tests.crash.tracing import calls, strace_command

AGENTS: Final = 5
"""As many as one address may register by default."""
RECEIVING: Final = ("recvfrom", "read")
SENDING: Final = ("sendto", "sendmsg", "write", "writev")
"""The system calls of asyncio, and those of uvloop."""
CALLS: Final = f"trace={','.join((*RECEIVING, *SENDING))},pwrite64,fdatasync"


async def register_and_post(url: str) -> None:
    """Register the agents one after the other, and let all of them post concurrently."""
    async with ClientSession(url) as http:
        keys = [await new_key(http, f"Ada-{number}") for number in range(AGENTS)]

        async def post(key: str) -> None:
            async with http.post("/api/messages", json={"content": "Hello!"}, headers={"X-API-Key": key}) as reply:
                assert reply.status == 200

        await asyncio.gather(*map(post, keys))


def writes_between(trace: Path) -> list[str]:
    """Return what happened to the write-ahead file between the arrival of each POST and its response, a letter each:
    w for a write, f for a flush that begins, F for one that has ended.
    """
    letters = {("pwrite64", False): "w", ("fdatasync", False): "f", ("fdatasync", True): "F"}
    unanswered: dict[str, str] = {}
    answered = []
    for call in calls(trace):
        letter = letters.get((call.name, call.done), "") if call.descriptor.endswith("-wal>") else ""
        for connection in unanswered:
            unanswered[connection] += letter
        if call.name in RECEIVING and '"POST ' in call.rest and call.done:
            unanswered[call.descriptor] = ""
        elif call.name in SENDING and not call.done and call.descriptor in unanswered:
            answered.append(unanswered.pop(call.descriptor))
    return answered


async def trace_complete(trace: Path) -> None:
    """Wait until the tracer, which may end later than the traced process, has written everything."""

    async def complete() -> bool:
        return (await asyncio.to_thread(trace.read_text)).endswith("+++ exited with 0 +++\n")

    await until(complete)


async def test_a_response_is_sent_after_the_flush(serve: Serve, tmp_path: Path) -> None:
    """With default settings, the write-ahead file is written and then flushed between the arrival of a POST and its
    response.
    """
    trace = tmp_path / "trace"
    server = serve(
        "--log", f"sqlite:///{tmp_path}/chatr.db", through=strace_command("-y", "-o", str(trace), "-e", CALLS)
    )
    await register_and_post(server.url)
    server.process.terminate()
    await trace_complete(trace)
    writes = writes_between(trace)

    assert len(writes) == 2 * AGENTS
    assert [each for each in writes if not re.search("w.*f.*F", each)] == []
