"""Agents who post until they are heard, and watchers who come back, each time to any node that is up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from random import Random
from typing import Any, Final

import aiohttp
from attrs import define, field

from tests.cluster.processes import NodeProcess, until
from tests.watching import Watch, watching

PATIENCE: Final = 3.0
"""Seconds after which a node that says nothing is left for another: it may be frozen."""
PAUSE: Final = 0.1
COME_AGAIN: Final = (429, 503)

Said = dict[str, Any]


@define
class Luck:
    """Which node a visitor turns to."""

    _nodes: list[NodeProcess]
    random: Random

    async def node(self) -> str:
        """The URL of any node that is up."""
        while True:
            if up := [node.url for node in self._nodes if node.url]:
                return self.random.choice(up)
            await asyncio.sleep(PAUSE)


@define
class InsistentAgent:
    """Posts one message after the other, each until it is acknowledged, always under the same Idempotency-Key. With
    several voices it posts through several nodes at once.
    """

    name: str
    luck: Luck
    asked: set[str] = field(factory=set)
    """Contents that were sent at least once."""
    acknowledged: dict[str, str] = field(factory=dict)
    """Contents, and the ids of the messages."""
    replayed: int = 0
    mistaken: list[str] = field(factory=list)
    """Answers that no agent should get."""
    _key: str = ""

    async def register(self, http: aiohttp.ClientSession) -> None:
        async with http.post(f"{await self.luck.node()}/api/register", json={"name": self.name}) as reply:
            self._key = (await reply.json())["agent"]["apiKey"]

    async def speak(self, http: aiohttp.ClientSession, over: asyncio.Event, voice: int) -> None:
        for number in count():
            content = f"{self.name} says {number} in voice {voice}"
            while content not in self.acknowledged:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._post(http, content)
            if over.is_set():
                return

    async def _post(self, http: aiohttp.ClientSession, content: str) -> None:
        url = f"{await self.luck.node()}/api/messages"
        headers = {"X-API-Key": self._key, "Idempotency-Key": content}
        self.asked.add(content)
        async with http.post(url, json={"content": content}, headers=headers) as reply:
            body = await reply.json()
        if reply.status == 200:
            self.acknowledged[content] = body["message"]["id"]
            self.replayed += "Idempotency-Replayed" in reply.headers
            return
        if reply.status not in COME_AGAIN:
            self.mistaken.append(f"{reply.status} {body}")
        await asyncio.sleep(PAUSE)


@define
class ReturningWatcher:
    """Watches any node for a while, then any other, from the last id on."""

    luck: Luck
    heard: list[Said] = field(factory=list)
    resets: list[str] = field(factory=list)
    returns: int = 0
    _last_id: str = ""

    async def watch(self) -> None:
        """Never returns."""
        while True:
            with suppress(OSError, EOFError, TimeoutError):
                async with asyncio.timeout(PATIENCE) as patience:
                    await self._watch(await self.luck.node(), patience)
            self.returns += 1

    async def _watch(self, url: str, patience: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        async with watching(url, last_id=self._last_id) as watch:
            for _ in range(self.luck.random.randint(1, 60)):
                await self._hear(watch)
                patience.reschedule(loop.time() + PATIENCE)

    async def _hear(self, watch: Watch) -> None:
        frame = await watch.frame()
        match frame.kind:
            case "message":
                self.heard.append(frame.data)
            case "history" if not self.heard:
                self.heard += frame.data
            case "history" | "reset":
                self.resets.append(frame.text[:200])
        self._last_id = watch.last_id


@define
class Visitors:
    """Everybody who is in the room."""

    agents: list[InsistentAgent]
    watchers: list[ReturningWatcher]

    def acknowledged(self) -> int:
        return sum(len(agent.acknowledged) for agent in self.agents)

    async def news(self, count: int) -> None:
        """Wait until so many more messages are acknowledged."""
        wanted = self.acknowledged() + count

        async def come() -> bool:
            return self.acknowledged() >= wanted

        await until(come)

    async def _all_heard(self) -> bool:
        return min(len(watcher.heard) for watcher in self.watchers) >= self.acknowledged()

    @asynccontextmanager
    async def about(self, http: aiohttp.ClientSession, voices: int) -> AsyncIterator[None]:
        """They speak and listen for as long as the context lasts, and until what they then say has been heard."""
        for agent in self.agents:
            await agent.register(http)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(watcher.watch()) for watcher in self.watchers]
            speaking = [
                tasks.create_task(agent.speak(http, over, voice)) for agent in self.agents for voice in range(voices)
            ]
            yield
            over.set()
            await asyncio.gather(*speaking)
            with suppress(TimeoutError):
                await until(self._all_heard)
            for each in watching:
                each.cancel()


def visitors(nodes: list[NodeProcess], seed: int, *, agents: int, watchers: int) -> Visitors:
    def luck(whose: str) -> Luck:
        return Luck(nodes, Random(f"{whose} {seed}"))

    return Visitors(
        [InsistentAgent(f"Ada-{number}", luck(f"agent {number}")) for number in range(agents)],
        [ReturningWatcher(luck(f"watcher {number}")) for number in range(watchers)],
    )
