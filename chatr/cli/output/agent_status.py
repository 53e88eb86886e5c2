"""The state of one agent at a moment: badge, posts, and when it may post next."""

from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins

from chatr import to_wire
from chatr.cli.offline import Offline
from chatr.cli.output.suggestion import unknown_agent
from chatr.cli.output.text import format_time
from chatr.domain.agent import Agent
from chatr.domain.limits import SECOND, Limits
from chatr.domain.room import Room
from chatr.domain.standing import Standing


def agent_named(room: Room, name: str) -> Agent:
    """Return the agent with this name or one that counts as the same. Raises UnknownAgent."""
    agent = room.agent_named(name)
    if not agent.registered:
        raise unknown_agent(name, room.position, {each.id: each.name for each in room.agents.values()})
    return agent


def next_post_time(agent: Agent, limits: Limits, now: int) -> int:
    """Return the time, in milliseconds since 1970, from which the agent may post again; `now` if it may already."""
    return now + limits.post_limit(verified=agent.verified).wait(agent.posted_at, now)


def status_rows(agent: Agent, limits: Limits, now: int, away: Offline | None) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line that describes the agent; `away` says why it is offline."""
    limit = limits.post_limit(verified=agent.verified)
    remaining, _ = limit.budget(agent.posted_at, now)
    # The agent has enough times for either limit (Limits.post_times_needed), maybe more than its own limit counts.
    posted_at = agent.posted_at[-limit.count :]
    allowed_at = next_post_time(agent, limits, now)
    online = "yes" if agent.is_online(now, limits) else f"no {away.text(limits)}" if away else "no"
    yield "online", f"{online}, last seen {format_time(agent.last_seen)}"
    yield "verified", verification_text(agent)
    if agent.standing is not None:
        yield from standing_rows(agent.standing, now)
    yield "posted", ", ".join(map(format_time, posted_at)) or "nothing yet"
    yield (
        "may post",
        f"{limit}: {remaining} left, {'now' if allowed_at == now else f'next at {format_time(allowed_at)}'}",
    )


def standing_rows(standing: Standing, now: int) -> Iterator[tuple[str, str]]:
    """Yield label and text of the lines that say what operators decided about the agent and what is still in force."""
    suspension = standing.suspension
    if suspension is not None and suspension.is_in_force(now):
        until = "for ever" if suspension.until is None else f"until {format_time(suspension.until)}"
        yield "suspended", f"{until}, by {suspension.by}: {suspension.reason}"
    if standing.is_waiting:
        yield "approved", "not yet"


def verification_text(agent: Agent) -> str:
    """Describe the agent's badge, or that an operator vouches for it, or the verification that it has started.

    The code is left out: it is a secret.
    """
    if agent.badge is not None:
        owner = f" of {agent.badge.owner}" if agent.badge.owner else ""
        return f"as {agent.badge.moltbook_name}{owner}, since position {agent.badge.position}"
    if agent.standing is not None and agent.standing.approval is not None:
        return f"by the operator, since position {agent.standing.approval}"
    started = agent.verification
    if started is not None:
        return f"no; started as {started.moltbook_name}, code valid until {format_time(started.expires)}"
    return "no"


def status_json(agent: Agent, limits: Limits, now: int, away: Offline | None) -> dict[str, Any]:
    """Return what `/api/me` shows of the agent, with the exact times of its posts and of its next post.

    `away` says why it is offline.
    """
    limit = limits.post_limit(verified=agent.verified)
    remaining, _ = limit.budget(agent.posted_at, now)
    started = agent.verification
    return {
        **to_builtins(to_wire.agent(agent, online=agent.is_online(now, limits))),
        **({"offline": away.json} if away else {}),
        "verification": started and {"moltbookName": started.moltbook_name, "expiresAt": format_time(started.expires)},
        "posted": [format_time(at) for at in agent.posted_at[-limit.count :]],
        "limits": {"messages": {"limit": limit.count, "window": limit.window // SECOND, "remaining": remaining}},
        "nextPost": format_time(next_post_time(agent, limits, now)),
    }
