"""Agents that post until they get a response, and watchers that reconnect, each time to any node that is up."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from random import Random
from typing import Any, Final

import aiohttp
from attrs import define, field

from tests.cluster.processes import NodeProcess, until
from tests.stream_client import Watch, watching

TIMEOUT: Final = 3.0
"""Seconds after which a client leaves a node that does not respond for another one: it may be frozen."""
RETRY_PAUSE: Final = 0.1
STAY: Final = 60
"""Frames after which a watcher leaves at the latest."""
RETRIED_STATUSES: Final = (429, 503)

Message = dict[str, Any]


@define
class NodeChooser:
    """Chooses the node that a client connects to."""

    _nodes: list[NodeProcess]
    random: Random

    async def url(self) -> str:
        """The URL of any node that is up."""
        while True:
            if up := [node.url for node in self._nodes if node.url]:
                return self.random.choice(up)
            await asyncio.sleep(RETRY_PAUSE)


@define
class RetryingAgent:
    """Posts one message after the other and repeats each until it is acknowledged, with the same Idempotency-Key.

    With several posters it uses several nodes at the same time.
    """

    name: str
    nodes: NodeChooser
    sent: set[str] = field(factory=set)
    """Contents that were sent at least once."""
    acknowledged: dict[str, str] = field(factory=dict)
    """Contents, and the ids of the messages."""
    replayed: int = 0
    """Responses to posts that had been stored before (with the header `Idempotency-Replayed`)."""
    wrong_responses: list[str] = field(factory=list)
    """Responses that no agent should get."""
    _key: str = ""

    async def register(self, http: aiohttp.ClientSession) -> None:
        """Register at any node and remember the API key."""
        async with http.post(f"{await self.nodes.url()}/api/register", json={"name": self.name}) as response:
            self._key = (await response.json())["agent"]["apiKey"]

    async def post(self, http: aiohttp.ClientSession, stop: asyncio.Event, poster: int) -> None:
        """Post messages until `stop` is set."""
        for number in count():
            content = f"{self.name} posts {number} by poster {poster}"
            while content not in self.acknowledged:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._post(http, content)
            if stop.is_set():
                return

    async def _post(self, http: aiohttp.ClientSession, content: str) -> None:
        url = f"{await self.nodes.url()}/api/messages"
        headers = {"X-API-Key": self._key, "Idempotency-Key": content}
        self.sent.add(content)
        async with http.post(url, json={"content": content}, headers=headers) as response:
            body = await response.json()
        if response.status == 200:
            self.acknowledged[content] = body["message"]["id"]
            self.replayed += "Idempotency-Replayed" in response.headers
            return
        if response.status not in RETRIED_STATUSES:
            self.wrong_responses.append(f"{response.status} {body}")
        await asyncio.sleep(RETRY_PAUSE)


@define
class ReconnectingWatcher:
    """Watches any node for a while, then any other from its last id on."""

    nodes: NodeChooser
    received: list[Message] = field(factory=list)
    resets: list[str] = field(factory=list)
    reconnects: int = 0
    longest: int = STAY
    receive: int | None = None
    """Bytes that are received for it before it takes them; None is what the machine receives."""
    _last_id: str = ""

    async def watch(self) -> None:
        """Watch for ever."""
        while True:
            with suppress(OSError, EOFError, TimeoutError):
                async with asyncio.timeout(TIMEOUT) as timeout:
                    await self._watch(await self.nodes.url(), timeout)
            self.reconnects += 1
            await self._stay_away()

    async def _stay_away(self) -> None:
        """Return at once."""

    async def _watch(self, url: str, timeout: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        async with watching(url, last_id=self._last_id, receive=self.receive) as watch:
            for _ in range(self.nodes.random.randint(1, self.longest)):
                await self._receive(watch)
                timeout.reschedule(loop.time() + TIMEOUT)

    async def _receive(self, watch: Watch) -> None:
        frame = await watch.frame()
        event = json.loads(frame.text)
        match event["type"]:
            case "message":
                self.received.append(event["data"])
            case "history" if not self.received:
                self.received += event["data"]
            case "history" | "reset":
                self.resets.append(frame.text[:200])
        self._last_id = watch.last_id


MISSED: Final = 1_000
"""Messages that a slow watcher has missed when it returns: more than are sent to it at once."""


@define
class SlowWatcher(ReconnectingWatcher):
    """Takes a few frames at a time and stays away until it has missed MISSED messages, or the agents have stopped."""

    agents: Sequence[RetryingAgent] = ()
    stop: asyncio.Event = field(factory=asyncio.Event)
    receive: int | None = 4096

    async def _stay_away(self) -> None:
        # Without an id it would return as a new watcher, which is sent the newest messages only.
        while self._last_id and not self.stop.is_set():
            if acknowledged(self.agents) - len(self.received) >= MISSED:
                return
            await asyncio.sleep(RETRY_PAUSE)


def acknowledged(agents: Sequence[RetryingAgent]) -> int:
    """How many messages of these agents were acknowledged."""
    return sum(len(agent.acknowledged) for agent in agents)


@define
class Clients:
    """All agents and watchers of a room. The agents post until `stop` is set."""

    agents: list[RetryingAgent]
    watchers: list[ReconnectingWatcher]
    stop: asyncio.Event

    def acknowledged(self) -> int:
        """How many messages were acknowledged."""
        return acknowledged(self.agents)

    async def wait_for_messages(self, count: int) -> None:
        """Wait until so many more messages are acknowledged."""
        wanted = self.acknowledged() + count

        async def reached() -> bool:
            return self.acknowledged() >= wanted

        await until(reached)

    async def _all_received(self) -> bool:
        return min(len(watcher.received) for watcher in self.watchers) >= self.acknowledged()

    @asynccontextmanager
    async def active(self, http: aiohttp.ClientSession, posters: int) -> AsyncIterator[None]:
        """Let clients post and watch while the block runs, and then until every watcher has received every message.

        `posters`: messages that each agent posts at the same time.
        """
        for agent in self.agents:
            await agent.register(http)
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(watcher.watch()) for watcher in self.watchers]
            posting = [
                tasks.create_task(agent.post(http, self.stop, poster))
                for agent in self.agents
                for poster in range(posters)
            ]
            yield
            self.stop.set()
            await asyncio.gather(*posting)
            # What is missing after this time-out is reported by the verdict.
            with suppress(TimeoutError):
                await until(self._all_received)
            for each in watching:
                each.cancel()


def make_clients(
    nodes: list[NodeProcess], seed: int, *, agents: int, watchers: int, slow: int = 0, stay: int = STAY
) -> Clients:
    """So many clients, whose choices depend on the seed. `slow` watchers are added to the others.

    Each watcher leaves after `stay` frames at the latest.
    """

    def chooser(client: str) -> NodeChooser:
        return NodeChooser(nodes, Random(f"{client} {seed}"))

    stop = asyncio.Event()
    posting = [RetryingAgent(f"Ada-{number}", chooser(f"agent {number}")) for number in range(agents)]
    quick = [ReconnectingWatcher(chooser(f"watcher {number}"), longest=stay) for number in range(watchers)]
    behind = [
        SlowWatcher(chooser(f"slow watcher {number}"), longest=stay, agents=posting, stop=stop)
        for number in range(slow)
    ]
    return Clients(posting, [*quick, *behind], stop)
