"""GET /api/messages?q=: real rooms, on each store."""

from pathlib import Path

import pytest

from chatr.app import running_room
from chatr.domain.limits import MINUTE
from chatr.settings import Settings
from chatr.testing.clock import SettableClock
from tests.conftest import OPEN_SETTINGS, OpenRoom, Response, Room
from tests.moderation import record_erasure, remove, restore
from tests.node_agents import register_agent

LANGUAGES = ("Ein Café in Zürich", "我喜欢用中文写程序", "สวัสดีชาวโลก", "party 🎉🎉 now", "مرحبا بالعالم")


@pytest.fixture(params=["sqlite", "memory", pytest.param("postgres", marks=pytest.mark.long)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new log in each store."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").log())
    return f"sqlite:///{tmp_path}/chatr.db" if request.param == "sqlite" else "memory:"


@pytest.fixture
async def searched(open_room: OpenRoom, url: str) -> Room:
    return await open_room(log=url)


def contents(response: Response) -> list[str]:
    assert response.status == 200, response.json
    return [message["content"] for message in response.json["messages"]]


async def search(room: Room, query: str, **parameters: object) -> list[str]:
    """The texts that a search finds."""
    return contents(await room.get("/api/messages", params={"q": query, **parameters}))


async def test_messages_are_found_in_many_languages(searched: Room) -> None:
    """Words are found in any script, case and accent."""
    await (await register_agent(searched.running.node)).post(*LANGUAGES)
    found = [await search(searched, query) for query in ("cafe ZURICH", "中文", "ชาว", "🎉", "بالعالم", "nowhere")]

    assert found == [*([text] for text in LANGUAGES), []]


async def test_a_search_between_two_times(open_room: OpenRoom) -> None:
    """A search with `since` and `until` finds only messages of that time, also where clocks stepped back."""
    room = await open_room()
    agent = await room.register()
    for text in ("word one", "word two", "word three", "another", "word four"):
        await room.post_message(agent, text)
    room.clock.set(room.clock.now() - 10 * MINUTE)
    await room.post_message(agent, "word late")
    between = {"since": "2026-01-01T00:10:00Z", "until": "2026-01-01T00:25:00Z"}

    assert await search(room, "word", **between) == ["word two", "word three", "word late"]
    assert await search(room, "word", **between, limit=1, after=0) == ["word two"]
    assert await search(room, "word", since="2027-01-01T00:00:00Z") == []
    assert await search(room, "word", until="2026-01-01T00:10:00Z") == ["word one"]


async def test_pages_of_a_search(searched: Room) -> None:
    """A search returns the newest matches, oldest first; `before` pages back, and `after` forward."""
    agent = await register_agent(searched.running.node)
    ids = [(await agent.post(text))[0] for number in range(7) for text in (f"word {number}", "another")][::2]
    newest = (await searched.get("/api/messages", params={"q": "word", "limit": 3})).json
    older = (await searched.get("/api/messages", params={"q": "word", "limit": 4, "before": ids[4]})).json
    after = (await searched.get("/api/messages", params={"q": "word", "limit": 2, "after": ids[1]})).json
    between = (await searched.get("/api/messages", params={"q": "word", "after": ids[1], "before": ids[3]})).json

    assert [each["id"] for each in newest["messages"]] == ids[4:]
    assert [each["id"] for each in older["messages"]] == ids[:4]
    assert [each["id"] for each in after["messages"]] == ids[2:4]
    assert [each["id"] for each in between["messages"]] == ids[2:3]
    assert [each["hasMore"] for each in (newest, older, after, between)] == [True, False, True, False]


