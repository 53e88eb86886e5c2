"""Watchers of several nodes: all see the same, and who changes nodes misses and repeats nothing."""

import asyncio
from itertools import chain
from random import Random

import pytest

from tests.conftest import OpenRoom, Room
from tests.crowd import Speaker, numbered, speaker
from tests.proxy import Proxy
from tests.watching import Watch, watching

TURNS = 20


@pytest.fixture
async def speakers(rooms: list[Room]) -> list[Speaker]:
    """Two on every node; each of them speaks five minutes after it last did."""
    return [await speaker(room.running.node, f"Ada-{number}") for number, room in enumerate(rooms * 2)]


async def all_said(speakers: list[Speaker]) -> list[str]:
    """The ids of what everybody said at once, in the order of the log."""
    said = await asyncio.gather(*(each.say(*numbered(TURNS)) for each in speakers))
    return sorted(chain.from_iterable(said), key=int)


async def test_all_watchers_see_the_same_order(rooms: list[Room], speakers: list[Speaker]) -> None:
    """Whichever node a watcher watches, and whichever nodes are spoken to."""
    joined = asyncio.Semaphore(0)

    async def watched(room: Room) -> list[str]:
        async with watching(room.running.url) as watch:
            await watch.next("stats")
            joined.release()
            return await watch.messages(TURNS * len(speakers))

    watchers = [asyncio.create_task(watched(room)) for room in rooms * 2]
    for _ in watchers:
        await joined.acquire()
    said = await all_said(speakers)

    assert [await watcher for watcher in watchers] == [said] * 6


async def test_a_watcher_that_changes_nodes_misses_and_repeats_nothing(
    rooms: list[Room], speakers: list[Speaker]
) -> None:
    """With its last id it goes on wherever it comes to, however far that node is."""
    random = Random(7)
    seen = await speakers[0].say("first")
    last_id = speakers[0].id_of(seen[0])
    speaking = asyncio.create_task(all_said(speakers))
    while len(seen) <= TURNS * len(speakers):
        async with watching(random.choice(rooms).running.url, last_id=last_id) as watch:
            while len(seen) <= TURNS * len(speakers) and random.random() < 0.8:
                seen.append(await next_message(watch))
                last_id = watch.last_id

    assert seen[1:] == await speaking


async def next_message(watch: Watch) -> str:
    """Its id. A reset or a history would be a new beginning."""
    while (frame := await watch.frame()).kind == "stats":
        pass
    assert frame.kind == "message"
    return str(frame.data["id"])


async def test_a_watcher_that_is_ahead_of_its_new_node_is_waited_for(
    rooms: list[Room], speakers: list[Speaker], open_room: OpenRoom, line: Proxy, url: str
) -> None:
    """A node does not call an id foreign that it has not read yet: it reads on first."""
    late = await open_room(log=line.way_to(url), clock=rooms[0].clock)
    line.hold()
    said = await speakers[0].say(*numbered(3))

    async def come_back() -> str:
        async with watching(late.running.url, last_id=speakers[0].id_of(said[1])) as watch:
            return await next_message(watch)

    coming = asyncio.create_task(come_back())
    statuses = [(await late.get("/health")).status for _ in range(3)]
    line.release()

    assert (statuses, await coming) == ([200] * 3, said[-1])
