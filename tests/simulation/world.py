"""Three nodes, one log, and everything that can happen to them: a seed decides what does, and in which order."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import Any, Final

from attrs import define, evolve, field

from chatr.codec import Unreadable
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit
from chatr.ports import Draft, Stored
from chatr.settings import Settings
from tests.simulation.agents import Visitor
from tests.simulation.process import EXPECTED, Process
from tests.simulation.store import Store
from tests.simulation.truth import Truth
from tests.simulation.watchers import Watcher
from tests.simulation.weather import Weather

NODES: Final = 3
VISITORS: Final = 8
WATCHERS: Final = 6
VOICES: Final = 2
"""Requests that one agent has under way at once."""
PLENTY: Final = Limit(1_000_000, SECOND)
JUMPS: Final = (1, 999, SECOND, MINUTE, HOUR, 24 * HOUR, 48 * HOUR, 3650 * 24 * HOUR)
WINDOWS: Final = (SECOND, 2 * SECOND, 5 * SECOND)
TURNS: Final = 3
ROOMS: Final = 10
"""Steps between two comparisons of a whole room."""
TAIL: Final = 60


@define(eq=False)
class World:
    """Whatever is `wrong` with it is a sentence; there should be none."""

    random: Random
    weather: Weather
    steps: int = 0
    wrong: list[str] = field(factory=list)
    trace: deque[str] = field(factory=lambda: deque(maxlen=TAIL))
    digest: Any = field(factory=sha256)
    truth: Truth = field(init=False)
    store: Store = field(init=False)
    processes: list[Process] = field(init=False)
    visitors: list[Visitor] = field(init=False)
    watchers: list[Watcher] = field(init=False)
    _under_way: dict[asyncio.Task[None], None] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.store = Store(self.random, self.weather.luck, self._stored)
        self.truth = Truth(self.wrong.append, self.weather.kept)
        self.processes = [
            Process(f"node-{number}", settings(number, self.weather), self._died) for number in range(NODES)
        ]
        self.visitors = [
            Visitor(number, self.random, self.truth, self.processes, self.weather.cut, self.note)
            for number in range(VISITORS)
        ]
        self.watchers = [Watcher(f"watcher-{number}", self.truth, self.note) for number in range(WATCHERS)]

    def note(self, *words: object) -> None:
        """Part of the trace, which the seed alone decides."""
        line = f"{asyncio.get_running_loop().time():.6f} {' '.join(map(str, words))}"
        self.trace.append(line)
        self.digest.update(line.encode() + b"\n")

    def _stored(self, stored: Stored) -> None:
        self.note("stored", stored.position, stored.type, stored.data)
        self.truth.stored(stored)
        while self.random.random() < self.weather.rush:
            self._rush(self.random.randint(0, TURNS))

    def _rush(self, turns: int) -> None:
        """A watcher comes at the very moment at which nodes read what was stored: a few turns sooner or later."""
        if turns:
            asyncio.get_running_loop().call_soon(self._rush, turns - 1)
            return
        watcher = self.random.choice(self.watchers)
        watcher.leave()
        self._come(watcher)

    def _died(self, process: Process, error: BaseException) -> None:
        self.note(process.name, "died", repr(error))
        if not isinstance(error, EXPECTED) or (isinstance(error, Unreadable) and not self.truth.danced):
            self.wrong.append(f"{process.name} died of {error!r}")

    async def act(self) -> None:
        """One step: something happens, and then some time passes."""
        (act,) = self.random.choices(tuple(self.weather.acts), tuple(self.weather.acts.values()))
        getattr(self, act)()
        moment = self.random.random()
        await asyncio.sleep(self.random.choice((0, 0, 0, moment / 100, moment / 100, moment / 10, moment / 2)))
        self.steps += 1
        self._check()

    def _check(self) -> None:
        for process in self.processes:
            if process.node is not None:
                self.truth.has_read(process.node.room, process.name)
        process = self.processes[self.steps // ROOMS % NODES]
        if self.steps % ROOMS == 0 and process.node is not None:
            self.truth.has_made(process.node.room, process.name)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.wrong.append(f"a visitor met {error!r}")

    async def quiet(self) -> None:
        """Until everybody has finished what it was doing."""
        while self._under_way:
            await asyncio.wait(list(self._under_way))

    def speak(self) -> None:
        visitor = self.random.choice(self.visitors)
        if visitor.busy < VOICES:
            self._begin(visitor.act())

    def come(self) -> None:
        self._come(self.random.choice(self.watchers))

    def _come(self, watcher: Watcher) -> None:
        process = self.random.choice(self.processes)
        if not watcher.connected and process.up:
            watcher.slow = self.random.random() < self.weather.slow
            with suppress(ConnectionRefusedError):
                watcher.come(process, self.weather.history, chunked=self.random.random() < 0.5)

    def part(self) -> None:
        self.random.choice(self.watchers).leave()

    def take(self) -> None:
        """A slow watcher takes a little, or all there is."""
        self.random.choice(self.watchers).take(self.random.choice((None, self.random.randint(1, 500))))

    def start(self) -> None:
        for process in self.processes:
            if not process.up:
                self.note("start", process.name)
                process.start()
                return

    def kill(self) -> None:
        process = self.random.choice(self.processes)
        self.note("kill", process.name)
        process.kill()

    def stop(self) -> None:
        process = self.random.choice(self.processes)
        if process.up:
            self.note("stop", process.name)
            self._begin(process.stop())

    def unplug(self) -> None:
        """The store is away for a while."""
        self.note("unplug")
        self.store.away = True
        asyncio.get_running_loop().call_later(self.random.random() * 8, self.plug)

    def plug(self) -> None:
        self.store.away = False

    def stall(self) -> None:
        """What is stored is not seen for a while."""
        self.note("stall")
        self.store.stalled = True
        asyncio.get_running_loop().call_later(self.random.random() * 8, self.unstall)

    def unstall(self) -> None:
        self.store.stalled = False

    def jump(self) -> None:
        """A clock is set, or set right."""
        process = self.random.choice(self.processes)
        process.clock.off = self.random.choice((0, 1, -1)) * self.random.choice(JUMPS)
        self.note("jump", process.name, process.clock.off)

    def adopt(self) -> None:
        """An operator will start a node with other rates: as many messages, in another time."""
        process = self.random.choice(self.processes)
        verified, unverified = (Limit(count, self.random.choice(WINDOWS)) for count in (4, 2))
        process.settings = evolve(process.settings, rate_verified=verified, rate_unverified=unverified)
        self.note("adopt", process.name, verified, unverified)

    def restore(self) -> None:
        """The log becomes an older copy of itself."""
        self._restore(len(self.store.records) - self.random.randint(1, 30))

    def _restore(self, length: int) -> None:
        records = self.store.records[: max(length, 1)]
        self.note("restore", len(records))
        self.truth.restored(records)
        self.store.restore(records)

    def dance(self) -> None:
        """A newer chatr stores what this one does not know; some time later its operator thinks better of it."""
        if self.truth.branch.unreadable is None and self.store.records:
            position = len(self.store.records) + 1
            self.store.place(Draft(f"{position:032x}", f"dance/{position}", "agent-danced.v1", 0, 0, "{}"), 0)
            asyncio.get_running_loop().call_later(self.random.random() * 5, self.undance)

    def undance(self) -> None:
        if self.truth.branch.unreadable is not None:
            self._restore(self.truth.branch.unreadable - 1)


def settings(number: int, weather: Weather) -> Settings:
    """Only the rules of the house are in anybody's way."""
    return Settings(
        log=f"node-{number}",
        port=number,
        rate_requests=PLENTY,
        rate_registrations=PLENTY,
        max_streams_per_ip=1000,
        rate_verified=Limit(4, 2 * SECOND),
        rate_unverified=Limit(2, 2 * SECOND),
        online_for=30,
        history=weather.history,
        public_url="http://room",
    )
