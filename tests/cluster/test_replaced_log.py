"""The database is restored to an older copy while nodes run: two versions of the log are never mixed."""

import pytest

from tests.conftest import OpenRoom, Room
from tests.node_agents import NodeAgent, numbered_texts, register_agent
from tests.postgres import Postgres
from tests.stream_client import Watch, watching


@pytest.fixture
async def room(open_room: OpenRoom, url: str) -> Room:
    """A room on PostgreSQL."""
    return await open_room(log=url)


@pytest.fixture
async def ada(room: Room) -> NodeAgent:
    """An agent."""
    return await register_agent(room.running.node)


async def message_ids(room: Room) -> list[str]:
    """The ids of all messages."""
    return [message["id"] for message in (await room.get("/api/messages")).json["messages"]]


async def wait_until_dropped(watch: Watch) -> None:
    """Wait until the stream is cut, which happens when the node has read the new log."""
    with pytest.raises(ConnectionAbortedError):
        await watch.rest()


@pytest.mark.long
async def test_a_watcher_is_dropped_and_starts_over(room: Room, ada: NodeAgent, postgres: Postgres, url: str) -> None:
    """A watcher that resumes from a message that was lost gets a reset, and then the messages that there are now."""
    posted = await ada.post(*numbered_texts(3))
    async with watching(room.running.url) as watch:
        lost = await ada.post("lost")
        assert await watch.messages(1) == lost
        postgres.execute(f"delete from log where position > {posted[-1]}", url)
        await wait_until_dropped(watch)
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        frames = await watch.frames(3)

    assert [frame.kind for frame in frames] == ["reset", "history", "stats"]
    assert [message["id"] for message in frames[1].data] == posted


@pytest.mark.parametrize("others", [0, 5], ids=["shorter log", "other records at the same positions"])
async def test_a_node_reads_the_log_again(
    room: Room, ada: NodeAgent, open_room: OpenRoom, postgres: Postgres, url: str, others: int
) -> None:
    """The node gets the same room as a node that never read the old log, and both can go on."""
    posted = await ada.post(*numbered_texts(3))
    await ada.post("lost", "lost, too")
    async with watching(room.running.url) as watch:
        postgres.execute(f"delete from log where position > {posted[-1]}", url)
        fresh = await open_room(log=url)
        posted += await (await register_agent(fresh.running.node, "Bob")).post(*numbered_texts(others))
        await wait_until_dropped(watch)
    posted += await ada.post("later")
    await fresh.running.node.follower.catch_up()
    # How far a node has verified the log depends on when it started.
    heads = [(await each.get("/api/log/head")).json | {"verifiedTo": 0} for each in (room, fresh)]

    assert (posted, heads[0]) == (await message_ids(room), heads[1])


@pytest.mark.long
async def test_an_emptied_log_is_a_new_room(room: Room, ada: NodeAgent, postgres: Postgres, url: str) -> None:
    """After all records were deleted, agents can register as in a new room."""
    await ada.post("lost")
    async with watching(room.running.url) as watch:
        await watch.next("stats")
        postgres.execute("delete from log", url)
        await wait_until_dropped(watch)
    registered = await room.post("/api/register", {"name": "Ada"})

    assert (registered.status, await message_ids(room)) == (200, [])
