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


async def test_messages_are_counted_up_to_a_time(room: Room, ada: Agent) -> None:
    """With `to` alone messages are counted from the first one on, and the later ones do not widen the buckets."""
    for _ in range(3):
        await room.post_message(ada, "Hello")
    shown = await activity(room, to="2026-01-01T00:10:01Z")

    assert (shown["from"], shown["seconds"]) == ("2026-01-01T00:05:00.000Z", 1)
    assert shown["messages"] == [1, *[0] * 299, 1]
    assert await activity(room, to="2026-01-01T00:05:00Z") == {
        "success": True,
        "from": None,
        "seconds": 1,
        "messages": [],
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


DAY = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("query", "seconds", "messages"),
    [
        ({**DAY, "buckets": 24}, 3_600, [3, *[0] * 23]),
        ({"from": "2026-01-01T00:05:00Z", "to": "2026-01-01T00:10:00.500Z", "buckets": 2}, 151, [1, 1]),
        ({"from": "2026-01-01T02:10:00+02:00", "to": "1767226201000"}, 1, [1]),
        ({"from": "0", "to": "9999-12-31T23:59:59.999Z", "buckets": 1}, 253_402_300_800, [3]),
        ({"from": "2027-01-01T00:00:00Z", "to": "2027-01-01T00:00:10Z", "buckets": 2}, 5, [0, 0]),
    ],
    ids=["a day", "not a multiple", "one second", "the whole calendar", "no message"],
)
async def test_a_range_is_covered_by_buckets(
    room: Room, ada: Agent, query: dict[str, object], seconds: int, messages: list[int]
) -> None:
    """With `from` and `to` the buckets cover that range in whole seconds, the last one to its end."""
    for _ in range(3):
        await room.post_message(ada, "Hello")
    shown = await activity(room, **query)

    assert (shown["seconds"], shown["messages"]) == (seconds, messages)


async def test_the_first_bucket_of_a_range_begins_at_from(room: Room) -> None:
    """`from` in the response is the start of the first bucket, also in a room without messages."""
    shown = await activity(room, **DAY, buckets=2)

    assert shown == {"success": True, "from": "2026-01-01T00:00:00.000Z", "seconds": 43_200, "messages": [0, 0]}


@pytest.mark.parametrize(
    "query",
    [
        {"from": DAY["from"]},
        {"to": "yesterday"},
        {"to": ""},
        {"from": DAY["to"], "to": DAY["from"]},
        {"from": DAY["from"], "to": DAY["from"]},
        {"from": "yesterday", "to": DAY["to"]},
        {"from": "2026-01-01", "to": DAY["to"]},
        {"from": "2026-01-01T00:00:00", "to": DAY["to"]},
        {"from": "2026-02-30T00:00:00Z", "to": "2026-03-30T00:00:00Z"},
        {"from": "1969-12-31T23:59:59Z", "to": DAY["to"]},
        {"from": DAY["from"], "to": "9" * 18},
        {"from": "", "to": ""},
        {"from": "-5", "to": "9" * 5_000},
    ],
    ids=lambda query: "&".join(f"{name}={value[:20]}" for name, value in query.items()),
)
async def test_other_ranges_are_rejected(room: Room, query: dict[str, str]) -> None:
    """A range that is not one is an error that says what to give, and never another range."""
    response = await room.get("/api/activity", params=query)

    assert (response.status, response.json["code"]) == (400, "invalid_range")
    assert "from and to" in response.json["error"]
