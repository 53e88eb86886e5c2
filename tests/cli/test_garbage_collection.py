"""The garbage collector searches few objects, however large the room is and however long it runs."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from chatr.cli import garbage_collection
from chatr.cli.garbage_collection import MANY_OBJECTS, YOUNG_OBJECTS, collect_regularly, set_thresholds
from chatr.domain.agent import Agent
from chatr.testing.contract.steps import run_event_loop


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Exempts all that other tests left, and restores the collector."""
    thresholds = gc.get_threshold()
    gc.freeze()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def searched() -> int:
    """How many objects a full collection would search."""
    return len(gc.get_objects())


async def searched_after_posts(of_agents: int) -> int:
    """How many objects are searched after a room has folded messages that replaced the states of all agents twice."""
    room = [Agent() for _ in range(of_agents)]
    collecting = asyncio.create_task(collect_regularly(interval=0))
    for post in range(2 * of_agents):
        room[post % of_agents] = Agent()
        if post % 10_000 == 0:
            await run_event_loop(2)
    collecting.cancel()
    return searched()


async def test_a_large_room_is_not_searched() -> None:
    """The objects that a collection searches do not grow with the room, although Python would not collect them."""
    assert await searched_after_posts(of_agents=60_000) < 2 * MANY_OBJECTS


async def test_a_small_room_is_left_to_the_collector() -> None:
    """Nothing is exempted while few objects are made, because exempted cycles would never be freed."""
    exempt = gc.get_freeze_count()
    await searched_after_posts(of_agents=10_000)

    assert gc.get_freeze_count() <= exempt


async def test_cycles_are_collected_in_a_quiet_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full collection begins now and then although nothing is folded."""
    monkeypatch.setattr(garbage_collection, "FULL_COLLECTION_INTERVAL", 0)
    collecting = asyncio.create_task(collect_regularly(interval=0))
    await run_event_loop(1)
    before = gc.get_stats()[2]["collections"]
    await run_event_loop(3)
    collecting.cancel()

    assert gc.get_stats()[2]["collections"] > before


def test_no_full_collection_begins_by_itself() -> None:
    """Making many objects that stay starts no collection that searches all objects."""
    set_thresholds()
    before = gc.get_stats()[2]["collections"]
    objects = [Agent() for _ in range(11 * YOUNG_OBJECTS)]

    assert gc.get_stats()[2]["collections"] == before
    assert objects
