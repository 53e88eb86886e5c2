"""A room to test: the real program on a free port, in the test's own loop or in a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from aiohttp import ClientSession
from attrs import frozen
from hypothesis import HealthCheck, settings

from chatr.adapters.http.site import Patience
from chatr.app import Running, running
from chatr.domain.limits import MINUTE, SECOND, Limit
from chatr.hub import Hub
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.postgres import Postgres

pytest.register_assert_rewrite("chatr.testing.contract")

# What a shell starts in the background is deaf to Ctrl-C, and so is all that it starts in turn.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

PLENTY = Limit(100_000, SECOND)
OPEN_SETTINGS: dict[str, Any] = {
    "log": "memory:",
    "port": 0,
    "rate_requests": PLENTY,
    "rate_registrations": PLENTY,
    "max_streams_per_ip": 5000,
}
"""No limit of the door is in the way; the rules of the house are."""


@frozen
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@frozen
class Agent:
    id: str
    name: str
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


async def new_key(http: ClientSession, name: str = "Ada") -> str:
    """The key of an agent that registers now."""
    async with http.post("/api/register", json={"name": name}) as reply:
        return str((await reply.json())["agent"]["apiKey"])


@frozen
class Room:
    """A running room, its clock, and a client of it."""

    running: Running
    clock: SettableClock
    http: ClientSession

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Answer:
        """A POST with a JSON body; an agent's key goes along as `agent`."""
        return await self.ask("POST", path, json=body, **options)

    async def ask(self, method: str, path: str, *, agent: Agent | None = None, **options: Any) -> Answer:
        headers = {**(agent.bearer if agent else {}), **options.pop("headers", {})}
        async with self.http.request(method, path, headers=headers, **options) as reply:
            raw = await reply.read()
            return Answer(reply.status, dict(reply.headers), raw)

    async def register(self, name: str = "Ada", **more: object) -> Agent:
        agent = (await self.post("/api/register", {"name": name, **more})).json["agent"]
        return Agent(agent["id"], agent["name"], agent["apiKey"])

    async def say(self, agent: Agent, content: str) -> dict[str, Any]:
        """Post five minutes later: that is never too soon."""
        self.clock.advance(5 * MINUTE)
        answer = await self.post("/api/messages", {"content": content}, agent=agent)
        assert answer.status == 200, answer.json
        message: dict[str, Any] = answer.json["message"]
        return message


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server that forgets what a power cut would take: tests that kill machines start their own."""
    server = Postgres("fsync=off")
    yield server
    server.close()


OpenRoom = Callable[..., Awaitable[Room]]


@pytest.fixture
async def open_room() -> AsyncIterator[OpenRoom]:
    """Opens rooms with settings of one's own; `hub` and `patience` are those of `running`."""
    async with AsyncExitStack() as stack:

        async def open_one(
            *, hub: Hub | None = None, patience: Patience = Patience(), clock: SettableClock | None = None, **given: Any
        ) -> Room:
            clock = clock or SettableClock()
            opened = running(Settings(**(OPEN_SETTINGS | given)), clock=clock, hub=hub, patience=patience)
            room = await stack.enter_async_context(opened)
            http = await stack.enter_async_context(ClientSession(room.url))
            return Room(room, clock, http)

        yield open_one


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A room in memory in which the door's limits are in nobody's way; the rules of the house are."""
    return await open_room()


@frozen
class Server:
    """`chatr serve` in a process of its own."""

    url: str
    process: subprocess.Popen[str]

    def get(self, path: str) -> str:
        with urlopen(self.url + path) as reply:
            return str(reply.read().decode())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers with flags of one's own, through another program if need be, and waits until they are open."""
    processes: list[subprocess.Popen[str]] = []

    def start(*flags: str, package: Path | None = None, through: Sequence[str] = ()) -> Server:
        command = [*through, sys.executable, "-m", "chatr", "serve", "--port", "0", *flags]
        environ = {**os.environ, "PYTHONPATH": str(package or Path.cwd())}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=package
        )
        processes.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://\S+", first)
        assert found is not None, process.communicate()
        return Server(found[0], process)

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server without limits worth mentioning."""
    wide = "100000/1"
    return serve(
        *("--log", "memory:", "--rate-requests", wide, "--rate-registrations", wide),
        *("--rate-verified", wide, "--rate-unverified", wide, "--max-streams-per-ip", "5000"),
    )
