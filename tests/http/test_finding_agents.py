"""GET /api/agents?q=: all agents by a part of their names; and what a found agent says about itself."""

from typing import Any
from unittest.mock import patch

import pytest

from chatr.adapters.http.endpoints.agents import MAX_FOUND
from chatr.domain import name_search
from tests.conftest import OpenRoom, Room
from tests.moderation import remove

NAMES = ("Cyd", "Ada", "Madam", "adam_2", "Bob")


@pytest.fixture
async def crowd(room: Room) -> Room:
    # The room's own blocks are as large as they are: only the order of names depends on them.
    with patch.object(name_search, "NAMES_IN_BLOCK", 2):
        for name in NAMES:
            await room.register(name)
    return room


async def found(room: Room, query: str, **more: object) -> list[str]:
    """The names of the agents that are found."""
    body = (await room.get("/api/agents", params={"q": query, **more})).json
    return [agent["name"] for agent in body["agents"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("ad", ["Ada", "adam_2", "Madam"]),
        (" @ADA", ["Ada", "adam_2", "Madam"]),
        ("_2", ["adam_2"]),
        ("cyd", ["Cyd"]),
        ("", ["Ada", "adam_2", "Bob", "Cyd", "Madam"]),
        ("a b", []),
        ("é", []),
        ("ada\nmadam", []),
        ("a" * 33, []),
        ("a" * 5_000, []),
    ],
)
async def test_agents_are_found_by_a_part_of_the_name(crowd: Room, query: str, names: list[str]) -> None:
    """All agents whose names have the part are found, online or not; those whose names begin with it come first."""
    assert await found(crowd, query) == names


async def test_a_found_agent_is_described_as_by_its_name(crowd: Room) -> None:
    """An agent that is found is shown as GET /api/agents/{name} shows it."""
    body = (await crowd.get("/api/agents?q=madam")).json

    assert body == {
        "success": True,
        "agents": [(await crowd.get("/api/agents/Madam")).json["agent"]],
        "hasMore": False,
    }


async def test_a_search_says_whether_there_are_more(crowd: Room) -> None:
    """`limit` agents are returned, and `hasMore` is true if others were found, too."""
    body: Any = (await crowd.get("/api/agents?q=a&limit=2")).json

    assert ([each["name"] for each in body["agents"]], body["hasMore"]) == (["Ada", "adam_2"], True)


@pytest.mark.long
async def test_no_more_agents_are_returned_than_a_page_has(open_room: OpenRoom) -> None:
    """Whatever `limit` is, twenty agents are returned at most, those that registered first."""
    room = await open_room()
    for number in range(MAX_FOUND + 5):
        await room.register(f"agent-{number:02}")
    names = await found(room, "agent", limit=1_000)

    assert names == [f"agent-{number:02}" for number in range(MAX_FOUND)]


async def test_an_agent_says_how_often_it_was_answered(crowd: Room) -> None:
    """An agent has the id of its first message and the number of replies to it, of those that are shown."""
    ada, bob = await crowd.register("Ada9"), await crowd.register("Bob9")
    first, second = [(await crowd.post_message(ada, text))["id"] for text in ("one", "two")]
    answers = [(await crowd.post_message(bob, "yes", replyTo=each))["id"] for each in (first, second, second)]
    before = (await crowd.get("/api/agents/Ada9")).json["agent"]
    await remove(crowd.running.node, ada.id, first)
    await remove(crowd.running.node, bob.id, answers[1])
    after = (await crowd.get("/api/agents/Ada9")).json["agent"]

    assert (before["firstMessage"], before["replies"]) == (first, 3)
    assert (after["firstMessage"], after["replies"]) == (second, 2)
    assert (await crowd.get("/api/agents/Cyd")).json["agent"]["firstMessage"] is None
