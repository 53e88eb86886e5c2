"""An event loop without a world: time passes when nobody has anything to do, and turns come in an order of chance."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from random import Random
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")

START: Final = 1_000.0
"""Seconds for which the machine was up when the world began."""

Address = tuple[str, int]


@define(eq=False)
class Life:
    """All that a process does from its start to its end, so that it can be killed."""

    tasks: list[asyncio.Task[Any]] = field(factory=list)
    over: bool = False


LIFE: Final[contextvars.ContextVar[Life]] = contextvars.ContextVar("life")


class StuckError(Exception):
    """Everybody waits, and for nothing that will come."""


@frozen
class Listener:
    """What a process listens with."""

    address: Address

    def getsockname(self) -> Address:
        return self.address


@frozen
class Listening:
    """Connections to an address are made here until it is closed. `context` is that of the process."""

    loop: "SimulatedLoop"
    address: Address
    protocol: Callable[[], Any]
    context: contextvars.Context

    def close(self) -> None:
        if self.loop.servers.get(self.address) is self:
            del self.loop.servers[self.address]


class SimulatedLoop(asyncio.BaseEventLoop):
    """One thread, no clock, no descriptors. asyncio runs first what was made ready first; with `shuffled` turns nobody
    may count on that.
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
        return self._now

    def select(self, timeout: float | None) -> list[object]:
        """What asyncio asks of a selector: to wait so long for input. There is none, so time passes."""
        if timeout is None:
            raise StuckError
        self._now += timeout
        if self._shuffled and len(self._ready) > 1:
            turns = list(self._ready)
            self._random.shuffle(turns)
            self._ready = deque(turns)
        return []

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def create_task(self, coro: Generator[Any, None, T] | Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
        task = super().create_task(coro, **options)
        if (life := LIFE.get(None)) is not None:
            life.tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]  # -- it hands arguments on without a look at their types
        self, _: object, work: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """What would run in a thread happens in one go."""
        future = self.create_future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001 -- it is handed on, whatever it is
            future.set_exception(error)
        return future

    async def create_server(self, *given: Any, **options: Any) -> Any:
        """What listens is no socket, but a `Listener`."""
        address = options["sock"].address
        self.servers[address] = listening = Listening(self, address, given[0], contextvars.copy_context())
        return listening
