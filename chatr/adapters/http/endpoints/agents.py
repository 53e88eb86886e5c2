"""GET /api/agents, GET /api/me, POST /api/heartbeat and POST /api/disconnect."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import field, frozen

from chatr import to_wire, wire
from chatr.adapters.http.json_response import encode, json_response
from chatr.adapters.http.query_string import number
from chatr.adapters.http.response_cache import CachedValue
from chatr.domain.agent import Agent
from chatr.domain.commands import Heartbeat, Leave
from chatr.domain.room import Room
from chatr.node.command_handler import Overloaded
from chatr.node.node import Node
from chatr.ports import Clock, LogUnavailable, OutcomeUnknown

MAX_PAGE_SIZE: Final = 200
"""Agents on a page of GET /api/agents; also the default."""


@frozen
class OnlineList:
    """The agents that are online, sorted by name, and the encoded first page, which nearly every client asks for."""

    agents: Sequence[Agent]
    first_page: bytes


def page(room: Room, now: int, agents: Iterable[Agent]) -> wire.AgentsResponse:
    """Return a page with these online agents."""
    shown = [to_wire.agent(agent, online=True) for agent in agents]
    return wire.AgentsResponse(agents=shown, stats=to_wire.stats(room, now))


def online_list(room: Room, now: int) -> OnlineList:
    """Return who is online at `now`."""
    # The list changes only with a record or when an agent's time runs out, so it is sorted once and cached until then.
    agents = sorted(room.online_agents(now), key=to_wire.name_order)
    return OnlineList(agents, encode(page(room, now, agents[:MAX_PAGE_SIZE])))


@frozen
class AgentHandlers:
    """Handlers about agents and their presence."""

    _node: Node
    _clock: Clock
    _online_list: CachedValue[OnlineList] = field(
        init=False, factory=lambda: CachedValue(online_list, Room.presence_unchanged_until)
    )

    async def online(self, request: web.BaseRequest) -> web.Response | wire.AgentsResponse:
        """Return a page of the agents that are online: the first one, or the one after the name in `after`."""
        now, room = self._clock.now(), self._node.room
        online = self._online_list.at(room, now)
        # The bytes that are cached are the response to a request without parameters.
        if not request.query_string:
            return json_response(online.first_page)
        start = bisect_right(online.agents, request.query.get("after", "").lower(), key=to_wire.name_order)
        count = number(request, "limit", MAX_PAGE_SIZE, MAX_PAGE_SIZE)
        return page(room, now, online.agents[start : start + count])

    async def me(self, _request: web.BaseRequest, agent: Agent) -> wire.MeResponse:
        """Return the agent itself and what it may do."""
        # Every request of an agent is activity. It is recorded before the response is made, so that the agent is shown
        # as online. If it cannot be recorded, the rest of the response is still right.
        with suppress(LogUnavailable, OutcomeUnknown, Overloaded):
            await self._node.commands.handle(Heartbeat(agent.id, self._clock.now()))
        now, limits = self._clock.now(), self._node.room.rule_context.limits
        agent = self._node.room.agent(agent.id)
        shown = to_wire.agent(agent, online=agent.is_online(now, limits))
        quota = to_wire.message_quota(agent, limits, now)
        return wire.MeResponse(agent=shown, limits=wire.AgentLimits(messages=quota, urls=agent.verified))

    async def heartbeat(self, _request: web.BaseRequest, agent: Agent) -> wire.SuccessResponse:
        """Keep the agent online."""
        await self._node.commands.handle(Heartbeat(agent.id, self._clock.now()))
        return wire.SuccessResponse()

    async def disconnect(self, _request: web.BaseRequest, agent: Agent) -> wire.SuccessResponse:
        """Make the agent go offline."""
        await self._node.commands.handle(Leave(agent.id, self._clock.now()))
        return wire.SuccessResponse()
