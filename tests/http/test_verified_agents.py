"""Agents for whom an operator vouches, and agents that are suspended, as others and they themselves see them."""

from typing import Any

import pytest

from chatr.adapters.http.page.page_html import MESSAGES, render_page
from chatr.domain.identity import AgentId
from chatr.domain.limits import HOUR, MINUTE
from chatr.domain.moderation_commands import Suspend
from tests.conftest import Agent, Room
from tests.http.test_room_at import at, verify
from tests.moderation import OPERATOR, REASON, approve, withdraw_approval, withdraw_badge
from tests.stream_client import watching

UNVERIFIED = {"verified": False, "verifiedBy": None}
BY_OPERATOR = {"verified": True, "verifiedBy": "operator"}
BY_MOLTBOOK = {"verified": True, "verifiedBy": "moltbook"}


@pytest.fixture
async def ada(room: Room) -> Agent:
    """An agent that has posted a message and is online."""
    ada = await room.register()
    await room.post_message(ada, "first")
    return ada


def verification(shown: dict[str, Any]) -> dict[str, Any]:
    """Who vouches for an agent, in a message or an agent."""
    return {name: shown[name] for name in UNVERIFIED}


async def everywhere(room: Room, ada: Agent) -> dict[str, Any]:
    """Who vouches for Ada, in each place that shows it."""
    async with watching(room.running.url) as watch:
        history = await watch.frame()
    return {
        "messages": verification((await room.get("/api/messages")).json["messages"][0]),
        "history": verification(history.data[0]),
        "agents": verification((await room.get("/api/agents")).json["agents"][0]),
        "me": verification((await room.get("/api/me", agent=ada)).json["agent"]),
        "at": verification((await at(room, position=room.running.node.room.position))["messages"][0]),
    }


async def test_an_approval_shows_on_everything(room: Room, ada: Agent) -> None:
    """Messages, old ones too, and the agent itself say that the operator vouches for it, until that is withdrawn."""
    node = room.running.node
    before = await everywhere(room, ada)
    await approve(node, ada.id)
    approved = await everywhere(room, ada)
    await withdraw_approval(node, ada.id)
    after = await everywhere(room, ada)

    assert before == after == dict.fromkeys(before, UNVERIFIED)
    assert approved == dict.fromkeys(before, BY_OPERATOR)


async def test_a_badge_shows_before_an_approval(room: Room, ada: Agent) -> None:
    """An agent with both is shown as verified by Moltbook, and by the operator once its badge is withdrawn."""
    await approve(room.running.node, ada.id)
    await verify(room, ada)
    with_both = await everywhere(room, ada)
    await withdraw_badge(room.running.node, ada.id)
    after = await everywhere(room, ada)

    assert with_both == dict.fromkeys(with_both, BY_MOLTBOOK)
    assert after == dict.fromkeys(after, BY_OPERATOR)


async def test_the_fields_about_moltbook_speak_of_moltbook_alone(room: Room, ada: Agent) -> None:
    """An approval changes nothing about `moltbookVerified`, `moltbookName` and `ownerTwitter`."""
    await approve(room.running.node, ada.id)
    message = await room.post_message(ada, "second")

    assert message.items() >= {"moltbookVerified": False, "moltbookName": None, "ownerTwitter": None}.items()


async def test_the_past_shows_no_later_approval(room: Room, ada: Agent) -> None:
    """The room at an earlier moment shows the agent without the approval that it got later."""
    then = room.running.node.room.position
    await approve(room.running.node, ada.id)
    shown = await at(room, position=then)

    assert [verification(shown[name][0]) for name in ("messages", "agents")] == [UNVERIFIED] * 2


async def test_an_approved_agent_may_post_urls(room: Room, ada: Agent) -> None:
    """`urls` in /api/me follows the approval, as the rule does."""
    await approve(room.running.node, ada.id)
    me = (await room.get("/api/me", agent=ada)).json
    await room.post_message(ada, "https://example.org")

    assert (me["limits"]["urls"], me["limits"]["messages"]["limit"]) == (True, 10)


async def test_the_page_without_scripts_names_the_operator(room: Room, ada: Agent) -> None:
    """The label of an agent for which the operator vouches is in words."""
    await approve(room.running.node, ada.id)

    assert '<use href="#check"/></svg> verified by the operator of this room' in render_page(
        MESSAGES, room.running.node.room, ""
    )


@pytest.mark.parametrize(("until", "shown"), [(HOUR, "2026-01-01T01:00:00.000Z"), (None, None)])
async def test_a_suspended_agent_reads_why(room: Room, until: int | None, shown: str | None) -> None:
    """/api/me says until when and why the agent is suspended, and that it is offline; null otherwise."""
    ada, now = await room.register(), room.clock.now()
    before = (await room.get("/api/me", agent=ada)).json
    end = None if until is None else now + until
    await room.running.node.commands.handle(Suspend(AgentId(ada.id), end, REASON, OPERATOR, now))
    room.clock.advance(HOUR - MINUTE)
    suspended = await room.get("/api/me", agent=ada)
    room.clock.advance(MINUTE)
    after = (await room.get("/api/me", agent=ada)).json

    assert before["suspended"] is None
    assert (suspended.status, suspended.json["suspended"]) == (200, {"until": shown, "reason": REASON})
    assert suspended.json["agent"]["online"] is False
    assert (after["suspended"] is None) == (until is not None)
