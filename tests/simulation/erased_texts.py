"""Find out what is left of erased texts in the log, in the checkpoints, and in the memory of nodes."""

import gc
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from chatr.adapters.http import response_cache
from tests.simulation.loop import Lifetime
from tests.simulation.message_texts import texts_in
from tests.simulation.network import PendingRequest
from tests.simulation.process import Process
from tests.simulation.world import World

NOT_OF_A_NODE: Final = (type, ModuleType, PendingRequest, Lifetime)
"""Types of objects to which a node refers, and which are no part of its memory of the log: clients among them."""


def texts_left(world: World, checkpoints: Path) -> Iterator[str]:
    """Yield a sentence for each place that holds the text of a message which was erased."""
    erased = world.oracle.branch.erased_texts()
    if not erased:
        return
    for position in world.oracle.branch.moderation.erased:
        if not world.store.is_erased(position):
            yield f"the log holds the text of {position}, which was erased"
    for path in checkpoints.iterdir():
        if found := texts_in(path.read_bytes(), erased):
            yield f"checkpoint {path.name} holds {found}, which were erased"
    for holder, text in texts_in_memory(world.processes, erased, outside=(world, *parts_of(world))):
        yield f"a node holds {text}, which was erased, in {holder}"


def texts_in_memory(
    processes: Sequence[Process], erased: Collection[str], outside: Iterable[object]
) -> Iterator[tuple[str, str]]:
    """Yield the type of each object with which nodes refer to erased texts, and one of these.

    `outside`: objects that are no part of a node although it refers to them.
    """
    waiting: list[tuple[str, object]] = [("process", each) for process in processes for each in process.roots]
    waiting.append(("cache", response_cache._message))  # noqa: SLF001 -- all caches are searched
    seen = {id(each) for each in (*outside, *(vars(module) for module in sys.modules.values()))}
    while waiting:
        holder, found = waiting.pop()
        if id(found) in seen or isinstance(found, NOT_OF_A_NODE):
            continue
        seen.add(id(found))
        if isinstance(found, str | bytes | bytearray):
            for text in texts_in(bytes(found) if isinstance(found, bytearray) else found, erased):
                yield holder, text
        else:
            waiting += [(type(found).__name__, each) for each in gc.get_referents(found)]


def parts_of(world: World) -> Iterator[Any]:
    """Yield the parts of a world: what they hold is what clients, the test and backups know."""
    yield from (world.oracle, world.store, world.commands, world.accidents, world.random, *world.processes)
    yield from (*world.agents, *world.watchers, *world.operators)
