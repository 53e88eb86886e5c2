"""One world from its first step to its last, and the calm after it."""

import asyncio
from contextlib import suppress
from random import Random
from typing import Any, Final

import structlog
from attrs import frozen

from chatr.audit import Audit
from tests.simulation.edges import edges, numbers
from tests.simulation.loop import SimulatedLoop
from tests.simulation.store import Luck
from tests.simulation.weather import weather
from tests.simulation.world import World

CALM: Final = 6.0
"""Seconds after which all has settled, when nothing is in the way."""
FAR: Final = 2**52
"""The auditor's clock is later than all others."""
HARMLESS: Final = ("log_changed",)


class Found(Exception):
    """Something that must not be. `trace` is the end of what led to it, `again` the command that replays it."""

    def __init__(self, seed: int, steps: int, world: World) -> None:
        super().__init__(world.wrong[0])
        self.steps = world.steps
        self.trace = list(world.trace)
        self.again = f"python -m tests.simulation --steps {steps} --seed {seed}"


@frozen
class Verdict:
    """What a world came to. Two runs of one seed have the same digest."""

    steps: int
    records: int
    messages: int
    digest: str


def simulate(seed: int, steps: int) -> Verdict:
    """Raises Found."""
    random = Random(f"world {seed}")  # generators of small numbers begin much alike
    sky = weather(random)
    with numbers(sky):
        world = World(random, sky)
        with edges(world), structlog.testing.capture_logs() as said:
            run(world, steps, said)
    if world.wrong:
        raise Found(seed, steps, world)
    return Verdict(world.steps, len(world.store.records), len(world.truth.branch.messages), world.digest.hexdigest())


def run(world: World, steps: int, said: list[Any]) -> None:
    loop = SimulatedLoop(world.random, shuffled=world.weather.shuffled)
    loop.set_exception_handler(lambda _, context: lost(world, context))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(life(world, steps, said))


def lost(world: World, context: dict[str, Any]) -> None:
    """An exception that nobody was there to hear. Where a process was killed there may be some."""
    world.wrong.append(f"{context['message']}: {context.get('exception')!r} {context}")


async def life(world: World, steps: int, said: list[Any]) -> None:
    for process in world.processes:
        process.start()
    while world.steps < steps and not world.wrong:
        await world.act()
        complain(world, said)
    if not world.wrong:
        await calm(world)
        complain(world, said)
    for process in world.processes:
        if process.up:
            await process.stop()


def complain(world: World, said: list[Any]) -> None:
    """What a node says of its own mistakes."""
    world.wrong += [str(each) for each in said if each["log_level"] == "error" and each["event"] not in HARMLESS]
    said.clear()


async def calm(world: World) -> None:
    """Nothing goes wrong any longer: now everybody must find together."""
    world.store.luck = Luck()
    world.plug()
    world.unstall()
    world.undance()
    await world.quiet()
    for _ in world.processes:
        await asyncio.sleep(CALM)
        world.start()
    await asyncio.sleep(CALM)
    for watcher in world.watchers:
        watcher.slow = False
        watcher.take()
        if not watcher.connected:
            with suppress(ConnectionRefusedError):
                watcher.come(world.processes[0], world.weather.history, chunked=True)
    await asyncio.sleep(CALM)
    judge(world)


def judge(world: World) -> None:
    truth = world.truth
    newest = truth.branch.messages[-1].cursor if truth.branch.messages else ""
    for process in world.processes:
        if process.node is None or process.node.room != truth.branch.room:
            world.wrong.append(f"{process.name} has not found back")
    world.wrong += [
        f"{each.name} is at {each.cursor}, not at {newest}" for each in world.watchers if each.cursor != newest
    ]
    audit = Audit(FAR)
    for stored in world.store.records:
        world.wrong += [str(finding) for finding in audit.check(stored) if not finding.note]
