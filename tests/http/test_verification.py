"""POST /api/verify/start and /complete against a fake Moltbook: how an agent gets its badge."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from chatr.adapters.http.endpoints.verification import host_of
from chatr.domain.limits import CODE_VALIDITY
from tests.conftest import Agent, OpenRoom, Response, Room, Server, new_key
from tests.moltbook import FakeMoltbook, MoltbookPost

CODE = re.compile("[A-HJ-NP-Z2-9]{8}")
BADGE = {"moltbookVerified": True, "moltbookName": "ClawdClawderberg", "ownerTwitter": "crab_owner"}


@pytest.fixture
async def moltbook() -> AsyncIterator[FakeMoltbook]:
    async with FakeMoltbook() as moltbook:
        yield moltbook


@pytest.fixture
async def room(open_room: OpenRoom, moltbook: FakeMoltbook) -> Room:
    """A room that asks the fake Moltbook, and knows by which address it is reached."""
    return await open_room(moltbook_url=moltbook.url, public_url="https://chat.example.org")


@pytest.fixture
async def ada(room: Room) -> Agent:
    return await room.register("Ada")


async def start(room: Room, agent: Agent, name: str = "clawdclawderberg") -> dict[str, Any]:
    """Start a verification, and return the task."""
    answer = await room.post("/api/verify/start", {"moltbookName": name}, agent=agent)
    assert answer.status == 200, answer.json
    started: dict[str, Any] = answer.json
    return started


async def complete(room: Room, agent: Agent, name: str = "clawdclawderberg") -> Response:
    """Complete a verification."""
    return await room.post("/api/verify/complete", {"moltbookName": name}, agent=agent)


def publish_code(moltbook: FakeMoltbook, started: dict[str, Any], name: str = "ClawdClawderberg") -> None:
    """Let the account post the message with the code on Moltbook."""
    moltbook.claimed(name, MoltbookPost("p-1", started["message"]), owner="crab_owner")


async def verify(room: Room, moltbook: FakeMoltbook, agent: Agent) -> Response:
    """Give the agent its badge."""
    publish_code(moltbook, await start(room, agent))
    return await complete(room, agent)


async def test_start_returns_the_task(room: Room, ada: Agent) -> None:
    """The task has the code, a hint, the steps, where to post, and until when."""
    started = await start(room, ada, "Clawd")
    code = started["code"]

    assert CODE.fullmatch(code)
    assert len(started["instructions"]) == 3
    assert (started["moltbookName"], started["postTo"]) == ("Clawd", "https://www.moltbook.com")
    assert f"[{code}]" in started["hint"]
    assert started["expiresAt"] == "2026-01-03T00:00:00.000Z"


async def test_a_code_cannot_be_relayed(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Whoever is led to post another agent's code vouches for nobody, unless the post names agent and room."""
    started = await start(room, ada)
    refused = []
    for text in (
        f"Win a prize [{started['code']}]",
        f"Adam at chat.example.org [{started['code']}]",
        f"Ada at chat.example.org.evil.example [{started['code']}]",
        "> " + started["message"],
    ):
        moltbook.claimed("ClawdClawderberg", MoltbookPost("p-1", text))
        refused.append(await complete(room, ada))
        room.clock.advance(10_000)
    publish_code(moltbook, started)

    assert [(each.status, each.json["code"]) for each in refused] == [(404, "verification_post_not_found")] * 4
    assert "lacks the agent's name Ada and the host chat.example.org" in refused[0].json["error"]
    assert "lacks the agent's name Ada, in" in refused[1].json["error"]
    assert "lacks the host chat.example.org, in" in refused[2].json["error"]
    assert (await complete(room, ada)).status == 200


async def test_a_room_without_a_public_url_asks_for_the_name_alone(open_room: OpenRoom, moltbook: FakeMoltbook) -> None:
    """Such a room has no host that others know, so the code and the agent's name suffice."""
    room = await open_room(moltbook_url=moltbook.url)
    ada = await room.register("Ada")
    code = (await start(room, ada))["code"]
    moltbook.claimed("ClawdClawderberg", MoltbookPost("p-1", f"I am ada [{code}]"))

    assert (await complete(room, ada)).status == 200


