"""The room of a scenario, which can be stopped, and started again with another log."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from attrs import define, field

from chatr.app import RunningRoom, running_room
from chatr.domain.limits import SECOND
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.client.faulty_proxy import FaultyProxy
from tests.conftest import NO_RATE_LIMIT, OPEN_SETTINGS
from tests.moderation import remove


@define(eq=False)
class ScenarioRoom:
    """A room behind a proxy. The names of its logs, in `folder`, begin with `prefix`.

    `ids` are the ids of Bob's messages, by their texts. Bob sends his requests directly to the room.
    """

    folder: Path
    prefix: str
    proxy: FaultyProxy
    ids: dict[str, str] = field(factory=dict)
    _clock: SettableClock = field(factory=SettableClock)
    _running: RunningRoom | None = None
    _log: str = "first.db"
    _stack: AsyncExitStack = field(factory=AsyncExitStack)
    _bob: dict[str, Any] | None = None
    _starting: asyncio.Task[None] | None = None

    async def start(self, delay: float = 0) -> None:
        """Start the room and lead the proxy to it."""
        await asyncio.sleep(delay)
        log = f"sqlite:///{self._file(self._log)}"
        settings = Settings(**(OPEN_SETTINGS | {"log": log, "rate_unverified": NO_RATE_LIMIT}))
        self._running = await self._stack.enter_async_context(running_room(settings, clock=self._clock))
        self.proxy.lead_to(self._running.url)

    def _file(self, log: str) -> Path:
        return self.folder / f"{self.prefix}{log}"

    async def stop(self) -> None:
        """Stop the room. The proxy resets whatever connects."""
        if self._starting is not None:
            await self._starting
        self.proxy.target = None
        self.proxy.close_connections()
        await self._stack.aclose()

    async def change(self, what: str, delay: float) -> None:
        """Stop or restart the room, or cut its connections; `replace` it, or `restore` the `backup`."""
        if what == "cut":
            self.proxy.close_connections()
            return
        await self.stop()
        if what == "backup":
            shutil.copy(self._file(self._log), self._file("backup.db"))
        if what == "replace":
            self._bob = None
        self._log = {"replace": "other.db", "restore": "backup.db"}.get(what, self._log)
        if what != "stop":
            self._starting = asyncio.create_task(self.start(delay))
        if not delay and self._starting is not None:
            await self._starting

    async def call(self, method: str, path: str, body: object = None, key: str = "") -> Any:
        """Send a request to the room without the proxy, and return the JSON of the response."""
        if self._starting is not None:
            await self._starting
        assert self._running is not None
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            ClientSession(self._running.url) as http,
            http.request(method, path, json=body, headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def register(self, name: str) -> dict[str, Any]:
        """Register an agent and return it, with its key."""
        agent: dict[str, Any] = (await self.call("POST", "/api/register", {"name": name}))["agent"]
        return agent

    async def post(self, text: str) -> None:
        """Post a message of Bob, a second after the last one."""
        self._clock.advance(SECOND)
        self._bob = self._bob or await self.register("Bob")
        posted = await self.call("POST", "/api/messages", {"content": text}, self._bob["apiKey"])
        self.ids[text] = posted["message"]["id"]

    async def remove(self, text: str) -> None:
        """Remove a message of Bob as an operator does."""
        assert self._running is not None
        assert self._bob is not None
        await remove(self._running.node, self._bob["id"], self.ids[text])

    async def stored(self) -> list[str]:
        """Return the texts of the newest messages, oldest first."""
        page = await self.call("GET", "/api/messages?limit=100")
        return [message["content"] for message in page["messages"]]
