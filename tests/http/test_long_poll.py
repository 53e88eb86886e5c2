"""Waiting for news with a plain request."""

import asyncio

from tests.conftest import OpenRoom, Room
from tests.watching import watching

LONG = "/api/messages?after=0&wait=25"


async def heard(room: Room) -> list[str]:
    """What a request that waits is told."""
    reply = await room.get(LONG)
    return [message["content"] for message in reply.json["messages"]]


async def test_what_is_said_ends_the_waiting(room: Room) -> None:
    """The first newer message is answered at once."""
    ada = await room.register()
    listening = asyncio.create_task(heard(room))
    await room.say(ada, "News!")

    assert await listening == ["News!"]


async def test_what_was_said_already_is_not_waited_for(room: Room) -> None:
    """Where there is news the answer does not wait."""
    ada = await room.register()
    await room.say(ada, "Old news")

    assert await heard(room) == ["Old news"]


async def test_nothing_said_is_an_empty_page(room: Room) -> None:
    """When the time is up the page is empty, and that is no error."""
    reply = await room.get("/api/messages?after=0&wait=1")

    assert (reply.status, reply.json) == (200, {"success": True, "messages": [], "hasMore": False})


async def test_waiting_takes_one_of_the_places_for_streams(open_room: OpenRoom) -> None:
    """An address that watches as often as it may is refused a wait."""
    room = await open_room(max_streams_per_ip=1)
    async with watching(room.running.url):
        reply = await room.get(LONG)

    assert (reply.status, reply.json["code"]) == (429, "too_many_streams")


async def test_a_room_that_closes_lets_go_of_who_waits(room: Room) -> None:
    """Whoever waits when the room closes is answered with what there is."""
    listening = asyncio.create_task(heard(room))
    room.running.node.leave()

    assert await listening == []
