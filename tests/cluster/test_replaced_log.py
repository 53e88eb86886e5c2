"""The database is set back to an older copy under a running node: nobody is shown two pasts as one."""

import pytest

from tests.conftest import OpenRoom, Room
from tests.crowd import Speaker, numbered, speaker
from tests.postgres import Postgres
from tests.watching import Watch, watching


@pytest.fixture
async def room(open_room: OpenRoom, url: str) -> Room:
    return await open_room(log=url)


@pytest.fixture
async def ada(room: Room) -> Speaker:
    return await speaker(room.running.node)


async def said(room: Room) -> list[str]:
    return [message["id"] for message in (await room.get("/api/messages")).json["messages"]]


async def sent_away(watch: Watch) -> None:
    """Wait until the stream is cut, which happens when another room has taken the place of the one that was shown."""
    with pytest.raises(ConnectionAbortedError):
        await watch.rest()


async def test_a_watcher_is_sent_away_and_begins_anew(room: Room, ada: Speaker, postgres: Postgres, url: str) -> None:
    """What it had been shown is no longer so: it is told when it comes back, and shown what is so now."""
    kept = await ada.say(*numbered(3))
    async with watching(room.running.url) as watch:
        lost = await ada.say("lost")
        assert await watch.messages(1) == lost
        postgres.do(f"delete from log where position > {kept[-1]}", url)
        await sent_away(watch)
    async with watching(room.running.url, last_id=watch.last_id) as watch:
        frames = await watch.frames(3)

    assert [frame.kind for frame in frames] == ["reset", "history", "stats"]
    assert [message["id"] for message in frames[1].data] == kept


@pytest.mark.parametrize("others", [0, 5], ids=["shorter", "with other records since"])
async def test_a_node_reads_the_log_again(
    room: Room, ada: Speaker, open_room: OpenRoom, postgres: Postgres, url: str, others: int
) -> None:
    """It comes to the same room as a node that never knew the other past, and both go on with it."""
    kept = await ada.say(*numbered(3))
    await ada.say("lost", "lost, too")
    async with watching(room.running.url) as watch:
        postgres.do(f"delete from log where position > {kept[-1]}", url)
        fresh = await open_room(log=url)
        kept += await (await speaker(fresh.running.node, "Bob")).say(*numbered(others))
        await sent_away(watch)
    kept += await ada.say("kept")
    await fresh.running.node.catch_up()
    heads = [(await each.get("/api/log/head")).json for each in (room, fresh)]

    assert (kept, heads[0]) == (await said(room), heads[1])


async def test_a_log_that_was_emptied_is_a_new_room(room: Room, ada: Speaker, postgres: Postgres, url: str) -> None:
    """Nobody is known any longer, and everybody may come."""
    await ada.say("lost")
    async with watching(room.running.url) as watch:
        await watch.next("stats")
        postgres.do("delete from log", url)
        await sent_away(watch)
    registered = await room.post("/api/register", {"name": "Ada"})

    assert (registered.status, await said(room)) == (200, [])
