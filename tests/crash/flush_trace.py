"""Runs a loaded room under strace, and reads what it wrote, flushed and acknowledged, in order, from the trace."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from signal import SIGKILL, SIGTERM
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
CALLS: Final = "trace=openat,lseek,pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,rename,unlink"
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


@frozen
class Run:
    """What one process is to do: agents `first` and following post, until one is done if the process is `killed`."""

    first: int
    posts: int
    killed: bool


RUNS: Final = (Run(0, POSTS // 4, killed=True), Run(AGENTS, POSTS, killed=False))
"""A killed process leaves data that was not flushed to the next one."""


async def post_numbers(url: str, run: Run) -> None:
    """Let all agents post at the same time, each one message after the other, no two of them alike."""
    async with ClientSession(url) as http:
        keys = {agent: await new_key(http, f"Ada-{agent}") for agent in range(run.first, run.first + AGENTS)}

        async def post(agent: int, key: str) -> None:
            for number in range(run.posts):
                body = {"content": f"message {agent}-{number}"}
                async with http.post("/api/messages", json=body, headers={"X-API-Key": key}) as reply:
                    assert reply.status == 200, await reply.text()

        posting = [asyncio.create_task(post(*each)) for each in keys.items()]
        await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED if run.killed else asyncio.ALL_COMPLETED)
        for task in posting:
            if run.killed:
                task.cancel()
            else:
                task.result()


async def record(folder: Path) -> list[Step]:
    """Run a room with its log in `folder` under strace, one process after the other, and return what they did."""
    return [step for run in RUNS for step in await record_run(folder, run)]


async def record_run(folder: Path, run: Run) -> list[Step]:
    """Start a process, let agents post, end it, and return what it did."""
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
        await post_numbers(found[0].decode(), run)
        process.send_signal(SIGKILL if run.killed else SIGTERM)
        assert await process.wait() == (-SIGKILL if run.killed else 0)
    finally:
        if process.returncode is None:
            process.kill()

    async def complete() -> bool:
        text = await asyncio.to_thread(trace.read_text)
        return text.endswith(("+++ exited with 0 +++\n", "+++ killed by SIGKILL +++\n"))

    # The tracer ends after the process.
    await until(complete)
    return list(steps(trace.read_text(), folder))


BEGUN: Final = re.compile(r"(\d+) +(\w+)\((.*)")
RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>")
QUOTED: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
DESCRIPTOR: Final = re.compile(r"\d+<((?:\\x[0-9a-f]{2}|[^>\\])*)>")
RESULT: Final = re.compile(r"\) += (?P<result>(?P<number>\d+)(<[^>]*>)?)")
"""The result of a call that succeeded. A failed one has -1, and one that a kill cut short a question mark."""


def unhex(text: str) -> bytes:
    """Return the bytes that strace -xx shows; text that it leaves as it is stands for itself."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def steps(trace: str, folder: Path) -> Iterator[Step]:
    """Yield what happened to files in `folder`, and what was sent to sockets."""
    unfinished: dict[tuple[str, str], str] = {}
    offsets: dict[str, int] = {}
    for line in trace.splitlines():
        if resumed := RESUMED.match(line):
            thread, name = resumed.groups()
            yield from ends(name, unfinished.pop((thread, name)) + line[resumed.end() :], str(folder), offsets)
        elif begun := BEGUN.match(line):
            thread, name, rest = begun.groups()
            yield from begins(name, rest, str(folder), offsets)
            if rest.endswith("<unfinished ...>"):
                unfinished[thread, name] = rest
            else:
                yield from ends(name, rest, str(folder), offsets)


def begins(name: str, rest: str, folder: str, offsets: dict[str, int]) -> Iterator[Step]:
    """Yield what a call may already have done when it begins: a write or a response may have been started.

    `offsets` are those of open files, by descriptor; a write without an offset of its own moves them.
    """
    descriptor = DESCRIPTOR.match(rest)
    if descriptor is None:
        return
    path, data = unhex(descriptor[1]).decode(), b"".join(map(unhex, QUOTED.findall(rest)))
    if name in ("write", "writev", "sendto", "sendmsg") and not path.startswith(folder):
        yield Step(Kind.SEND, path, data=data)
    elif name == "pwrite64" and (at := re.search(r", \d+, (\d+)(?:\)| <unf)", rest)) and path.startswith(folder):
        yield Step(Kind.WRITE, path, int(at[1]), data)
    elif name == "write":
        yield Step(Kind.WRITE, path, offsets[descriptor[0]], data)
        offsets[descriptor[0]] += len(data)
    elif name == "ftruncate" and (length := re.search(r">, (\d+)", rest)) and path.startswith(folder):
        yield Step(Kind.TRUNCATE, path, int(length[1]))
    elif name in ("fsync", "fdatasync"):
        yield Step(Kind.FLUSH_BEGINS, path)


def ends(name: str, rest: str, folder: str, offsets: dict[str, int]) -> Iterator[Step]:
    """Yield what a call has done when it ends. `offsets` as above; they change as files are opened and sought."""
    result = RESULT.search(rest)
    if result is None:
        return
    names = [unhex(each).decode() for each in QUOTED.findall(rest)] if name in ("openat", "rename", "unlink") else []
    descriptor = DESCRIPTOR.match(rest)
    if name in ("fsync", "fdatasync") and descriptor:
        yield Step(Kind.FLUSH_ENDS, unhex(descriptor[1]).decode())
    elif name == "lseek" and descriptor:
        offsets[descriptor[0]] = int(result["number"])
    elif not names or not names[0].startswith(folder):
        return
    elif name == "openat":
        offsets[result["result"]] = 0
        yield from opened(names[0], rest)
    elif name == "rename":
        yield Step(Kind.RENAME, names[0], target=names[1])
    elif name == "unlink":
        yield Step(Kind.UNLINK, names[0])


def opened(path: str, rest: str) -> Iterator[Step]:
    """Yield what opening a file did to it."""
    if "O_CREAT" in rest:
        yield Step(Kind.CREATE, path)
    if "O_TRUNC" in rest:
        yield Step(Kind.TRUNCATE, path)
