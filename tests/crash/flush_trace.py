"""Runs a loaded room under strace, and reads what it wrote, flushed and acknowledged, in order, from the trace."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Final

from aiohttp import ClientSession
from attrs import frozen

from tests.cluster.processes import until
from tests.conftest import new_key
from tests.crash.kills import FLAGS
from tests.crash.tracing import strace_command

AGENTS: Final = 3
POSTS: Final = 600
"""Posts of each agent: enough for SQLite to copy its write-ahead file into the main file, and to begin it anew."""
CALLS: Final = "trace=openat,pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,rename,unlink"
LONGEST_DATA: Final = 10_000_000
"""Bytes of one call that are traced."""


class Kind(Enum):
    """What a process did to a file, to the names in a folder, or to a socket."""

    WRITE = auto()
    TRUNCATE = auto()
    FLUSH_BEGINS = auto()
    FLUSH_ENDS = auto()
    CREATE = auto()
    RENAME = auto()
    UNLINK = auto()
    SEND = auto()


@frozen
class Step:
    """One step. `offset` is that of a write, or the length to which a file is cut; `target` is the new name."""

    kind: Kind
    path: str
    offset: int = 0
    data: bytes = b""
    target: str = ""


async def post_numbers(url: str) -> None:
    """Let all agents post at the same time, each one message after the other, no two of them alike."""
    async with ClientSession(url) as http:
        keys = [await new_key(http, f"Ada-{number}") for number in range(AGENTS)]

        async def post(agent: int, key: str) -> None:
            for number in range(POSTS):
                body = {"content": f"message {agent}-{number}"}
                async with http.post("/api/messages", json=body, headers={"X-API-Key": key}) as reply:
                    assert reply.status == 200, await reply.text()

        await asyncio.gather(*(post(agent, key) for agent, key in enumerate(keys)))


async def record(folder: Path) -> list[Step]:
    """Run a room with its log in `folder` under strace, let agents post, stop it, and return what it did."""
    trace = folder.with_name("trace")
    command = strace_command("-y", "-xx", "-s", str(LONGEST_DATA), "-o", str(trace), "-e", CALLS)
    process = await asyncio.create_subprocess_exec(
        *(*command, sys.executable, "-m", "chatr", "serve", "--port", "0", *FLAGS),
        *("--log", f"sqlite:///{folder}/chatr.db"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    try:
        found = re.search(rb"http://\S+", await process.stdout.readline())
        assert found is not None
        await post_numbers(found[0].decode())
        process.terminate()
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()

    async def complete() -> bool:
        return (await asyncio.to_thread(trace.read_text)).endswith("+++ exited with 0 +++\n")

    # The tracer ends after the process.
    await until(complete)
    return list(steps(trace.read_text(), folder))


BEGUN: Final = re.compile(r"(\d+) +(\w+)\((.*)")
RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>")
QUOTED: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
DESCRIPTOR: Final = re.compile(r"\d+<((?:\\x[0-9a-f]{2}|[^>\\])*)>")


def unhex(text: str) -> bytes:
    """Return the bytes that strace -xx shows; text that it leaves as it is stands for itself."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def steps(trace: str, folder: Path) -> Iterator[Step]:
    """Yield what happened to files in `folder`, and what was sent to sockets."""
    unfinished: dict[tuple[str, str], str] = {}
    for line in trace.splitlines():
        if resumed := RESUMED.match(line):
            thread, name = resumed.groups()
            yield from ends(name, unfinished.pop((thread, name)), str(folder))
        elif begun := BEGUN.match(line):
            thread, name, rest = begun.groups()
            yield from begins(name, rest, str(folder))
            if rest.endswith("<unfinished ...>"):
                unfinished[thread, name] = rest
            elif " = -1 " not in rest:
                yield from ends(name, rest, str(folder))


def begins(name: str, rest: str, folder: str) -> Iterator[Step]:
    """Yield what a call may already have done when it begins: a write or a response may have been started."""
    descriptor = DESCRIPTOR.match(rest)
    if descriptor is None:
        return
    path, data = unhex(descriptor[1]).decode(), b"".join(map(unhex, QUOTED.findall(rest)))
    if name in ("write", "writev", "sendto", "sendmsg") and not path.startswith(folder):
        yield Step(Kind.SEND, path, data=data)
    elif name in ("pwrite64", "write") and path.startswith(folder):
        offset = re.search(r", \d+, (\d+)(?:\)| <unf)", rest)
        yield Step(Kind.WRITE, path, int(offset[1]) if offset else 0, data)
    elif name == "ftruncate" and (length := re.search(r">, (\d+)", rest)) and path.startswith(folder):
        yield Step(Kind.TRUNCATE, path, int(length[1]))
    elif name in ("fsync", "fdatasync"):
        yield Step(Kind.FLUSH_BEGINS, path)


def ends(name: str, rest: str, folder: str) -> Iterator[Step]:
    """Yield what a call has done when it ends."""
    names = [unhex(each).decode() for each in QUOTED.findall(rest)] if name in ("openat", "rename", "unlink") else []
    descriptor = DESCRIPTOR.match(rest)
    if name in ("fsync", "fdatasync") and descriptor:
        yield Step(Kind.FLUSH_ENDS, unhex(descriptor[1]).decode())
    elif not names or not names[0].startswith(folder):
        return
    elif name == "openat" and "O_CREAT" in rest:
        yield Step(Kind.CREATE, names[0])
    elif name == "rename":
        yield Step(Kind.RENAME, names[0], target=names[1])
    elif name == "unlink":
        yield Step(Kind.UNLINK, names[0])
