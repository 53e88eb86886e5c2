"""A node: the whole program, on a simulated machine that can lose its power."""

import asyncio
import contextvars
from collections.abc import Callable
from random import Random
from typing import Final

from attrs import define, field

from chatr.app import Running, running
from chatr.codec import Unreadable
from chatr.domain.keys import ALPHABET, RANDOM_LENGTH, key_of
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH, SECOND
from chatr.node import Node
from chatr.ports import LogChanged, Unavailable, Unknown
from chatr.settings import Settings
from chatr.testing.clock import START
from tests.simulation.loop import LIFE, Address, Life
from tests.simulation.network import End, Pipe, connect

EXPECTED: Final = (LogChanged, Unavailable, Unknown, Unreadable)
"""What may end a node, and the operator starts it again."""
MANY: Final = 500
"""Connections after which those that have ended are forgotten."""


@define
class MachineClock:
    """Shows the time of the world, and how much it is wrong."""

    off: int = 0

    def now(self) -> int:
        return START + self.elapsed() + self.off

    def elapsed(self) -> int:
        return int(asyncio.get_running_loop().time() * SECOND)


@define
class SeededSecrets:
    random: Random

    def key(self) -> str:
        return key_of("".join(self.random.choices(ALPHABET, k=RANDOM_LENGTH)))

    def code(self) -> str:
        return "".join(self.random.choices(CODE_ALPHABET, k=CODE_LENGTH))

    def record_id(self) -> str:
        return f"{self.random.getrandbits(128):032x}"


@define(eq=False)
class Process:
    """`died` is told why a process ended that nobody had ended."""

    name: str
    settings: Settings
    died: Callable[["Process", BaseException], None]
    clock: MachineClock = field(factory=MachineClock)
    room: Running | None = None
    _main: asyncio.Task[None] | None = None
    _life: Life = field(factory=lambda: Life(over=True))
    _pipes: list[Pipe] = field(factory=list)

    @property
    def address(self) -> Address:
        return self.settings.host, self.settings.port

    @property
    def node(self) -> Node | None:
        return self.room.node if self.room else None

    @property
    def up(self) -> bool:
        return not self._life.over

    def start(self) -> None:
        self._life, context = Life(), contextvars.copy_context()
        context.run(LIFE.set, self._life)
        self._main = context.run(asyncio.create_task, self._live(self._life), name=self.name)

    async def _live(self, life: Life) -> None:
        try:
            async with running(self.settings, clock=self.clock) as room:
                self.room = room
                ended, _ = await asyncio.wait(room.lasting, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
        except Exception as error:  # noqa: BLE001 -- whatever it was, this is how a process ends
            if not life.over:
                self._gone()
                self.died(self, error)

    async def stop(self) -> None:
        """As by a signal: the room is closed before the process ends."""
        assert self._main is not None
        life = self._life
        self._main.cancel()
        await asyncio.wait([self._main])
        if not life.over:
            self._gone()

    def kill(self) -> None:
        """Without a word. What it had under way elsewhere goes on."""
        self._gone()

    def _gone(self) -> None:
        """What is left of it can do nothing any longer."""
        self.room = None
        self._life.over = True
        pipes, self._pipes = self._pipes, []
        for pipe in pipes:
            pipe.close()
        for task in self._life.tasks:
            task.cancel()

    def connect(self, end: End) -> Pipe:
        """Raises ConnectionRefusedError."""
        pipe = connect(self.address, end)
        self._pipes.append(pipe)
        if len(self._pipes) > MANY:
            self._pipes = [each for each in self._pipes if not each.closing]
            self._life.tasks = [each for each in self._life.tasks if not each.done()]
        return pipe
