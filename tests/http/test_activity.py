"""GET /api/activity: numbers of messages in buckets of equal width."""

from typing import Any

import pytest

from chatr.domain.message_times import MAX_BUCKETS
from tests.conftest import Agent, Room
from tests.moderation import record_erasure, remove, restore


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register()


async def activity(room: Room, **query: object) -> Any:
    """Return the body of the response."""
    return (await room.get("/api/activity", params={name: str(value) for name, value in query.items()})).json


async def test_a_room_without_messages_has_no_buckets(room: Room) -> None:
    """Without messages there are no buckets, and `from` is null."""
    assert await activity(room) == {"success": True, "from": None, "seconds": 1, "messages": []}


async def test_messages_are_counted_in_buckets(room: Room, ada: Agent) -> None:
    """Messages are counted in buckets of equal width, from the first message to the last."""
    for _ in range(3):
        await room.post_message(ada, "Hello")

    assert await activity(room) == {
        "success": True,
        "from": "2026-01-01T00:05:00.000Z",
        "seconds": 1,
        "messages": [1, *[0] * 299, 1, *[0] * 299, 1],
    }


async def test_only_messages_that_are_shown_are_counted(room: Room, ada: Agent) -> None:
    """A removed or erased message is not counted, and a restored one is again."""
    first, second = [(await room.post_message(ada, "Hello"))["id"] for _ in range(2)]
    counts = []
    for step in (remove, restore, record_erasure):
        await step(room.running.node, ada.id, first)
        counts.append((await activity(room, buckets=2))["messages"])
    await remove(room.running.node, ada.id, second)

    assert counts == [[0, 1], [1, 1], [0, 1]]
    assert (await activity(room, buckets=1))["messages"] == [0]


@pytest.mark.parametrize(
    ("buckets", "seconds", "messages"),
    [("2", 301, [2, 1]), ("1", 601, [3]), ("0", 601, [3]), ("-9", 601, [3]), ("3", 201, [1, 1, 1])],
)
async def test_buckets_are_merged_down_to_the_requested_number(
    room: Room, ada: Agent, buckets: str, seconds: int, messages: list[int]
) -> None:
    """There are at most as many buckets as requested, and at least one."""
    for _ in range(3):
        await room.post_message(ada, "Hello")
    shown = await activity(room, buckets=buckets)

    assert (shown["seconds"], shown["messages"]) == (seconds, messages)


@pytest.mark.parametrize("buckets", ["", "many", "1e3", "9" * 50, str(MAX_BUCKETS + 1)])
async def test_other_values_of_buckets_are_ignored(room: Room, ada: Agent, buckets: str) -> None:
    """If `buckets` is not a number, or too large, all buckets are returned."""
    await room.post_message(ada, "Hello")

    assert await activity(room, buckets=buckets) == await activity(room)


async def test_an_unchanged_response_is_not_sent_again(room: Room, ada: Agent) -> None:
    """A client with the current ETag gets 304 until a message is posted."""
    await room.post_message(ada, "Hello")
    etag = (await room.get("/api/activity")).headers["Etag"]
    again = await room.get("/api/activity", headers={"If-None-Match": etag})
    await room.post_message(ada, "Hello")
    later = await room.get("/api/activity", headers={"If-None-Match": etag})

    assert (again.status, later.status) == (304, 200)
