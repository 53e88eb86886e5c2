"""The programs that run the commands of scenarios, one with each client."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from chatr.adapters.http.endpoints.watch_page import client_module
from tests.requirements import node

DRIVERS: Final = Path(__file__).parent / "drivers"
CLIENTS: Final = ("with_asyncio", "blocking", "with_node")
SECONDS_TO_END: Final = 20.0


@define(eq=False)
class Driver:
    """A running driver. `results` holds what it has reported, by scenario."""

    process: asyncio.subprocess.Process
    results: dict[str, asyncio.Queue[dict[str, Any]]] = field(factory=dict)

    def send(self, scenario: str, command: dict[str, Any]) -> None:
        """Send a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"scenario": scenario, **command}).encode() + b"\n")

    async def distribute(self) -> None:
        """Read results until the driver ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            result = json.loads(line)
            self.results[result.pop("scenario")].put_nowait(result)

    async def end(self) -> tuple[int, str]:
        """Wait until the driver has ended by itself; return its exit code and its standard error."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(SECONDS_TO_END):
                errors = (await self.process.stderr.read()).decode()
                return await self.process.wait(), errors
        except TimeoutError:
            self.process.kill()
            return -1, f"it did not end: {(await self.process.stderr.read()).decode()}"


def command_of(client: str, folder: Path) -> Sequence[str]:
    """Return the command of a driver. A warning, such as of an open connection, ends it with an error."""
    if client == "with_node":
        module = folder / "client.mjs"
        module.write_bytes(client_module().content)
        return node(), "--unhandled-rejections=strict", str(DRIVERS / "with_node.mjs"), str(module)
    return sys.executable, "-X", "dev", "-W", "error", str(DRIVERS / f"{client}.py")


@asynccontextmanager
async def running_driver(client: str, folder: Path) -> AsyncIterator[Driver]:
    """Run the driver of a client during the block, and kill it if it has not ended by then."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command_of(client, folder), stdin=pipe, stdout=pipe, stderr=pipe, limit=2**24
    )
    driver = Driver(process)
    reading = asyncio.create_task(driver.distribute())
    try:
        yield driver
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
