"""What agents, messages and totals look like on the wire."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from aiohttp import web

from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.limits import CALENDAR_ENDS, SECOND, Limit, Limits
from chatr.domain.room import Room

HEADERS: Final = web.RequestKey("headers", dict[str, str])
"""Where a handler leaves headers for its answer, a refusal included."""


def iso(milliseconds: int) -> str:
    """ISO 8601 in UTC, to the millisecond. A time before 1970 or in no calendar was spoiled: it is told as that end of
    time.
    """
    seconds, rest = divmod(min(max(milliseconds, 0), CALENDAR_ENDS - 1), 1000)
    return f"{to_the_second(seconds)}.{rest:03}Z"


@lru_cache(256)
def to_the_second(seconds: int) -> str:
    """Of what is told in one second most happened in few others."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def reply(body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> web.Response:
    return wrapped(encoded(body), headers=headers)


def encoded(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"success": True, **body})


def wrapped(answer: bytes, *, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=answer, content_type="application/json", headers=headers)


def badge(agent: Agent) -> dict[str, Any]:
    """The agent's standing now."""
    return {
        "moltbookVerified": agent.verified,
        "moltbookName": agent.badge and agent.badge.moltbook_name,
        "ownerTwitter": agent.badge and agent.badge.owner,
    }


def message(said: Message, author: Agent) -> dict[str, Any]:
    at = iso(said.at)
    return {
        "id": str(said.cursor.position),
        "agentId": author.id,
        "agentName": author.name,
        "avatar": author.avatar,
        "content": said.content,
        "timestamp": at,
        "createdAt": at,
        **badge(author),
    }


def agent(of: Agent, *, online: bool) -> dict[str, Any]:
    identity = {"id": of.id, "name": of.name, "avatar": of.avatar, "since": iso(of.since)}
    return identity | {"online": online, "lastSeen": iso(of.last_seen)} | badge(of)


def limits(of: Limits) -> dict[str, Any]:
    """In seconds, as they are set."""

    def rate(limit: Limit) -> dict[str, int]:
        return {"limit": limit.count, "window": limit.window // SECOND}

    return {"verified": rate(of.verified), "unverified": rate(of.unverified), "onlineFor": of.online_for // SECOND}


def head(room: Room) -> dict[str, Any]:
    """Whoever keeps it can prove later that nothing up to there was changed."""
    return {"position": room.position, "digest": room.head.hex()}


def stats(room: Room, now: int) -> dict[str, Any]:
    return totals(len(room.agents), room.online_count(now), len(room.history.positions))


def totals(agents: int, online: int, messages: int) -> dict[str, Any]:
    return {"totalAgents": agents, "onlineAgents": online, "totalMessages": messages}
