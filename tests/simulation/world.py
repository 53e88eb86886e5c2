"""Three nodes, one log, agents and watchers: each step something happens to them, drawn from the seed."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import Any, Final

from attrs import define, evolve, field

from chatr.codec import UnreadableRecord
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Registration
from chatr.ports import Stored
from tests.simulation.agents import AgentClient, SimulatedMoltbook
from tests.simulation.conditions import Conditions
from tests.simulation.log_accidents import LogAccidents
from tests.simulation.node_checks import check_nodes
from tests.simulation.operator_commands import OperatorCommands
from tests.simulation.operators import OperatorClient
from tests.simulation.oracle import Oracle
from tests.simulation.process import EXPECTED_ERRORS, MachineClock, Process, node_settings
from tests.simulation.store import Store
from tests.simulation.watchers import Watcher

NODES: Final = 3
AGENTS: Final = 8
WATCHERS: Final = 6
OPERATORS: Final = 2
CONCURRENT_ACTIONS: Final = 2
"""Things that one agent does at the same time."""
CLOCK_JUMPS: Final = (1, 999, SECOND, MINUTE, HOUR, 24 * HOUR, 48 * HOUR, 3650 * 24 * HOUR)
WINDOWS: Final = (SECOND, 2 * SECOND, 5 * SECOND)
REGISTRATIONS: Final[tuple[Registration | None, ...]] = (None, "open", "open", "approval", "closed")
MAX_LOOP_ITERATIONS: Final = 3
"""Iterations of the event loop after an append in which a watcher may connect."""
TRACE_LENGTH: Final = 60


@define(eq=False)
class World:
    """The parts of a world and the actions that can happen. Every sentence in `faults` is something that is wrong."""

    random: Random
    conditions: Conditions
    steps: int = 0
    faults: list[str] = field(factory=list)
    trace: deque[str] = field(factory=lambda: deque(maxlen=TRACE_LENGTH))
    digest: Any = field(factory=sha256)
    oracle: Oracle = field(init=False)
    store: Store = field(init=False)
    processes: list[Process] = field(init=False)
    agents: list[AgentClient] = field(init=False)
    watchers: list[Watcher] = field(init=False)
    operators: list[OperatorClient] = field(init=False)
    commands: OperatorCommands = field(init=False)
    accidents: LogAccidents = field(init=False)
    _pending: dict[asyncio.Task[None], None] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        moltbook = SimulatedMoltbook(self.random)
        store_clock = MachineClock() if self.conditions.store_has_clock else None
        self.oracle = Oracle(self.faults.append, store_clock)
        faults, check_erased = self.conditions.store_faults, self.oracle.check_erased
        self.store = Store(self.random, faults, self._record_stored, check_erased, store_clock)
        self.processes = [
            Process(f"node-{number}", node_settings(number, self.conditions), self.store, moltbook, self._process_died)
            for number in range(NODES)
        ]
        for process in self.processes:
            process.clock.drift = self.conditions.drift * self.random.random()
            process.clock.swing = int(self.conditions.swing * self.random.random())
        self.agents = [
            AgentClient(number, self.random, self.oracle, self.processes, self.conditions.cut, self.note)
            for number in range(AGENTS)
        ]
        self.accidents = LogAccidents(self.random, self.store, self.oracle, self.note)
        self.commands = OperatorCommands(self.oracle, self.store)
        weights, cut = self.conditions.operators, self.conditions.cut
        self.operators = [
            OperatorClient(self.random, self.commands, self.processes, self.agents, weights, cut, self.note)
            for _ in range(OPERATORS)
        ]
        self.watchers = [
            Watcher(f"watcher-{number}", self.oracle, self.note, number % 2 == 0, self.conditions.messages_in_memory)
            for number in range(WATCHERS)
        ]

    def note(self, *words: object) -> None:
        """Add a line to the trace and to its digest. The seed alone must determine it."""
        line = f"{asyncio.get_running_loop().time():.6f} {' '.join(map(str, words))}"
        self.trace.append(line)
        self.digest.update(line.encode() + b"\n")

    def _record_stored(self, stored: Stored) -> None:
        self.note("stored", stored.position, stored.type, stored.data)
        self.oracle.record_stored(stored)
        while self.random.random() < self.conditions.rush:
            self._connect_soon(self.random.randint(0, MAX_LOOP_ITERATIONS))

    def _connect_soon(self, iterations: int) -> None:
        """Let a watcher connect so many loop iterations later, just when nodes read and publish what was stored."""
        if iterations:
            asyncio.get_running_loop().call_soon(self._connect_soon, iterations - 1)
            return
        watcher = self.random.choice(self.watchers)
        watcher.disconnect()
        self._connect(watcher)

    def _process_died(self, process: Process, error: BaseException) -> None:
        self.note(process.name, "died", repr(error))
        unexplained = isinstance(error, UnreadableRecord) and not self.oracle.had_unknown_type
        if not isinstance(error, EXPECTED_ERRORS) or unexplained:
            self.faults.append(f"{process.name} died of {error!r}")

    async def step(self) -> None:
        """Let one action happen, let some time pass, and check the nodes."""
        (name,) = self.random.choices(tuple(self.conditions.actions), tuple(self.conditions.actions.values()))
        ACTIONS[name](self)
        # Many steps follow at once, so that actions overlap.
        moment = self.random.random()
        await asyncio.sleep(self.random.choice((0, 0, 0, moment / 100, moment / 100, moment / 10, moment / 2)))
        self.steps += 1
        check_nodes(self.oracle, self.processes, self.steps)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._pending[task] = None
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._pending[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faults.append(f"an action failed with {error!r}")

    async def finish_actions(self) -> None:
        """Wait until everything that agents and nodes were doing is done."""
        while self._pending:
            await asyncio.wait(list(self._pending))

    def agent_acts(self) -> None:
        """An agent sends requests."""
        agent = self.random.choice(self.agents)
        if agent.busy < CONCURRENT_ACTIONS:
            self._start(agent.act())

    def operator_acts(self) -> None:
        """An operator gives a command."""
        operator = self.random.choice(self.operators)
        if not operator.is_busy:
            self._start(operator.act())

    def watcher_connects(self) -> None:
        """A watcher connects to a node, unless it is connected."""
        self._connect(self.random.choice(self.watchers))

    def _connect(self, watcher: Watcher) -> None:
        process = self.random.choice(self.processes)
        if not watcher.connected and process.is_running:
            watcher.slow = self.random.random() < self.conditions.slow
            with suppress(ConnectionRefusedError):
                watcher.connect(process, self.conditions.history, chunked=self.random.random() < 0.5)

    def watcher_disconnects(self) -> None:
        """A watcher closes its connection."""
        self.random.choice(self.watchers).disconnect()

    def watcher_reads(self) -> None:
        """A slow watcher reads some bytes, or all that wait."""
        self.random.choice(self.watchers).read(self.random.choice((None, self.random.randint(1, 500))))

    def node_starts(self) -> None:
        """The first node that is not running starts."""
        for process in self.processes:
            if not process.is_running:
                self.note("start", process.name)
                process.start()
                return

    def node_is_killed(self) -> None:
        """A node loses its power."""
        process = self.random.choice(self.processes)
        self.note("kill", process.name)
        process.kill()

    def node_stops(self) -> None:
        """A node is asked to stop."""
        process = self.random.choice(self.processes)
        if process.is_running:
            self.note("stop", process.name)
            self._start(process.stop())

    def store_goes_away(self) -> None:
        """The store cannot be reached for up to eight seconds."""
        self.note("store away")
        self.store.away = True
        asyncio.get_running_loop().call_later(self.random.random() * 8, self.store_comes_back)

    def store_comes_back(self) -> None:
        """The store can be reached again."""
        self.store.away = False

    def tails_stall(self) -> None:
        """Nodes do not see what is stored for up to eight seconds."""
        self.note("tails stall")
        self.store.stalled = True
        asyncio.get_running_loop().call_later(self.random.random() * 8, self.tails_continue)

    def tails_continue(self) -> None:
        """Nodes see again what is stored."""
        self.store.stalled = False

    def clock_jumps(self) -> None:
        """A machine's clock is set wrong, or right."""
        process = self.random.choice(self.processes)
        process.clock.set_error(self.random.choice((0, 1, -1)) * self.random.choice(CLOCK_JUMPS))
        self.note("clock", process.name, process.clock.error)

    def limits_change(self) -> None:
        """A node's next start is given other rates: the same counts in another window."""
        process = self.random.choice(self.processes)
        verified, unverified = (Limit(count, self.random.choice(WINDOWS)) for count in (4, 2))
        registration = self.random.choice(REGISTRATIONS)
        process.settings = evolve(
            process.settings, rate_verified=verified, rate_unverified=unverified, registration=registration
        )
        self.note("limits", process.name, verified, unverified, registration)


ACTIONS: Final[Mapping[str, Callable[[World], None]]] = {
    "agent_acts": World.agent_acts,
    "operator_acts": World.operator_acts,
    "watcher_connects": World.watcher_connects,
    "watcher_reads": World.watcher_reads,
    "watcher_disconnects": World.watcher_disconnects,
    "node_starts": World.node_starts,
    "node_is_killed": World.node_is_killed,
    "node_stops": World.node_stops,
    "store_goes_away": World.store_goes_away,
    "tails_stall": World.tails_stall,
    "clock_jumps": World.clock_jumps,
    "limits_change": World.limits_change,
    "unknown_type_is_stored": lambda world: world.accidents.store_unknown_type(),
    "log_is_restored": lambda world: world.accidents.restore(),
}
"""The actions that `Conditions.actions` names."""
