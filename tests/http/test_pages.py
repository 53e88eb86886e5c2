"""GET /api/messages: reading messages page by page."""

from collections.abc import Sequence

import pytest

from chatr.domain.commands import Post
from chatr.domain.identity import AgentId
from chatr.domain.limits import MESSAGES_IN_MEMORY, SECOND, Limit
from tests.conftest import OpenRoom, Room


@pytest.fixture
async def message_ids(room: Room) -> list[str]:
    """The ids of seven messages, with other records between them."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    ids = []
    for number in range(7):
        ids.append((await room.post_message(ada, f"message {number}"))["id"])
        await room.post("/api/heartbeat", agent=bob)
    return ids


async def page(room: Room, **query: object) -> tuple[list[str], bool]:
    """Return the ids on a page, and `hasMore`."""
    answer = await room.get("/api/messages", params={name: str(value) for name, value in query.items()})
    assert answer.status == 200, answer.json
    return [message["id"] for message in answer.json["messages"]], answer.json["hasMore"]


@pytest.mark.parametrize(
    ("query", "expected", "more"),
    [
        pytest.param({}, range(7), False, id="all that fits"),
        pytest.param({"limit": 3}, range(4, 7), True, id="the newest"),
        pytest.param({"limit": 7}, range(7), False, id="exactly all"),
        pytest.param({"before": 3}, range(3), False, id="back to the beginning"),
        pytest.param({"before": 3, "limit": 2}, range(1, 3), True, id="one page back"),
        pytest.param({"before": 0}, range(0), False, id="nothing is older"),
        pytest.param({"after": 3}, range(4, 7), False, id="forward to the end"),
        pytest.param({"after": 3, "limit": 2}, range(4, 6), True, id="one page forward"),
        pytest.param({"after": 3, "limit": 3}, range(4, 7), False, id="exactly the rest"),
        pytest.param({"after": 6}, range(0), False, id="nothing is newer"),
        pytest.param({"since": 3}, range(4, 7), False, id="since is after"),
        pytest.param({"after": 5, "since": 0}, range(6, 7), False, id="after goes before since"),
        pytest.param({"after": 1, "before": 5}, range(2, 5), False, id="between"),
        pytest.param({"after": 1, "before": 5, "limit": 2}, range(2, 4), True, id="forward between"),
        pytest.param({"since": 1, "before": 5, "limit": 3}, range(2, 5), False, id="exactly between"),
        pytest.param({"after": 2, "before": 3}, range(0), False, id="nothing between"),
        pytest.param({"after": 5, "before": 1}, range(0), False, id="the wrong way round"),
    ],
)
async def test_a_page(
    query: dict[str, int], expected: Sequence[int], more: bool, room: Room, message_ids: list[str]
) -> None:
    """`after` pages forward, `before` or neither pages back, both page forward in between; oldest first."""
    ids = {name: message_ids[value] if name != "limit" else value for name, value in query.items()}

    assert await page(room, **ids) == ([message_ids[index] for index in expected], more)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"after": "0"}, 7),
        ({"after": "000000000000000001"}, 7),
        ({"after": "999999999999999999"}, 0),
        ({"before": "999999999999999999"}, 7),
        ({"before": "0"}, 0),
        ({"agentId": "x", "colour": "red"}, 7),
    ],
    ids=str,
)
async def test_a_cursor_may_lie_between_messages(
    query: dict[str, str], count: int, room: Room, message_ids: list[str]
) -> None:
    """`after` and `before` need not be ids of messages. Unknown parameters are ignored."""
    ids, more = await page(room, **query)

    assert (len(ids), more) == (count, False)


@pytest.mark.parametrize("parameter", ["after", "before", "since"])
@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "1.0", "1e3", "0x10", " 1", "1 ", "٣", "1" * 19, "1" * 5000, "1-5f3a9c01"]
)
async def test_a_malformed_cursor_is_rejected(parameter: str, text: str, room: Room) -> None:
    """A cursor is a decimal number of at most 18 digits; the error names the parameter."""
    answer = await room.get("/api/messages", params={parameter: text})

    assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")
    assert answer.json["error"].startswith(f"{parameter} must be a message id")


async def post_many(room: Room, count: int) -> list[str]:
    """Post so many messages without HTTP, and return their ids."""
    ada = AgentId((await room.register()).id)
    return [str(await post(room, ada, number)) for number in range(count)]


async def post(room: Room, ada: AgentId, number: int) -> int:
    """Post a message a second after the last one, and return its position."""
    room.clock.advance(SECOND)
    handled = await room.running.node.commands.handle(Post(ada, f"message {number}", room.clock.now()))
    return handled.position


@pytest.fixture
async def fast_room(open_room: OpenRoom) -> Room:
    return await open_room(rate_unverified=Limit(1, SECOND))


CLAMPED = [
    ("1", 1),
    ("100", 100),
    ("101", 100),
    ("1000", 100),
    ("9" * 30, 100),
    ("0", 1),
    ("-5", 1),
    ("-" + "9" * 30, 1),
]
NOT_A_NUMBER = ["", "abc", "1.5", "1e1", "٣", "NaN", "--1"]


@pytest.mark.parametrize(("limit", "count"), [*CLAMPED, *((each, 50) for each in NOT_A_NUMBER)])
async def test_the_limit_is_clamped(limit: str, count: int, fast_room: Room) -> None:
    """A limit is clamped to 1-100; if it is not a number, it is 50."""
    ids = await post_many(fast_room, 110)

    assert await page(fast_room, limit=limit) == (ids[-count:], True)


async def test_a_page_has_50_messages_by_default(fast_room: Room) -> None:
    """Without a limit a page has the 50 newest messages."""
    ids = await post_many(fast_room, 51)

    assert await page(fast_room) == (ids[1:], True)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_paging_forward_returns_every_message_once(limit: int, room: Room, message_ids: list[str]) -> None:
    """A client that pages with `after` until `hasMore` is false gets every message once."""
    collected, more = await page(room, after=0, limit=limit)
    while more:
        ids, more = await page(room, after=collected[-1], limit=limit)
        collected += ids

    assert collected == message_ids


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_paging_back_returns_every_message_once(limit: int, room: Room, message_ids: list[str]) -> None:
    """A client that pages with `before` until `hasMore` is false gets every message once."""
    collected, more = await page(room, limit=limit)
    while more:
        ids, more = await page(room, before=collected[0], limit=limit)
        collected = ids + collected

    assert collected == message_ids


async def test_messages_older_than_memory_are_read_from_the_log(fast_room: Room) -> None:
    """Messages that are no longer in memory are returned unchanged."""
    ids = await post_many(fast_room, MESSAGES_IN_MEMORY + 20)
    answer = await fast_room.get("/api/messages", params={"after": "0", "limit": "50"})

    assert [message["id"] for message in answer.json["messages"]] == ids[:50]
    assert [message["content"] for message in answer.json["messages"]] == [f"message {number}" for number in range(50)]
