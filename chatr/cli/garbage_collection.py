"""Garbage collection that never searches the whole room.

A room has no reference cycles, but a full collection searches every object of it: half a second at a million agents. So
no full collection begins by itself, and those that are begun here search only what was made lately.
"""

import asyncio
import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""New objects after which Python searches them for cycles; its default is 700.

Folding a log makes many objects and no cycle: at the default the collector took a fifth of the time.
"""
YOUNG_COLLECTIONS: Final = 2
"""Such collections after which the objects that survived them are searched once more, in a few milliseconds."""
NEVER: Final = 1_000_000_000
MANY_OBJECTS: Final = 20_000
"""Objects that a collection may search: it takes about 10 ms."""
LOOK_INTERVAL: Final = 0.25
"""Seconds between two counts of the objects, which take less than a millisecond."""
FULL_COLLECTION_INTERVAL: Final = 600.0
"""Seconds between two full collections."""


def set_thresholds() -> None:
    """Let Python search young objects by itself, and never all objects."""
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_COLLECTIONS, NEVER)


async def collect_regularly(interval: float = LOOK_INTERVAL) -> None:
    """Keep collections short, for ever: exempt all objects from them whenever there are too many to be searched.

    Exempt objects are freed as soon as nothing refers to them; only cycles of them would stay.
    """
    loop = asyncio.get_running_loop()
    collected_at = loop.time()
    while True:
        exempt_if_many()
        if loop.time() - collected_at >= FULL_COLLECTION_INTERVAL:
            collected_at = loop.time()
            gc.collect()
        await asyncio.sleep(interval)


def exempt_if_many() -> None:
    """Exempt all objects from later collections if more than MANY_OBJECTS are not."""
    # Counted, because Python's own count is of objects made less objects freed: each message replaces the state of an
    # agent, so the count stays while ever more young objects wait to be searched.
    # Not more often than needed: a connection that is open now is a cycle of 2 kB when it is closed, and then stays.
    if len(gc.get_objects()) > MANY_OBJECTS:
        gc.freeze()
