"""Run one world from its first step to its last, then without faults until everything has settled."""

import asyncio
import gc
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import structlog
from attrs import frozen

from chatr.past.audit import Audit
from tests.simulation.conditions import draw_conditions
from tests.simulation.environment import simulated_environment, smaller_constants
from tests.simulation.erased_texts import texts_left
from tests.simulation.loop import SimulatedLoop
from tests.simulation.store import FaultRates
from tests.simulation.world import World

SETTLING_TIME: Final = 6.0
"""Seconds after which everything has settled once no more faults happen: more than every time-out of a node."""
AUDITORS_TIME: Final = 2**52
"""Milliseconds since 1970: later than any clock of a world."""
EXPECTED_LOG_EVENTS: Final = ("log_changed",)


class FaultFound(Exception):
    """Something that must not happen. `trace` is the end of what led to it, `command` repeats the world."""

    def __init__(self, seed: int, steps: int, world: World) -> None:
        super().__init__(world.faults[0])
        self.steps = world.steps
        self.trace = list(world.trace)
        self.command = f"python -m tests.simulation --steps {steps} --seed {seed}"


@frozen
class Outcome:
    """What a world came to. Two runs of one seed have the same digest."""

    steps: int
    records: int
    messages: int
    digest: str


def simulate(seed: int, steps: int) -> Outcome:
    """Run the world of a seed. Raises FaultFound."""
    random = Random(f"world {seed}")  # generators of small numbers begin much alike
    conditions = draw_conditions(random)
    with smaller_constants(conditions):
        world = World(random, conditions)
        with simulated_environment(world) as checkpoints, structlog.testing.capture_logs() as lines:
            run(world, steps, lines, checkpoints)
    # A node that reads a checkpoint exempts all objects from garbage collection, so those of killed nodes too.
    gc.unfreeze()
    if world.faults:
        raise FaultFound(seed, steps, world)
    messages = len(world.oracle.branch.messages)
    return Outcome(world.steps, len(world.store.records), messages, world.digest.hexdigest())


def run(world: World, steps: int, lines: list[Any], checkpoints: Path) -> None:
    """Run the world in its own event loop. `lines` are the log lines of all nodes, `checkpoints` is their folder."""
    loop = SimulatedLoop(world.random, shuffled=world.conditions.shuffled)
    loop.set_exception_handler(lambda _, context: report_unhandled(world, context))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(live(world, steps, lines, checkpoints))


def report_unhandled(world: World, context: dict[str, Any]) -> None:
    """Report an exception that no task handled."""
    world.faults.append(f"{context['message']}: {context.get('exception')!r} {context}")


async def live(world: World, steps: int, lines: list[Any], checkpoints: Path) -> None:
    """Start the nodes, make the steps, and let everything settle."""
    for process in world.processes:
        process.start()
    while world.steps < steps and not world.faults:
        await world.step()
        report_errors(world, lines)
    if not world.faults:
        await settle(world, checkpoints)
        report_errors(world, lines)
    for process in world.processes:
        if process.is_running:
            await process.stop()


def report_errors(world: World, lines: list[Any]) -> None:
    """Report what nodes logged as an error."""
    world.faults += [
        str(each) for each in lines if each["log_level"] == "error" and each["event"] not in EXPECTED_LOG_EVENTS
    ]
    lines.clear()


async def settle(world: World, checkpoints: Path) -> None:
    """Let no more faults happen and start all nodes: now they must agree, and watchers must receive everything."""
    world.store.faults = FaultRates()
    world.store_comes_back()
    world.tails_continue()
    world.accidents.remove_unknown_type()
    await world.finish_actions()
    for _ in world.processes:
        await asyncio.sleep(SETTLING_TIME)
        world.node_starts()
    await asyncio.sleep(SETTLING_TIME)
    for watcher in world.watchers:
        watcher.slow = False
        watcher.read()
        if not watcher.connected:
            with suppress(ConnectionRefusedError):
                watcher.connect(world.processes[0], world.conditions.history, chunked=True)
    await asyncio.sleep(SETTLING_TIME)
    check_end(world, checkpoints)


def check_end(world: World, checkpoints: Path) -> None:
    """All nodes must have the same room, all watchers the newest message, and the audit must find nothing."""
    oracle = world.oracle
    newest = oracle.branch.messages[-1] if oracle.branch.messages else None
    for process in world.processes:
        if process.room is None or not process.room.erasing.is_clean:
            world.faults.append(f"{process.name} has not carried out all erasures")
        if process.node is None or not oracle.branch.has_same_room(process.node.room):
            world.faults.append(f"{process.name} has not caught up")
    for watcher in world.watchers:
        if not oracle.visibility.follows(newest, watcher.cursor):
            world.faults.append(f"{watcher.name} is at {watcher.cursor}, not at {newest}")
        if watcher.wants_removed and (wrong := watcher.shown.differences(oracle.branch) - oracle.visibility.in_doubt):
            world.faults.append(f"{watcher.name} shows what is hidden, or does not show what is visible: {wrong}")
    world.commands.check_all()
    world.faults += texts_left(world, checkpoints)
    audit = Audit(AUDITORS_TIME)
    for stored in world.store.records:
        world.faults += [str(finding) for finding in audit.check(stored) if not finding.note]
    world.faults += [str(finding) for finding in audit.end()]
