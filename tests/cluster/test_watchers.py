"""Watchers of several nodes receive the same messages, and can change nodes without a gap."""

import asyncio
from itertools import chain
from random import Random

import pytest

from tests.conftest import OpenRoom, Room
from tests.node_agents import NodeAgent, numbered_texts, register_agent
from tests.postgres_proxy import Proxy
from tests.stream_client import Watch, watching

MESSAGES_EACH = 20


@pytest.fixture
async def agents(rooms: list[Room]) -> list[NodeAgent]:
    """Two agents on every node."""
    return [await register_agent(room.running.node, f"Ada-{number}") for number, room in enumerate(rooms * 2)]


async def post_all(agents: list[NodeAgent]) -> list[str]:
    """Let all agents post at the same time; return the ids of the messages in the order of the log."""
    posted = await asyncio.gather(*(each.post(*numbered_texts(MESSAGES_EACH)) for each in agents))
    return sorted(chain.from_iterable(posted), key=int)


async def test_all_watchers_receive_the_same_order(rooms: list[Room], agents: list[NodeAgent]) -> None:
    """Watchers of all nodes receive what agents post through all nodes, in the order of the log."""
    joined = asyncio.Semaphore(0)

    async def receive_all(room: Room) -> list[str]:
        async with watching(room.running.url) as watch:
            await watch.next("stats")
            joined.release()
            return await watch.messages(MESSAGES_EACH * len(agents))

    watchers = [asyncio.create_task(receive_all(room)) for room in rooms * 2]
    for _ in watchers:
        await joined.acquire()
    posted = await post_all(agents)

    assert [await watcher for watcher in watchers] == [posted] * 6


async def test_a_watcher_that_changes_nodes_has_no_gap(rooms: list[Room], agents: list[NodeAgent]) -> None:
    """With its last id a watcher resumes at any node, however far that node has read; no message is repeated."""
    random = Random(7)
    received = await agents[0].post("first")  # its id; the ids that the watcher receives are added
    last_id = agents[0].cursor_at(received[0])
    posting = asyncio.create_task(post_all(agents))
    while len(received) <= MESSAGES_EACH * len(agents):
        async with watching(random.choice(rooms).running.url, last_id=last_id) as watch:
            while len(received) <= MESSAGES_EACH * len(agents) and random.random() < 0.8:
                received.append(await next_message(watch))
                last_id = watch.last_id

    assert received[1:] == await posting


async def next_message(watch: Watch) -> str:
    """The id of the next message. A reset or a history would mean that the stream was not resumed."""
    while (frame := await watch.frame()).kind == "stats":
        pass
    assert frame.kind == "message"
    return str(frame.data["id"])


async def test_a_node_that_is_behind_reads_the_log_before_it_resets(
    rooms: list[Room], agents: list[NodeAgent], open_room: OpenRoom, database_proxy: Proxy, url: str
) -> None:
    """A node that has not read the record of a watcher's last id catches up and resumes; it does not send a reset."""
    late = await open_room(log=database_proxy.url_through(url), clock=rooms[0].clock)
    database_proxy.hold()
    posted = await agents[0].post(*numbered_texts(3))

    async def resume() -> str:
        async with watching(late.running.url, last_id=agents[0].cursor_at(posted[1])) as watch:
            return await next_message(watch)

    resuming = asyncio.create_task(resume())
    statuses = [(await late.get("/health")).status for _ in range(3)]
    database_proxy.release()

    assert (statuses, await resuming) == ([200] * 3, posted[-1])
