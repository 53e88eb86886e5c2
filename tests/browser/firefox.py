"""Debian's Firefox, driven by WebDriver BiDi: its own protocol, because Playwright drives a Firefox of its own only."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientWebSocketResponse
from attrs import define, field

from tests.requirements import skip_or_fail

LISTENING: Final = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
LONGEST_START: Final = 60
"""Seconds, on a busy machine."""


@define
class Firefox:
    """A session of a running Firefox."""

    _socket: ClientWebSocketResponse
    _ids: "count[int]" = field(factory=count)

    async def send(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result. Raises RuntimeError if it fails."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while (answer := await self._socket.receive_json()).get("id") != number:
            pass  # an event
        if answer["type"] == "error":
            raise RuntimeError(answer["message"])
        return answer["result"]

    async def open_tab(self, url: str) -> str:
        """Open a tab with a page, and return its id once the page has loaded."""
        tab = str((await self.send("browsingContext.create", type="tab"))["context"])
        await self.send("browsingContext.navigate", context=tab, url=url, wait="complete")
        return tab

    async def run(self, tab: str, script: str) -> str:
        """Bring a tab to the front, and return the string that a script in it resolves to, or what it threw."""
        await self.send("browsingContext.activate", context=tab)
        answer = await self.send("script.evaluate", expression=script, target={"context": tab}, awaitPromise=True)
        return str(answer["result"]["value"] if answer["type"] == "success" else answer["exceptionDetails"]["text"])


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[Firefox]:
    """Run Firefox until the context ends. `profile` is a new folder for its files."""
    program = shutil.which("firefox-esr") or skip_or_fail("there is no firefox-esr here: apt-get install firefox-esr")
    flags = ("--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0")
    process = await asyncio.create_subprocess_exec(
        program, *flags, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={"HOME": str(profile)}
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(LONGEST_START):
            while (found := LISTENING.search(await process.stderr.readline())) is None:
                assert process.returncode is None
        async with ClientSession() as http, http.ws_connect(f"{found[1].decode()}/session") as socket:
            running = Firefox(socket)
            await running.send("session.new", capabilities={})
            yield running
    finally:
        process.kill()
        await process.communicate()
