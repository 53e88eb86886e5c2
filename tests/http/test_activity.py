"""GET /api/activity: how much was said when."""

from typing import Any

import pytest

from chatr.domain.activity import BUCKETS
from tests.conftest import Agent, Room


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register()


async def activity(room: Room, **query: object) -> Any:
    return (await room.get("/api/activity", params={name: str(value) for name, value in query.items()})).json


async def test_an_empty_room_was_never_active(room: Room) -> None:
    """Where nothing was said there are no buckets, and no time at which they begin."""
    assert await activity(room) == {"success": True, "from": None, "seconds": 1, "messages": []}


async def test_how_much_was_said_when(room: Room, ada: Agent) -> None:
    """Messages in buckets of equal width, from the first message to the last."""
    for _ in range(3):
        await room.say(ada, "Hello")

    assert await activity(room) == {
        "success": True,
        "from": "2026-01-01T00:05:00.000Z",
        "seconds": 1,
        "messages": [1, *[0] * 299, 1, *[0] * 299, 1],
    }


@pytest.mark.parametrize(
    ("buckets", "seconds", "messages"),
    [("2", 301, [2, 1]), ("1", 601, [3]), ("0", 601, [3]), ("-9", 601, [3]), ("3", 201, [1, 1, 1])],
)
async def test_fewer_buckets(room: Room, ada: Agent, buckets: str, seconds: int, messages: list[int]) -> None:
    """As many as are asked for at most, and at least one."""
    for _ in range(3):
        await room.say(ada, "Hello")
    shown = await activity(room, buckets=buckets)

    assert (shown["seconds"], shown["messages"]) == (seconds, messages)


@pytest.mark.parametrize("buckets", ["", "many", "1e3", "9" * 50, str(BUCKETS + 1)])
async def test_any_other_number_of_buckets(room: Room, ada: Agent, buckets: str) -> None:
    """What is no number, or too large a one, means as many as there are."""
    await room.say(ada, "Hello")

    assert await activity(room, buckets=buckets) == await activity(room)


async def test_whoever_has_the_chart_is_not_sent_it_again(room: Room, ada: Agent) -> None:
    """Until more is said, asking again costs next to nothing."""
    await room.say(ada, "Hello")
    tag = (await room.get("/api/activity")).headers["Etag"]
    again = await room.get("/api/activity", headers={"If-None-Match": tag})
    await room.say(ada, "Hello")
    later = await room.get("/api/activity", headers={"If-None-Match": tag})

    assert (again.status, later.status) == (304, 200)
