"""GET /api/messages with `from`, `mentions`, `replyTo`, `thread` and `to`, and GET /api/agents/{name}."""

import asyncio
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any

import pytest
from attrs import frozen

from chatr.adapters.http.endpoints.long_reads import pause_always
from chatr.adapters.http.endpoints.selected_messages import NewMessageCheck
from chatr.domain import selection
from chatr.domain.limits import HOUR
from chatr.testing.records import folded_room, records_of
from tests.conftest import Agent, Room
from tests.domain.examples import CRAB, LOBSTER
from tests.domain.test_addressing import ALL_REGISTERED, posted
from tests.metrics.scrape import calls_of
from tests.moderation import record_erasure, remove

NAMES = ("Ada", "Bob", "Cyd")


@frozen
class Conversation:
    """A room, its agents by name, and its messages as they were returned."""

    room: Room
    agents: dict[str, Agent]
    messages: list[dict[str, Any]]

    async def ids(self, query: str, **options: Any) -> list[int]:
        """The indexes of the messages that a request returns."""
        found = (await self.room.get(f"/api/messages?{query}", **options)).json["messages"]
        return [next(i for i, each in enumerate(self.messages) if each["id"] == one["id"]) for one in found]


@pytest.fixture
async def conversation(room: Room) -> Conversation:
    agents = {name: await room.register(name) for name in NAMES}
    lines = (
        ("Ada", "@Bob, hello", None),
        ("Bob", "@Ada, hello", 0),
        ("Cyd", "Hello all", None),
        ("Ada", "@Bob @Cyd: good", 1),
        ("Bob", "@Cyd, is it?", 0),
    )
    messages: list[dict[str, Any]] = []
    for name, text, target in lines:
        more = {} if target is None else {"replyTo": messages[target]["id"]}
        messages.append(await room.post_message(agents[name], text, **more))
    return Conversation(room, agents, messages)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=Ada", [0, 3]),
        ("from=ada&limit=1", [3]),
        ("mentions=Bob", [0, 3]),
        ("mentions=Cyd&from=Bob", [4]),
        ("mentions=Cyd&mentions=Bob", [3, 4]),
        ("replyTo={0}", [1, 4]),
        ("replyTo={0}&mentions=Ada", [1]),
        ("replyTo={0}&from=Ada", []),
        ("replyTo=1", []),
        ("thread={0}", [1, 3, 4]),
        ("thread={1}", [3]),
        ("thread={3}", []),
        ("thread={0}&from=Bob", [1, 4]),
        ("thread={0}&after={1}&limit=1", [3]),
        ("to=Ada", [1, 4]),
        ("to=bob&from=Ada", [3]),
        ("to=Cyd", []),
        ("from=Bob&after={1}", [4]),
        ("from=Bob&before={4}", [1]),
        ("mentions=Cyd&after={0}&before={4}", [3]),
    ],
)
async def test_criteria_are_combined_by_and(conversation: Conversation, query: str, expected: list[int]) -> None:
    """Only messages that meet all filters are returned, also between `after` and `before`."""
    filled = query.format(*(each["id"] for each in conversation.messages))

    assert await conversation.ids(filled) == expected


