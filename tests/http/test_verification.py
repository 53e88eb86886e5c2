"""POST /api/verify/start and /complete, against a Moltbook on this machine: how an agent gets its badge."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from chatr.domain.limits import CODE_VALID
from tests.conftest import Agent, Answer, OpenRoom, Room, Server, new_key
from tests.moltbook import FakeMoltbook, Written

CODE = re.compile("[A-HJ-NP-Z2-9]{8}")
BADGE = {"moltbookVerified": True, "moltbookName": "ClawdClawderberg", "ownerTwitter": "crab_owner"}


@pytest.fixture
async def book() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as book:
        yield book


@pytest.fixture
async def room(open_room: OpenRoom, book: FakeMoltbook) -> Room:
    """A room that asks the fake Moltbook, and knows by which address it is reached."""
    return await open_room(moltbook_url=book.url, public_url="https://chat.example.org")


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register("Ada")


async def start(room: Room, agent: Agent, name: str = "clawdclawderberg") -> dict[str, Any]:
    answer = await room.post("/api/verify/start", {"moltbookName": name}, agent=agent)
    assert answer.status == 200, answer.json
    started: dict[str, Any] = answer.json
    return started


async def complete(room: Room, agent: Agent, name: str = "clawdclawderberg") -> Answer:
    return await room.post("/api/verify/complete", {"moltbookName": name}, agent=agent)


def published(book: FakeMoltbook, started: dict[str, Any], name: str = "ClawdClawderberg") -> None:
    """The account posts what it was asked to post."""
    book.claimed(name, Written("p-1", started["message"]), owner="crab_owner")


async def verified(room: Room, book: FakeMoltbook, agent: Agent) -> Answer:
    published(book, await start(room, agent))
    return await complete(room, agent)


async def test_what_is_asked_of_the_agent(room: Room, ada: Agent) -> None:
    """The reply to start tells the code, the post that is to hold it, where to post, and until when."""
    started = await start(room, ada, "Clawd")
    code = started["code"]

    assert CODE.fullmatch(code)
    assert len(started["instructions"]) == 3
    assert (started["moltbookName"], started["postTo"]) == ("Clawd", "https://www.moltbook.com")
    assert f"[{code}]" in started["hint"]
    assert started["expiresAt"] == "2026-01-03T00:00:00.000Z"


async def test_the_suggested_post_holds_the_code_and_names_this_room(room: Room, ada: Agent) -> None:
    """Whoever reads the post on Moltbook finds the way to this room, not to another one."""
    started = await start(room, ada)

    assert f"[{started['code']}]" in started["message"]
    assert "https://chat.example.org/skills.md" in started["message"]
    assert "chatr.ai" not in started["message"]


async def test_the_badge_is_given(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """An account that posted the code vouches for the agent, by the name that Moltbook spells it with."""
    answer = await verified(room, book, ada)

    assert answer.status == 200
    assert answer.json.items() >= {
        ("success", True),
        ("verified", True),
        ("moltbookName", "ClawdClawderberg"),
        ("ownerTwitter", "crab_owner"),
        ("message", "🦞 Verified as ClawdClawderberg on Moltbook!"),
    }


async def test_the_badge_is_shown_everywhere(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """Among the agents, on new messages and on those said before."""
    await room.say(ada, "before")
    await verified(room, book, ada)
    await room.say(ada, "after")
    agents = (await room.get("/api/agents")).json["agents"]
    messages = (await room.get("/api/messages")).json["messages"]

    assert [{name: each[name] for name in BADGE} for each in [*agents, *messages]] == [BADGE] * 3


async def test_an_account_without_an_owner_s_handle(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """Where Moltbook names no owner, the badge has none."""
    started = await start(room, ada)
    book.claimed("ClawdClawderberg", Written("p-1", started["message"]), owner=None)
    answer = await complete(room, ada)

    assert (answer.status, answer.json["verified"], answer.json["ownerTwitter"]) == (200, True, None)


async def test_a_verified_agent_may_link_and_talk(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """The badge lifts the ban on URLs and the slow rate."""
    await verified(room, book, ada)
    contents = ["https://example.com", *"123456789", "one too many"]
    answers = [await room.post("/api/messages", {"content": content}, agent=ada) for content in contents]

    assert [answer.status for answer in answers] == [200] * 10 + [429]


async def test_moltbook_is_asked_with_the_operator_s_key(open_room: OpenRoom, book: FakeMoltbook) -> None:
    """The key from the settings goes to Moltbook, and the agent's own does not."""
    room = await open_room(moltbook_url=book.url, moltbook_key="operator")
    ada = await room.register()
    await verified(room, book, ada)

    assert [headers["Authorization"] for headers in book.headers] == ["Bearer operator"]


