"""GET /api/messages with `wait`: long polling."""

import asyncio

import pytest

from tests.conftest import OpenRoom, Room
from tests.http.test_stream_slots import is_slot_freed
from tests.stream_client import connected, watching

LONG = "/api/messages?after=0&wait=25"


async def poll(room: Room) -> list[str]:
    """Wait for messages, and return their contents."""
    reply = await room.get(LONG)
    return [message["content"] for message in reply.json["messages"]]


async def test_a_new_message_ends_the_wait(room: Room) -> None:
    """A request that waits gets the first new message when it is posted."""
    ada = await room.register()
    waiting = asyncio.create_task(poll(room))
    await room.post_message(ada, "News!")

    assert await waiting == ["News!"]


async def test_an_existing_message_is_returned_without_waiting(room: Room) -> None:
    """A request does not wait if there is a message after `after`."""
    ada = await room.register()
    await room.post_message(ada, "Old news")

    assert await poll(room) == ["Old news"]


@pytest.mark.long
async def test_a_wait_without_messages_ends_with_an_empty_page(room: Room) -> None:
    """When the time is up the page is empty, and that is no error."""
    reply = await room.get("/api/messages?after=0&wait=1")

    assert (reply.status, reply.json) == (200, {"success": True, "messages": [], "hasMore": False})


async def test_a_wait_uses_a_stream_slot(open_room: OpenRoom) -> None:
    """An address that has used all its stream slots may not wait."""
    room = await open_room(max_streams_per_ip=1)
    async with watching(room.running.url):
        reply = await room.get(LONG)

    assert (reply.status, reply.json["code"]) == (429, "too_many_streams")


async def test_a_closing_server_ends_every_wait(room: Room) -> None:
    """When the server closes, requests that wait get a page with what there is."""
    waiting = asyncio.create_task(poll(room))
    room.running.node.follower.stop_waiting()

    assert await waiting == []


async def test_a_client_that_disconnects_frees_its_slot(open_room: OpenRoom) -> None:
    """The wait ends when the connection is lost, and not after a time."""
    room = await open_room(max_streams_per_ip=1)
    async with connected(room.running.url) as (_, writer):
        writer.write(f"GET {LONG} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while (await room.get(LONG.replace("25", "1"))).status != 429:
            pass
        writer.transport.abort()

    assert await is_slot_freed(room.running.url)