async def test_what_is_hidden_is_not_found(searched: Room) -> None:
    """A removed message is not found until it is restored, and an erased message never."""
    node = searched.running.node
    agent = await register_agent(node)
    first, second, _ = await agent.post("word one", "word two", "word three")
    await remove(node, agent.agent, first)
    removed = await search(searched, "word")
    page = (await searched.get("/api/messages", params={"q": "word", "limit": 2})).json
    await restore(node, agent.agent, first)
    restored = await search(searched, "word")
    await record_erasure(node, agent.agent, second)
    erased = await search(searched, "word")

    assert removed == ["word two", "word three"]
    assert (len(page["messages"]), page["hasMore"]) == (2, False)
    assert restored == ["word one", "word two", "word three"]
    assert erased == ["word one", "word three"]


async def test_a_search_combines_with_the_other_filters(searched: Room) -> None:
    """A search with `from`, `mentions` or `replyTo` returns only the matches that satisfy all filters."""
    node = searched.running.node
    ada, bob = await register_agent(node, "Ada"), await register_agent(node, "Bob")
    (first,) = await ada.post("word for @Bob")
    await bob.post("word", "something else for @Ada")
    await ada.post("another word", "nothing")
    filters = ({"from": "Ada"}, {"from": "Bob"}, {"mentions": "Bob"}, {"from": "Bob", "mentions": "Bob"})
    found = [await search(searched, "word", **each) for each in filters]
    unknown = await searched.get("/api/messages", params={"q": "word", "from": "Nobody"})
    await remove(node, ada.agent, first)
    left = [await search(searched, "word", **each) for each in filters]

    assert found == [["word for @Bob", "another word"], ["word"], ["word for @Bob"], []]
    assert (unknown.status, unknown.json["code"]) == (404, "agent_not_found")
    assert left == [["another word"], ["word"], [], []]


async def test_a_search_as_text(room: Room) -> None:
    """`format=text` returns a line for each message that matches."""
    await (await register_agent(room.running.node)).post("word one", "other", "word two")
    answer = await room.get("/api/messages", params={"q": "word", "format": "text"})
    lines = answer.raw.decode().splitlines()

    assert answer.status == 200
    assert [words for line in lines for words in ("word one", "other", "word two") if words in line] == [
        "word one",
        "word two",
    ]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"q": ""}, "nothing to search for"),
        ({"q": "?!"}, "nothing to search for"),
        ({"q": "a b c d e f g h i"}, "at most 8 different words"),
        ({"q": "中" * 33}, "Send fewer"),
        ({"q": "word", "after": "0", "wait": "5"}, "cannot be combined with wait"),
    ],
)
async def test_queries_that_cannot_be_answered(room: Room, parameters: dict[str, str], words: str) -> None:
    """A query without words, with too many words, or with `wait` gets an error that says what to send."""
    response = await room.get("/api/messages", params=parameters)

    assert (response.status, response.json["code"]) == (400, "invalid_query")
    assert words in response.json["error"]


async def test_a_room_is_searched_at_once_after_a_start(open_room: OpenRoom, tmp_path: Path) -> None:
    """The first request after a start with a checkpoint and an index finds what was posted before."""
    url = f"sqlite:///{tmp_path}/chatr.db"
    async with running_room(Settings(**OPEN_SETTINGS | {"log": url}), clock=SettableClock()) as before:
        await (await register_agent(before.node)).post("word")
    room = await open_room(log=url)

    assert await search(room, "word") == ["word"]


async def test_a_room_serves_without_its_index(open_room: OpenRoom, tmp_path: Path) -> None:
    """If the index cannot be opened, searches fail, and everything else works."""
    (tmp_path / "chatr.db.search").mkdir()
    room = await open_room(log=f"sqlite:///{tmp_path}/chatr.db")
    await (await register_agent(room.running.node)).post("word")
    response = await room.get("/api/messages", params={"q": "word"})

    assert (response.status, response.json["code"]) == (503, "search_unavailable")
    assert response.headers["Retry-After"] == str(response.json["retryAfter"])
    assert "cannot be used" in response.json["error"]
    assert str(tmp_path) not in response.json["error"]
    assert contents(await room.get("/api/messages")) == ["word"]
