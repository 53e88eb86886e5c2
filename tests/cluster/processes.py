"""Nodes as processes of their own, started again whenever they end, as a supervisor would."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import define, field

SOON: Final = 30.0
"""Seconds within which what has to happen has happened."""
LOOK: Final = 0.02


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON):
        while not await holds():  # noqa: ASYNC110 -- what other processes do sets no event here
            await asyncio.sleep(LOOK)


@define
class NodeProcess:
    """`url` is None while the node is down. What it says of itself goes into the file `diary`."""

    flags: tuple[str, ...]
    diary: Path
    url: str | None = None
    starts: int = 0
    codes: list[int] = field(factory=list)
    """How it ended, each time."""
    ended_by_itself: list[int] = field(factory=list)
    _process: asyncio.subprocess.Process | None = None
    _doomed: bool = False

    async def supervise(self) -> None:
        """Never returns. A node that cannot open its log yet ends, too, and is started again."""
        while True:
            self.url, self._doomed = None, False
            with self.diary.open("ab") as diary:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "chatr", "serve", "--port", "0", *self.flags),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=diary,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                )
            self.starts += 1
            await self._watch(self._process)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if found := re.search(rb"http://\S+", line):
                self.url = self.url or found[0].decode()
        code = await process.wait()
        self.codes.append(code)
        if self.url is not None and not self._doomed:
            self.ended_by_itself.append(code)

    def end(self, by: signal.Signals) -> None:
        self._doomed = True
        self._signal(by)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    async def freeze(self, seconds: float) -> None:
        """Stop the node where it is, and let it go on later as if nothing had been."""
        self._signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(which)


@asynccontextmanager
async def node_processes(count: int, folder: Path, *flags: str) -> AsyncIterator[list[NodeProcess]]:
    nodes = [NodeProcess(flags, folder / f"node-{number}.log") for number in range(count)]
    supervising = [asyncio.create_task(node.supervise()) for node in nodes]
    try:
        yield nodes
    finally:
        for node, task in zip(nodes, supervising, strict=True):
            task.cancel()
            node.kill()
        await asyncio.gather(*supervising, return_exceptions=True)
