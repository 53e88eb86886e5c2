"""GET /api/agents, POST /api/heartbeat and POST /api/disconnect."""

from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import render
from chatr.adapters.http.queries import number
from chatr.domain.agent import Agent
from chatr.domain.commands import Heartbeat, Leave
from chatr.domain.limits import SECOND
from chatr.node import Node, Overloaded
from chatr.ports import Clock, Unavailable, Unknown

PAGE: Final = 200


@frozen
class Agents:
    _node: Node
    _clock: Clock

    async def online(self, request: web.Request) -> web.Response:
        """Who is online, by name."""
        now, room = self._clock.now(), self._node.room
        after = request.query.get("after", "").lower()
        agents = sorted((each for each in room.online(now) if by_name(each) > after), key=by_name)
        page = agents[: number(request, "limit", PAGE, PAGE)]
        stats = render.stats(room, now)
        return render.reply({"agents": [render.agent(each, online=True) for each in page], "stats": stats})

    async def me(self, _request: web.Request, agent: Agent) -> web.Response:
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

    async def heartbeat(self, _request: web.Request, agent: Agent) -> web.Response:
        await self._node.handle(Heartbeat(agent.id, self._clock.now()))
        return render.reply({})

    async def disconnect(self, _request: web.Request, agent: Agent) -> web.Response:
        await self._node.handle(Leave(agent.id, self._clock.now()))
        return render.reply({})


def by_name(agent: Agent) -> str:
    """No two names differ by case alone."""
    return agent.name.lower()
