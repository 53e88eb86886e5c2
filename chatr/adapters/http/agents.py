"""GET /api/agents, POST /api/heartbeat and POST /api/disconnect."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import field, frozen

from chatr.adapters.http import render
from chatr.adapters.http.queries import number
from chatr.adapters.http.shared import Shared
from chatr.domain.agent import Agent
from chatr.domain.commands import Heartbeat, Leave
from chatr.domain.limits import SECOND
from chatr.domain.room import Room
from chatr.node import Node, Overloaded
from chatr.ports import Clock, Unavailable, Unknown

PAGE: Final = 200


@frozen
class Listed:
    """Who is online, by name, and the page that everybody asks for first."""

    agents: Sequence[Agent]
    first: bytes


def by_name(agent: Agent) -> str:
    """No two names differ by case alone."""
    return agent.name.lower()


def page(room: Room, now: int, agents: Iterable[Agent]) -> bytes:
    return render.encoded(
        {"agents": [render.agent(each, online=True) for each in agents], "stats": render.stats(room, now)}
    )


def listed(room: Room, now: int) -> Listed:
    agents = sorted(room.online(now), key=by_name)
    return Listed(agents, page(room, now, agents[:PAGE]))


@frozen
class Agents:
    _node: Node
    _clock: Clock
    _listed: Shared[Listed] = field(init=False, factory=lambda: Shared(listed, Room.online_until))

    async def online(self, request: web.BaseRequest) -> web.Response:
        """Who is online, by name."""
        now, room = self._clock.now(), self._node.room
        listed = self._listed.at(room, now)
        if not request.query_string:
            return render.wrapped(listed.first)
        first = bisect_right(listed.agents, request.query.get("after", "").lower(), key=by_name)
        return render.wrapped(page(room, now, listed.agents[first : first + number(request, "limit", PAGE, PAGE)]))

    async def me(self, _request: web.BaseRequest, agent: Agent) -> web.Response:
        """The agent itself and what it may do; asking is activity, so it is online."""
        with suppress(Unavailable, Unknown, Overloaded):
            await self._node.handle(Heartbeat(agent.id, self._clock.now()))
        now, limits = self._clock.now(), self._node.room.house.limits
        agent = self._node.room.agent(agent.id)
        limit = limits.posting(verified=agent.verified)
        remaining, reset = limit.budget(agent.posted, now)
        messages = {
            "limit": limit.count,
            "window": limit.window // SECOND,
            "remaining": remaining,
            "resetIn": -(-reset // SECOND),
        }
        identity = render.agent(agent, online=agent.online(now, limits))
        return render.reply({"agent": identity, "limits": {"messages": messages, "urls": agent.verified}})

    async def heartbeat(self, _request: web.BaseRequest, agent: Agent) -> web.Response:
        await self._node.handle(Heartbeat(agent.id, self._clock.now()))
        return render.reply({})

    async def disconnect(self, _request: web.BaseRequest, agent: Agent) -> web.Response:
        await self._node.handle(Leave(agent.id, self._clock.now()))
        return render.reply({})
