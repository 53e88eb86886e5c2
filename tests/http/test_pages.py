"""GET /api/messages: what was said, page by page."""

from collections.abc import Sequence

import pytest

from chatr.domain.commands import Post
from chatr.domain.events import AgentId
from chatr.domain.limits import MESSAGES_KEPT, SECOND, Limit
from tests.conftest import OpenRoom, Room


@pytest.fixture
async def said(room: Room) -> list[str]:
    """The ids of seven messages, with other records between them."""
    ada, bob = await room.register("Ada"), await room.register("Bob")
    ids = []
    for number in range(7):
        ids.append((await room.say(ada, f"message {number}"))["id"])
        await room.post("/api/heartbeat", agent=bob)
    return ids


async def page(room: Room, **query: object) -> tuple[list[str], bool]:
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
async def test_a_page(query: dict[str, int], expected: Sequence[int], more: bool, room: Room, said: list[str]) -> None:
    """`after` walks forward, `before` or nothing back, both forward within; oldest first; `hasMore` looks ahead."""
    ids = {name: said[value] if name != "limit" else value for name, value in query.items()}

    assert await page(room, **ids) == ([said[index] for index in expected], more)


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
async def test_an_id_need_not_be_a_message_s(query: dict[str, str], count: int, room: Room, said: list[str]) -> None:
    """A cursor is a place between messages, and unknown parameters are none."""
    ids, more = await page(room, **query)

    assert (len(ids), more) == (count, False)


@pytest.mark.parametrize("parameter", ["after", "before", "since"])
@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "1.0", "1e3", "0x10", " 1", "1 ", "٣", "1" * 19, "1" * 5000, "1-5f3a9c01"]
)
async def test_what_is_no_cursor(parameter: str, text: str, room: Room) -> None:
    """An id is decimal and of at most 18 digits; the refusal names the parameter."""
    answer = await room.get("/api/messages", params={parameter: text})

    assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")
    assert answer.json["error"].startswith(f"{parameter} must be a message id")


async def chatter(room: Room, count: int) -> list[str]:
    """Say so much at once, without the door; the ids."""
    ada = AgentId((await room.register()).id)
    return [str(await post(room, ada, number)) for number in range(count)]


async def post(room: Room, ada: AgentId, number: int) -> int:
    room.clock.advance(SECOND)
    handled = await room.running.node.handle(Post(ada, f"message {number}", room.clock.now()))
    return handled.position


@pytest.fixture
async def busy_room(open_room: OpenRoom) -> Room:
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
NO_NUMBER = ["", "abc", "1.5", "1e1", "٣", "NaN", "--1"]


@pytest.mark.parametrize(("limit", "count"), [*CLAMPED, *((each, 50) for each in NO_NUMBER)])
async def test_the_limit_of_a_page(limit: str, count: int, busy_room: Room) -> None:
    """A limit is clamped to 1-100; what is no number is 50."""
    said = await chatter(busy_room, 110)

    assert await page(busy_room, limit=limit) == (said[-count:], True)


async def test_a_page_has_fifty_messages_unless_told(busy_room: Room) -> None:
    """Without a limit a page holds the 50 newest messages."""
    said = await chatter(busy_room, 51)

    assert await page(busy_room) == (said[1:], True)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_walking_forward_shows_every_message_once(limit: int, room: Room, said: list[str]) -> None:
    """Whoever goes on from the last id of a page until `hasMore` is false has read everything."""
    walked, more = await page(room, after=0, limit=limit)
    while more:
        ids, more = await page(room, after=walked[-1], limit=limit)
        walked += ids

    assert walked == said


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_walking_back_shows_every_message_once(limit: int, room: Room, said: list[str]) -> None:
    """Whoever goes back from the first id of a page until `hasMore` is false has read everything."""
    walked, more = await page(room, limit=limit)
    while more:
        ids, more = await page(room, before=walked[0], limit=limit)
        walked = ids + walked

    assert walked == said


async def test_messages_older_than_memory_are_read_from_the_log(busy_room: Room) -> None:
    """Nothing that was said is ever out of reach, nor changed by being old."""
    said = await chatter(busy_room, MESSAGES_KEPT + 20)
    answer = await busy_room.get("/api/messages", params={"after": "0", "limit": "50"})

    assert [message["id"] for message in answer.json["messages"]] == said[:50]
    assert [message["content"] for message in answer.json["messages"]] == [f"message {number}" for number in range(50)]