@pytest.mark.parametrize("direction", ["after", "before"])
@pytest.mark.parametrize("step", [1, 2, 5_000])
async def test_pages_of_selected_messages_follow_one_another(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch, direction: str, step: int
) -> None:
    """Each selected message is on exactly one page, however few messages are examined in one step."""
    monkeypatch.setattr(selection, "MESSAGES_A_STEP", step)
    pages, cursor = [], "after=0" if direction == "after" else "limit=1"
    while True:
        page = (await conversation.room.get(f"/api/messages?mentions=Bob&from=Ada&limit=1&{cursor}")).json
        pages.append(page["messages"][0]["id"])
        cursor = f"{direction}={pages[-1]}"
        if not page["hasMore"]:
            break

    expected = [conversation.messages[index]["id"] for index in (0, 3)]
    assert pages == (expected if direction == "after" else expected[::-1])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("since=2026-01-01T00:15:00Z", [2, 3, 4]),
        ("since=2026-01-01T00:15:00Z&limit=1", [4]),
        ("since=2026-01-01T00:15:00Z&limit=1&after=0", [2]),
        ("since=2026-01-01T02:15:00%2B02:00&until=2026-01-01T00:25:00Z", [2, 3]),
        ("until=2026-01-01T00:10:00.001Z", [0, 1]),
        ("until=2026-01-01T00:05:00Z", []),
        ("since=2026-01-01T00:15:00.999Z&before={4}", [2, 3]),
        ("since=2026-01-01T00:15:00Z&after={2}", [3, 4]),
        ("since=2026-01-01T00:10:00Z&from=Ada", [3]),
        ("until=2026-01-01T00:20:00Z&mentions=Bob", [0]),
        ("since=2026-01-01T00:11:00Z&replyTo={0}", [4]),
        ("since=2027-01-01T00:00:00Z", []),
        ("since={2}&until=2026-01-01T00:25:00Z", [3]),
    ],
)
async def test_messages_are_selected_by_time(conversation: Conversation, query: str, expected: list[int]) -> None:
    """`since` and `until` select by time, in whole seconds and with any other filter; `after` and `before` page."""
    filled = query.format(*(each["id"] for each in conversation.messages))

    assert await conversation.ids(filled) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("since=yesterday", "invalid_cursor"),
        ("since=2026-01-01", "invalid_cursor"),
        ("since=2026-01-01T00:00:00", "invalid_cursor"),
        ("since=1969-12-31T23:59:59Z", "invalid_cursor"),
        ("since=", "invalid_cursor"),
        ("until=1042", "invalid_range"),
        ("until=2026-13-01T00:00:00Z", "invalid_range"),
        ("until=", "invalid_range"),
        ("since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "invalid_range"),
        ("since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z", "invalid_range"),
        ("until=" + "9" * 5_000, "invalid_range"),
        ("Until=2026-01-02T00:00:00Z", "invalid_query"),
        ("removed=yes", "invalid_query"),
        ("removed=show&q=hello", "invalid_query"),
    ],
)
async def test_other_times_are_rejected(room: Room, query: str, code: str) -> None:
    """What is no time, or ends before it begins, is an error that says what to send."""
    answer = await room.get(f"/api/messages?{query}")

    assert (answer.status, answer.json["code"]) == (HTTPStatus.BAD_REQUEST, code)


async def test_a_wait_ends_with_a_message_of_the_time(conversation: Conversation) -> None:
    """A request with `since` and `wait` returns with the first message from then on, and not with earlier ones."""
    room, last = conversation.room, conversation.messages[-1]["id"]
    waiting = asyncio.create_task(room.get(f"/api/messages?since=2026-01-01T00:35:00Z&after={last}&wait=25"))
    await room.post_message(conversation.agents["Bob"], "Too early")
    news = await room.post_message(conversation.agents["Cyd"], "News")

    assert [each["id"] for each in (await waiting).json["messages"]] == [news["id"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("&limit=2", [3, 4]),
        ("&after={1}&limit=2", [2, 3]),
        ("&from=Ada", [0, 3]),
        ("&mentions=Bob", [3]),
        ("&mentions=Cyd&since=2026-01-01T00:20:00Z&until=2026-01-01T00:25:00Z", [3]),
        ("&replyTo={0}", [1, 4]),
    ],
)
async def test_hidden_messages_are_selected_on_request(
    conversation: Conversation, query: str, expected: list[int]
) -> None:
    """With `removed=show` removed messages are on pages with any filter. An erased one has no more than its author."""
    messages, node = conversation.messages, conversation.room.running.node
    await record_erasure(node, messages[0]["agentId"], messages[0]["id"])
    await remove(node, messages[3]["agentId"], messages[3]["id"])

    assert await conversation.ids(f"removed=show{query.format(*(each['id'] for each in messages))}") == expected


async def test_hidden_messages_say_why(conversation: Conversation) -> None:
    """A removed message has no text, and says who removed it and why; an erased one also that it was erased."""
    messages, node = conversation.messages, conversation.room.running.node
    await remove(node, messages[0]["agentId"], messages[0]["id"])
    await remove(node, messages[3]["agentId"], messages[3]["id"])
    await record_erasure(node, messages[3]["agentId"], messages[3]["id"])
    shown = (await conversation.room.get("/api/messages?removed=show&from=Ada")).json["messages"]
    one = [(await conversation.room.get(f"/api/messages/{each['id']}")).json["message"] for each in shown]

    assert [(each["content"], each["removedBy"], each["reason"], each.get("erased")) for each in shown] == [
        ("[removed]", "Olga", "it is spam", None),
        ("[removed]", "Olga", "it is spam", True),
    ]
    assert one == shown


async def test_hidden_messages_are_lines_of_text(conversation: Conversation) -> None:
    """As text, a removed message is a line with the reason, and an erased one says so."""
    messages, node = conversation.messages, conversation.room.running.node
    await remove(node, messages[0]["agentId"], messages[0]["id"])
    await record_erasure(node, messages[3]["agentId"], messages[3]["id"])
    shown = await conversation.room.get("/api/messages?removed=show&from=Ada&format=text")

    assert shown.raw.decode().split("\n")[:2] == [
        f"#{messages[0]['id']} 00:05 Ada: [removed] it is spam",
        f"#{messages[3]['id']} 00:20 Ada erased: [removed] it is spam",
    ]