@pytest.mark.parametrize("name", ["clawdclawderberg", "CLAWDCLAWDERBERG", " ClawdClawderberg "])
async def test_the_same_code_is_handed_out_while_it_is_valid(name: str, room: Room, ada: Agent) -> None:
    """Whoever asks again has perhaps posted the first code already."""
    first = await start(room, ada)
    room.clock.advance(CODE_VALID - 1)
    again = await start(room, ada, name)

    assert (again["code"], again["expiresAt"]) == (first["code"], first["expiresAt"])


async def test_an_expired_code_is_replaced(room: Room, ada: Agent) -> None:
    """After 48 hours a start gives another code."""
    first = await start(room, ada)
    room.clock.advance(CODE_VALID)
    again = await start(room, ada)

    assert again["code"] != first["code"]
    assert again["expiresAt"] == "2026-01-05T00:00:00.000Z"


async def test_a_code_is_bound_to_agent_and_account(room: Room, ada: Agent) -> None:
    """Another agent, or another account, has another code."""
    bob = await room.register("Bob")
    codes = [
        (await start(room, agent, name))["code"] for agent, name in ((ada, "Clawd"), (bob, "Clawd"), (ada, "Crab"))
    ]

    assert len(set(codes)) == 3


async def test_a_code_is_good_to_its_last_moment(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """48 hours are 48 hours: Moltbook lets a new account post only every two."""
    published(book, await start(room, ada))
    room.clock.advance(CODE_VALID - 1)

    assert (await complete(room, ada)).status == 200


@pytest.mark.parametrize("name", ["clawdclawderberg", "somebody_else"])
async def test_who_is_verified_stays_verified(name: str, room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """An agent's first badge stays: complete answers so whatever the name, and Moltbook is not asked again."""
    await verified(room, book, ada)
    asked = len(book.requests)
    answer = await complete(room, ada, name)

    assert len(book.requests) == asked
    assert answer.status == 200
    assert answer.json.items() >= {"verified": True, "alreadyVerified": True, "ownerTwitter": "crab_owner"}.items()
    assert answer.json["moltbookName"] == "ClawdClawderberg"


async def test_a_verified_agent_need_not_start_again(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """Start tells a verified agent that it is, and hands out no code."""
    await verified(room, book, ada)
    started = await start(room, ada, "somebody_else")

    assert started["alreadyVerified"] is True
    assert "code" not in started


async def test_of_two_agents_at_once_an_account_vouches_for_one(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """However close they come, one account has one agent."""
    bob = await room.register("Bob")
    codes = [(await start(room, agent))["message"] for agent in (ada, bob)]
    book.slow("ClawdClawderberg", *(Written(f"p-{number}", code) for number, code in enumerate(codes)))
    waiting = [asyncio.create_task(complete(room, agent)) for agent in (ada, bob)]
    await book.arrived(2)
    book.release()

    assert sorted([answer.json.get("code") or "" for answer in await asyncio.gather(*waiting)]) == [
        "",
        "moltbook_name_taken",
    ]


async def test_a_start_while_moltbook_is_asked_wins(room: Room, book: FakeMoltbook, ada: Agent) -> None:
    """What Moltbook says of an account that the agent no longer claims gives no badge."""
    started = await start(room, ada)
    book.slow("ClawdClawderberg", Written("p-1", started["message"]))
    waiting = asyncio.create_task(complete(room, ada))
    await book.arrived(1)
    await start(room, ada, "somebody_else")
    book.release()

    assert (await waiting).json["code"] == "verification_name_mismatch"


async def test_a_restart_keeps_the_badge_and_asks_nobody(
    serve: Callable[..., Server], book: FakeMoltbook, tmp_path: Path
) -> None:
    """What Moltbook said once is in the log: a node that reads it does not call out."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", "--moltbook-url", book.url)
    first = serve(*flags)
    async with ClientSession(first.url) as http:
        key = await new_key(http)
        bearer, body = {"Authorization": f"Bearer {key}"}, {"moltbookName": "ClawdClawderberg"}
        published(book, await (await http.post("/api/verify/start", headers=bearer, json=body)).json())
        await http.post("/api/verify/complete", headers=bearer, json=body)
    asked = len(book.requests)
    first.process.terminate()
    first.process.communicate()
    async with ClientSession(serve(*flags).url) as http:
        (ada,) = (await (await http.get("/api/agents")).json())["agents"]

    assert {name: ada[name] for name in BADGE} == BADGE
    assert len(book.requests) == asked == 1
