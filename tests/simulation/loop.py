"""An event loop without real time and without I/O: time passes when nothing is ready to run."""

import asyncio
import contextvars
import socket
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from random import Random
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")

START: Final = 1_000.0
"""Seconds for which the machine has been running when the world begins."""

Address = tuple[str, int]


@define(eq=False)
class Lifetime:
    """The tasks of one process from its start to its end, so that it can be killed.

    `accept_operator` takes a connection to its admin socket; None while it does not serve it.
    """

    tasks: list[asyncio.Task[Any]] = field(factory=list)
    over: bool = False
    accept_operator: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None] | None = None


LIFETIME: Final[contextvars.ContextVar[Lifetime]] = contextvars.ContextVar("lifetime")
"""The process that the current task belongs to."""


class DeadlockError(Exception):
    """Every task waits, and no timer will wake one of them."""


@frozen
class Listener:
    """Stands for the socket that a process listens on."""

    address: Address
    family: int = socket.AF_INET

    def getsockname(self) -> Address:
        """The address, as a socket returns it."""
        return self.address


@frozen
class Listening:
    """A server that accepts connections at an address until it is closed. `context` is that of its process."""

    loop: "SimulatedLoop"
    address: Address
    protocol: Callable[[], Any]
    context: contextvars.Context

    def close(self) -> None:
        """Accept no more connections."""
        if self.loop.servers.get(self.address) is self:
            del self.loop.servers[self.address]


class SimulatedLoop(asyncio.BaseEventLoop):
    """One thread, no clock, no file descriptors.

    asyncio runs callbacks in the order in which they became ready. With `shuffled` the order is random, which finds
    code that depends on it.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self, random: Random, *, shuffled: bool = False) -> None:
        super().__init__()
        self.servers: dict[Address, Listening] = {}
        self._random = random
        self._shuffled = shuffled
        self._now = START
        self._selector = self

    def time(self) -> float:
        """Simulated seconds."""
        return self._now

    def select(self, timeout: float | None) -> list[object]:
        """Let `timeout` seconds pass. asyncio asks its selector to wait as long for input, and there is none."""
        if timeout is None:
            raise DeadlockError
        self._now += timeout
        if self._shuffled and len(self._ready) > 1:
            handles = list(self._ready)
            self._random.shuffle(handles)
            self._ready = deque(handles)
        return []

    def _process_events(self, event_list: list[object]) -> None:
        """Do nothing: `select` returns no events."""

    def _write_to_self(self) -> None:
        """Do nothing: there is no selector to be woken."""

    def create_task(self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
        """Create a task that ends with the current process."""
        task = super().create_task(coro, **options)
        if (lifetime := LIFETIME.get(None)) is not None:
            lifetime.tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]  # -- it hands arguments on without a look at their types
        self, _: object, work: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """Run `work` at once instead of in a thread."""
        future = self.create_future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001 -- it is handed on, whatever it is
            future.set_exception(error)
        return future


class UncountedConnection:
    """Stands for the socket of a connection, which nothing limits."""

    def mark_idle(self, transport: asyncio.Transport) -> None:
        """Do nothing."""

    def mark_busy(self) -> None:
        """Do nothing."""


class SimulatedAcceptor:
    """Stands for the acceptor: accepts connections at the address of a `Listener`, without any limit."""

    def __init__(self, listeners: Sequence[Listener], *given: Any, **_limits: Any) -> None:
        (listener,) = listeners
        loop, make_protocol = asyncio.get_running_loop(), given[-1]
        assert isinstance(loop, SimulatedLoop)
        self._listening = Listening(
            loop, listener.address, lambda: make_protocol(UncountedConnection()), contextvars.copy_context()
        )

    def start(self) -> None:
        """Accept from now on."""
        self._listening.loop.servers[self._listening.address] = self._listening

    def close(self) -> None:
        """Accept no more connections."""
        self._listening.close()
