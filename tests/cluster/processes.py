"""Nodes as processes of their own, started again whenever they end, as by a supervisor."""

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

TIMEOUT: Final = 30.0
"""Seconds after which something that a test waits for has failed to happen."""
POLL_INTERVAL: Final = 0.02


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(TIMEOUT):
        while not await holds():  # noqa: ASYNC110 -- what other processes do sets no event here
            await asyncio.sleep(POLL_INTERVAL)


@define
class NodeProcess:
    """A supervised node. `url` is None while it is down; its standard error is appended to `log_file`."""

    flags: tuple[str, ...]
    log_file: Path
    url: str | None = None
    starts: int = 0
    exit_codes: list[int] = field(factory=list)
    crashes: list[int] = field(factory=list)
    """The exit codes of processes that had served and that no test had ended."""
    _process: asyncio.subprocess.Process | None = None
    _is_being_ended: bool = False

    @property
    def is_up(self) -> bool:
        """Whether it serves. A process that was just killed keeps its `url` until its end is noticed."""
        return self.url is not None and not self._is_being_ended

    async def supervise(self) -> None:
        """Run the node for ever. It is started again even if it ended because it could not open its log yet."""
        while True:
            self.url = None
            with self.log_file.open("ab") as log_file:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "chatr", "serve", "--port", "0", *self.flags),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log_file,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                )
            self._is_being_ended = False
            self.starts += 1
            await self._wait(self._process)

    async def _wait(self, process: asyncio.subprocess.Process) -> None:
        """Read the URL from the process's output, and wait until it ends."""
        assert process.stdout is not None
        async for line in process.stdout:
            if found := re.search(rb"http://\S+", line):
                self.url = self.url or found[0].decode()
        code = await process.wait()
        self.exit_codes.append(code)
        if self.url is not None and not self._is_being_ended:
            self.crashes.append(code)

    async def close(self) -> None:
        """Kill the process for good, and wait until it and its output have ended."""
        self.kill()
        if self._process is not None:
            await self._process.communicate()

    def end(self, by: signal.Signals) -> None:
        """End the process by a signal; it is started again."""
        self._is_being_ended = True
        self._send(by)

    def kill(self) -> None:
        """End the process by SIGKILL; it is started again."""
        self.end(signal.SIGKILL)

    async def freeze(self, seconds: float) -> None:
        """Stop the process for a while, and let it continue."""
        self._send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._send(signal.SIGCONT)

    def _send(self, which: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(which)


@asynccontextmanager
async def node_processes(count: int, folder: Path, *flags: str) -> AsyncIterator[list[NodeProcess]]:
    """Run so many supervised nodes; their log files are in `folder`."""
    nodes = [NodeProcess(flags, folder / f"node-{number}.log") for number in range(count)]
    supervisors = [asyncio.create_task(node.supervise()) for node in nodes]
    try:
        yield nodes
    finally:
        for supervisor in supervisors:
            supervisor.cancel()
        await asyncio.gather(*supervisors, return_exceptions=True)
        for node in nodes:
            await node.close()
