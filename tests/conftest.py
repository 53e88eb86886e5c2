"""Fixtures that start the real server on a free port, in the test's event loop or in a process of its own."""

import gc
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from aiohttp import ClientSession
from attrs import frozen
from hypothesis import HealthCheck, settings
from xdist.scheduler import WorkStealingScheduling

import tests.frozen_classes  # noqa: F401 -- must run before the classes of chatr are made
from chatr.adapters.http.http_settings import DEFAULT_HTTP_TIMEOUTS, HttpTimeouts
from chatr.adapters.http.stream.hub import Hub
from chatr.app import RunningRoom, Timeouts, running_room
from chatr.domain.limits import MINUTE, SECOND, Limit
from chatr.node.timeouts import DEFAULT_NODE_TIMEOUTS, NodeTimeouts
from chatr.ports import EventLog
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.postgres import Postgres

pytest.register_assert_rewrite("chatr.testing.contract")

# A shell starts background jobs with SIGINT ignored, and they pass that on: tests of Ctrl-C would hang.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("dev", max_examples=30, deadline=None)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

NO_RATE_LIMIT = Limit(100_000, SECOND)
OPEN_SETTINGS: dict[str, Any] = {
    "log": "memory:",
    "port": 0,
    "rate_requests": NO_RATE_LIMIT,
    "rate_registrations": NO_RATE_LIMIT,
    "max_streams_per_ip": 5000,
}
"""Settings without limits per address. The rules about agents and messages hold."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without the garbage collector."""
    # Everything that is collected stays: searching it for garbage, again and again, took a fifth of the time.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WorkStealingScheduling | None:
    """Give each process of `pytest -n` a part of the tests of its own; who is done first takes some of another's."""
    # By default both run chunks of every module, and make what a module's or a package's tests share twice.
    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


@frozen
class Response:
    """A response: its status, headers and body."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@frozen
class Agent:
    """A registered agent and its API key."""

    id: str
    name: str
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


async def new_key(http: ClientSession, name: str = "Ada") -> str:
    """Register an agent and return its API key."""
    async with http.post("/api/register", json={"name": name}) as reply:
        return str((await reply.json())["agent"]["apiKey"])


@frozen
class Room:
    """A running server, its clock, and an HTTP client of it."""

    running: RunningRoom
    clock: SettableClock
    http: ClientSession

    async def get(self, path: str, **options: Any) -> Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: object = None, **options: Any) -> Response:
        """Send a POST with a JSON body, with the key of `agent` if one is given."""
        return await self.request("POST", path, json=body, **options)

    async def request(self, method: str, path: str, *, agent: Agent | None = None, **options: Any) -> Response:
        headers = {**(agent.bearer if agent else {}), **options.pop("headers", {})}
        async with self.http.request(method, path, headers=headers, **options) as reply:
            raw = await reply.read()
            return Response(reply.status, dict(reply.headers), raw)

    async def register(self, name: str = "Ada", **more: object) -> Agent:
        agent = (await self.post("/api/register", {"name": name, **more})).json["agent"]
        return Agent(agent["id"], agent["name"], agent["apiKey"])

    async def post_message(self, agent: Agent, content: str, **more: object) -> dict[str, Any]:
        """Post a message five minutes later, so that the rate limit allows it, and return the message."""
        self.clock.advance(5 * MINUTE)
        answer = await self.post("/api/messages", {"content": content, **more}, agent=agent)
        assert answer.status == 200, answer.json
        message: dict[str, Any] = answer.json["message"]
        return message


@pytest.fixture(scope="session", autouse=True)
def _bytecode_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let programs that tests start keep their bytecode elsewhere, where Python may not write it beside the sources."""
    # About a hundred are started. Without bytecode each of them compiles chatr again, a quarter of its start.
    with pytest.MonkeyPatch.context() as patch:
        if "PYTHONDONTWRITEBYTECODE" in os.environ:
            patch.delenv("PYTHONDONTWRITEBYTECODE")
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server without fsync. Tests that cut its power start their own."""
    server = Postgres("fsync=off")
    yield server
    server.close()


OpenRoom = Callable[..., Awaitable[Room]]


@pytest.fixture
async def open_room() -> AsyncIterator[OpenRoom]:
    """Start servers with given settings; `hub`, `event_log` and time-outs are those of `running_room`."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            hub: Hub | None = None,
            timeouts: HttpTimeouts = DEFAULT_HTTP_TIMEOUTS,
            node_timeouts: NodeTimeouts = DEFAULT_NODE_TIMEOUTS,
            event_log: EventLog | None = None,
            clock: SettableClock | None = None,
            **overrides: Any,
        ) -> Room:
            clock = clock or SettableClock()
            context = running_room(
                Settings(**(OPEN_SETTINGS | overrides)),
                clock=clock,
                hub=hub,
                event_log=event_log,
                timeouts=Timeouts(timeouts, node_timeouts),
            )
            room = await stack.enter_async_context(context)
            http = await stack.enter_async_context(ClientSession(room.url))
            return Room(room, clock, http)

        yield start


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A server on a log in memory, without limits per address."""
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
    """Start `chatr serve` with given flags and wait until it listens; `through` is a program that runs it."""
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
    """`chatr serve` on a log in memory, with limits that no test reaches."""
    wide = "100000/1"
    return serve(
        *("--log", "memory:", "--rate-requests", wide, "--rate-registrations", wide),
        *("--rate-verified", wide, "--rate-unverified", wide, "--max-streams-per-ip", "5000"),
    )