async def test_an_agent_asks_for_what_mentions_it(conversation: Conversation) -> None:
    """`mentions=me` selects mentions of the agent of the key."""
    assert await conversation.ids("mentions=me", agent=conversation.agents["Cyd"]) == [3, 4]


async def test_me_needs_a_key(conversation: Conversation) -> None:
    """`mentions=me` without a key is 401."""
    answer = await conversation.room.get("/api/messages?mentions=me")

    assert (answer.status, answer.json["code"]) == (HTTPStatus.UNAUTHORIZED, "unauthorized")


@pytest.mark.parametrize(
    "query", ["from=Nobody", "mentions=Nobody", "from=", "from=%00", "mentions=No body", "from=" + "a" * 5_000]
)
async def test_an_unknown_agent_is_an_error(room: Room, query: str) -> None:
    """An unknown agent in a filter is an error, and not an empty or complete list."""
    await room.register()
    answer = await room.get(f"/api/messages?{query}")

    assert (answer.status, answer.json["code"]) == (HTTPStatus.NOT_FOUND, "agent_not_found")


@pytest.mark.parametrize(
    ("parameter", "meant"),
    [("reply_to", "replyTo"), ("mention", "mentions"), ("author", "from"), ("From", "from"), ("query", "q")],
)
async def test_a_misspelt_filter_is_an_error(room: Room, parameter: str, meant: str) -> None:
    """The error says how the filter is spelt. Other unknown parameters are ignored."""
    answer = await room.get(f"/api/messages?{parameter}=1")

    assert (answer.status, answer.json["code"], answer.json["filter"]) == (400, "invalid_query", meant)
    assert (await room.get("/api/messages?_=1")).status == HTTPStatus.OK


async def test_a_target_must_be_an_id(room: Room) -> None:
    """A `replyTo` that is not a message id is an error."""
    answer = await room.get("/api/messages?replyTo=x")

    assert (answer.status, answer.json["code"]) == (HTTPStatus.BAD_REQUEST, "invalid_cursor")


async def test_removed_messages_are_not_selected(conversation: Conversation) -> None:
    """No filter selects a removed message."""
    node, message = conversation.room.running.node, conversation.messages[3]
    await remove(node, message["agentId"], message["id"])

    assert await conversation.ids("from=Ada") == [0]
    assert await conversation.ids("mentions=Bob") == [0]


async def test_a_selection_can_be_waited_for(conversation: Conversation) -> None:
    """A request with filters and `wait` returns when a selected message is posted, and not for others."""
    room, last = conversation.room, conversation.messages[-1]["id"]
    waiting = asyncio.create_task(room.get(f"/api/messages?mentions=Ada&after={last}&wait=25"))
    await room.post_message(conversation.agents["Bob"], "Not for you")
    news = await room.post_message(conversation.agents["Cyd"], "@Ada, news")

    assert [each["id"] for each in (await waiting).json["messages"]] == [news["id"]]


def test_a_wait_examines_each_message_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each message that comes while a request waits costs as much as any other, however many came before."""
    monkeypatch.setattr(selection, "MESSAGES_A_STEP", 10)
    log = records_of([*ALL_REGISTERED, *[posted(CRAB, "@Lobster"), posted(LOBSTER, "@Crab")] * 200])
    room = folded_room(log[:-1])
    check = NewMessageCheck(lambda: room, lambda: nullcontext(pause_always), selection.Selection(CRAB, CRAB), 0)

    def calls_of_check() -> int:
        return calls_of(lambda: asyncio.run(check()))

    first = calls_of_check()
    room.apply(log[-1])

    assert calls_of_check() < first / 2


async def test_any_registered_agent_can_be_looked_up(conversation: Conversation) -> None:
    """An agent is found by its name in any case, online or not, with the number of its messages."""
    room = conversation.room
    await remove(room.running.node, conversation.agents["Ada"].id, conversation.messages[0]["id"])
    room.clock.advance(HOUR)
    ada = (await room.get("/api/agents/ada")).json["agent"]

    assert (ada["name"], ada["online"], ada["messages"], ada["keyChangedAt"]) == ("Ada", False, 1, None)
    assert ada["since"] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize("name", ["Nobody", "%00", "a%2Fb", "a" * 500])
async def test_an_agent_that_nobody_registered_is_not_found(room: Room, name: str) -> None:
    """An unknown agent is 404 with what to check."""
    answer = await room.get(f"/api/agents/{name}")

    assert (answer.status, answer.json["code"]) == (HTTPStatus.NOT_FOUND, "agent_not_found")