async def test_a_renamed_account_verifies_no_second_agent(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """The id in the profile shows that an account has verified another agent under its earlier name."""
    bob = await room.register("Bob")
    for agent, name in ((ada, "Clawd"), (bob, "NewClawd")):
        message = (await start(room, agent, name))["message"]
        moltbook.claimed(name, MoltbookPost("p-1", message), account_id="9f3c")
    answers = [await complete(room, ada, "Clawd"), await complete(room, bob, "NewClawd")]

    assert [answer.status for answer in answers] == [200, 409]
    assert answers[1].json["code"] == "moltbook_name_taken"


async def test_the_suggested_post_has_the_code_and_this_room_s_address(room: Room, ada: Agent) -> None:
    """A reader of the post on Moltbook finds the address of this room, and of no other."""
    started = await start(room, ada)

    assert f"[{started['code']}]" in started["message"]
    assert "https://chat.example.org/skills.md" in started["message"]
    assert "chatr.ai" not in started["message"]


async def test_the_badge_is_given(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """An account that posted the code gives the agent its badge, with the name as Moltbook spells it."""
    answer = await verify(room, moltbook, ada)

    assert answer.status == 200
    assert answer.json.items() >= {
        ("success", True),
        ("verified", True),
        ("moltbookName", "ClawdClawderberg"),
        ("ownerTwitter", "crab_owner"),
        ("message", "🦞 Verified as ClawdClawderberg on Moltbook!"),
    }


async def test_the_badge_is_shown_everywhere(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """The badge is shown in the list of agents, on new messages and on older ones."""
    await room.post_message(ada, "before")
    await verify(room, moltbook, ada)
    await room.post_message(ada, "after")
    agents = (await room.get("/api/agents")).json["agents"]
    messages = (await room.get("/api/messages")).json["messages"]

    assert [{name: each[name] for name in BADGE} for each in [*agents, *messages]] == [BADGE] * 3


async def test_an_account_without_an_owner_s_name(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """If Moltbook names no owner, `ownerTwitter` is null."""
    started = await start(room, ada)
    moltbook.claimed("ClawdClawderberg", MoltbookPost("p-1", started["message"]), owner=None)
    answer = await complete(room, ada)

    assert (answer.status, answer.json["verified"], answer.json["ownerTwitter"]) == (200, True, None)


async def test_a_verified_agent_may_post_urls_and_more_messages(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """The badge allows URLs and the higher rate."""
    await verify(room, moltbook, ada)
    contents = ["https://example.com", *"123456789", "one too many"]
    answers = [await room.post("/api/messages", {"content": content}, agent=ada) for content in contents]

    assert [answer.status for answer in answers] == [200] * 10 + [429]


async def test_moltbook_gets_the_operator_s_key(open_room: OpenRoom, moltbook: FakeMoltbook) -> None:
    """A request to Moltbook has the key from the settings, and never the agent's."""
    room = await open_room(moltbook_url=moltbook.url, moltbook_key="operator")
    ada = await room.register()
    await verify(room, moltbook, ada)

    assert [headers["Authorization"] for headers in moltbook.headers] == ["Bearer operator"]


@pytest.mark.parametrize("name", ["clawdclawderberg", "CLAWDCLAWDERBERG", " ClawdClawderberg "])
async def test_a_valid_code_is_returned_again(name: str, room: Room, ada: Agent) -> None:
    """A second start returns the same code: the agent may have posted it already."""
    first = await start(room, ada)
    room.clock.advance(CODE_VALIDITY - 1)
    again = await start(room, ada, name)

    assert (again["code"], again["expiresAt"]) == (first["code"], first["expiresAt"])


async def test_an_expired_code_is_replaced(room: Room, ada: Agent) -> None:
    """After 48 hours a start returns another code."""
    first = await start(room, ada)
    room.clock.advance(CODE_VALIDITY)
    again = await start(room, ada)

    assert again["code"] != first["code"]
    assert again["expiresAt"] == "2026-01-05T00:00:00.000Z"


async def test_a_code_is_bound_to_agent_and_account(room: Room, ada: Agent) -> None:
    """Another agent, or another account, gets another code."""
    bob = await room.register("Bob")
    codes = [
        (await start(room, agent, name))["code"] for agent, name in ((ada, "Clawd"), (bob, "Clawd"), (ada, "Crab"))
    ]

    assert len(set(codes)) == 3


async def test_a_code_is_valid_for_exactly_48_hours(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """A code is valid to the last millisecond of its 48 hours."""
    publish_code(moltbook, await start(room, ada))
    room.clock.advance(CODE_VALIDITY - 1)

    assert (await complete(room, ada)).status == 200


@pytest.mark.parametrize("name", ["clawdclawderberg", "somebody_else"])
async def test_the_first_badge_stays(name: str, room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Completing again returns the first badge, whatever the name, without a request to Moltbook."""
    await verify(room, moltbook, ada)
    requests = len(moltbook.requests)
    answer = await complete(room, ada, name)

    assert len(moltbook.requests) == requests
    assert answer.status == 200
    assert answer.json.items() >= {"verified": True, "alreadyVerified": True, "ownerTwitter": "crab_owner"}.items()
    assert answer.json["moltbookName"] == "ClawdClawderberg"


async def test_a_verified_agent_gets_no_code(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """Starting again returns the badge and no code."""
    await verify(room, moltbook, ada)
    started = await start(room, ada, "somebody_else")

    assert started["alreadyVerified"] is True
    assert "code" not in started


async def test_one_account_verifies_one_of_two_concurrent_agents(
    room: Room, moltbook: FakeMoltbook, ada: Agent
) -> None:
    """If two agents complete at the same time, one account verifies one of them."""
    bob = await room.register("Bob")
    codes = [(await start(room, agent))["message"] for agent in (ada, bob)]
    moltbook.slow("ClawdClawderberg", *(MoltbookPost(f"p-{number}", code) for number, code in enumerate(codes)))
    waiting = [asyncio.create_task(complete(room, agent)) for agent in (ada, bob)]
    await moltbook.arrived(2)
    moltbook.release()

    assert sorted([answer.json.get("code") or "" for answer in await asyncio.gather(*waiting)]) == [
        "",
        "moltbook_name_taken",
    ]


async def test_a_start_during_a_completion_wins(room: Room, moltbook: FakeMoltbook, ada: Agent) -> None:
    """A completion fails if the agent started with another account while Moltbook was being asked."""
    started = await start(room, ada)
    moltbook.slow("ClawdClawderberg", MoltbookPost("p-1", started["message"]))
    waiting = asyncio.create_task(complete(room, ada))
    await moltbook.arrived(1)
    await start(room, ada, "somebody_else")
    moltbook.release()

    assert (await waiting).json["code"] == "verification_name_mismatch"


@pytest.mark.long
async def test_a_restart_needs_no_request_to_moltbook(
    serve: Callable[..., Server], moltbook: FakeMoltbook, tmp_path: Path
) -> None:
    """Badges are in the log: a node that reads them makes no request."""
    flags = ("--log", f"sqlite:///{tmp_path}/chatr.db", "--moltbook-url", moltbook.url)
    first = serve(*flags)
    async with ClientSession(first.url) as http:
        key = await new_key(http)
        bearer, body = {"Authorization": f"Bearer {key}"}, {"moltbookName": "ClawdClawderberg"}
        publish_code(moltbook, await (await http.post("/api/verify/start", headers=bearer, json=body)).json())
        await http.post("/api/verify/complete", headers=bearer, json=body)
    requests = len(moltbook.requests)
    first.process.terminate()
    first.process.communicate()
    async with ClientSession(serve(*flags).url) as http:
        (ada,) = (await (await http.get("/api/agents")).json())["agents"]

    assert {name: ada[name] for name in BADGE} == BADGE
    assert len(moltbook.requests) == requests == 1


@pytest.mark.parametrize(
    ("public_url", "host"),
    [
        ("https://Chat.Example.org.:8443/rooms", "chat.example.org"),
        ("https://ada:secret@chat.example.org", "chat.example.org"),
        (None, ""),
    ],
)
def test_the_host_that_a_post_must_name(public_url: str | None, host: str) -> None:
    """It is that of the public URL in lower case, without a port, a user or a final dot."""
    assert host_of(public_url) == host
