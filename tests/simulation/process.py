"""A node: the whole program, on a simulated machine that can lose its power."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

from attrs import define, field

from chatr.adapters.http import response_cache
from chatr.app import RunningRoom, running_room
from chatr.codec import UnreadableRecord
from chatr.domain.keys import ALPHABET, RANDOM_LENGTH, key_from_random
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH, SECOND, Limit
from chatr.node.node import Node
from chatr.ports import LogChanged, LogUnavailable, Moltbook, OutcomeUnknown
from chatr.settings import Settings
from chatr.testing.clock import START
from tests.simulation.conditions import Conditions
from tests.simulation.loop import LIFETIME, Address, Lifetime
from tests.simulation.network import ClientEnd, Connection, connect
from tests.simulation.node_log import node_log
from tests.simulation.store import Store

EXPECTED_ERRORS: Final = (LogChanged, LogUnavailable, OutcomeUnknown, UnreadableRecord)
"""Errors that may end a node. An operator would start it again."""
SWING_INTERVAL: Final = 5 * SECOND
NO_LIMIT: Final = Limit(1_000_000, SECOND)
CONNECTIONS_REMEMBERED: Final = 500
"""Connections after which those that were closed are forgotten."""


@define
class MachineClock:
    """Implements `chatr.ports.Clock`: the time of the world, plus the error of this machine in milliseconds."""

    error: int = 0
    steps: int = 0
    """How often it was set."""
    drift: float = 0.0
    """Seconds that it gains in a second."""
    swing: int = 0
    """Milliseconds by which it is ahead for five seconds and behind for five."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        swing = self.swing if self.elapsed() // SWING_INTERVAL % 2 else -self.swing
        return START + self.elapsed() + int(self.elapsed() * self.drift) + swing + self.error

    def set_error(self, error: int) -> None:
        """Set the clock wrong by so many milliseconds, or right."""
        self.error, self.steps = error, self.steps + 1

    def elapsed(self) -> int:
        """Milliseconds since the machine started."""
        return int(asyncio.get_running_loop().time() * SECOND)


MACHINE_CLOCK: Final[contextvars.ContextVar[MachineClock]] = contextvars.ContextVar("machine clock")
"""The clock of the machine on which the current task runs: what the program takes for the system's clock."""


@define
class SeededSecrets:
    """Implements `chatr.ports.Secrets` from the seed."""

    random: Random

    def key(self) -> str:
        """A random API key."""
        return key_from_random("".join(self.random.choices(ALPHABET, k=RANDOM_LENGTH)))

    def code(self) -> str:
        """A random verification code."""
        return "".join(self.random.choices(CODE_ALPHABET, k=CODE_LENGTH))

    def record_id(self) -> str:
        """A random record id."""
        return f"{self.random.getrandbits(128):032x}"

    def salt(self) -> str:
        """A random salt."""
        return f"{self.random.getrandbits(96):024x}"


@define(eq=False)
class Process:
    """A process that runs the program. `on_death` is called when it ends with an error."""

    name: str
    settings: Settings
    store: Store
    moltbook: Moltbook
    on_death: Callable[["Process", BaseException], None]
    clock: MachineClock = field(factory=MachineClock)
    """The clock of its machine. It is of no account if the store brings one."""
    room: RunningRoom | None = None
    checkpoint: Path | None = None
    _main: asyncio.Task[None] | None = None
    _lifetime: Lifetime = field(factory=lambda: Lifetime(over=True))
    _context: contextvars.Context = field(factory=contextvars.copy_context)
    _connections: list[Connection] = field(factory=list)

    @property
    def address(self) -> Address:
        """The address that it listens on."""
        return self.settings.host, self.settings.port

    def now(self) -> int:
        """Milliseconds since 1970, by the clock that decides."""
        return (self.store.clock or self.clock).now()

    @property
    def has_steady_clock(self) -> bool:
        """Whether that clock never steps back unless it is set."""
        return self.store.clock is not None or not self.clock.swing

    @property
    def node(self) -> Node | None:
        """Its node, while the room is open."""
        return self.room.node if self.room else None

    @property
    def roots(self) -> Iterator[object]:
        """Yield the objects by which all others of the running program can be found."""
        yield self.room
        yield from (each for each in self._lifetime.tasks if not each.done())

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return not self._lifetime.over

    def start(self) -> None:
        """Start the program."""
        # All processes of a world share this cache, and that of a new one is empty.
        response_cache.forget_messages()
        # Every task inherits the context of the task that creates it, and is thereby known to belong to this process.
        self._lifetime, context = Lifetime(), contextvars.copy_context()
        self._context = context
        context.run(LIFETIME.set, self._lifetime)
        context.run(MACHINE_CLOCK.set, self.clock)
        self._main = context.run(asyncio.create_task, self._run(self._lifetime), name=self.name)

    async def _run(self, lifetime: Lifetime) -> None:
        try:
            async with (
                node_log(self.store) as log,
                running_room(
                    self.settings,
                    event_log=log,
                    moltbook_client=self.moltbook,
                    # A store that fails over may lose records: its nodes start on what is left.
                    accept_loss=True,
                ) as room,
            ):
                self.room = room
                ended, _ = await asyncio.wait(room.background_tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
        except Exception as error:  # noqa: BLE001 -- whatever it was, this is how a process ends
            if not lifetime.over:
                self._end()
                self.on_death(self, error)

    async def stop(self) -> None:
        """Stop as after a signal: the room is closed before the process ends."""
        assert self._main is not None
        lifetime = self._lifetime
        self._main.cancel()
        await asyncio.wait([self._main])
        if not lifetime.over:
            self._end()

    def kill(self) -> None:
        """End at once, as after SIGKILL. What it has asked of the store may still happen."""
        self._end()

    def _end(self) -> None:
        """Close its connections and cancel its tasks."""
        self.room = None
        # Set first: what cancelled tasks do and log from now on is no fault.
        self._lifetime.over = True
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()
        for task in self._lifetime.tasks:
            task.cancel()

    def connect(self, client: ClientEnd) -> Connection:
        """Open a connection to it. Raises ConnectionRefusedError."""
        connection = connect(self.address, client)
        self._connections.append(connection)
        if len(self._connections) > CONNECTIONS_REMEMBERED:
            self._connections = [each for each in self._connections if not each.closing]
            self._lifetime.tasks = [each for each in self._lifetime.tasks if not each.done()]
        return connection

    def accept_operator(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Connect an operator to its admin socket. Returns False if nobody listens there."""
        if self._lifetime.over or self._lifetime.accept_operator is None:
            return False
        self._context.run(self._lifetime.accept_operator, reader, writer)
        return True


def node_settings(number: int, conditions: Conditions) -> Settings:
    """Settings in which only the limits of messages matter."""
    return Settings(
        log=f"node-{number}",
        port=number,
        rate_requests=NO_LIMIT,
        rate_registrations=NO_LIMIT,
        max_streams_per_ip=1000,
        rate_verified=Limit(4, 2 * SECOND),
        rate_unverified=Limit(2, 2 * SECOND),
        online_for=30,
        history=conditions.history,
        public_url="http://room",
    )
