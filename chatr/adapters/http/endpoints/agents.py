"""GET /api/agents, GET /api/agents/{name}, GET /api/me, POST /api/heartbeat and POST /api/disconnect."""

import re
from contextlib import suppress
from typing import Final

from aiohttp import web
from attrs import field, frozen

from chatr import to_wire, wire
from chatr.adapters.http.admission.authentication import KEY_DIGEST
from chatr.adapters.http.endpoints.long_reads import LongReads, Pause
from chatr.adapters.http.endpoints.selected_messages import registered_agent
from chatr.adapters.http.json_response import encode, json_response
from chatr.adapters.http.query_string import number
from chatr.adapters.http.read_errors import NAMES_TOO_SLOW
from chatr.adapters.http.response_cache import CachedValue
from chatr.domain.agent import Agent
from chatr.domain.commands import Heartbeat, Leave
from chatr.domain.limits import NAME_LENGTH
from chatr.domain.name_search import names_in
from chatr.domain.room import Room
from chatr.domain.rule import RuleViolated
from chatr.node.command_handler import Overloaded
from chatr.node.node import Node
from chatr.ports import Clock, LogUnavailable, OutcomeUnknown

MAX_PAGE_SIZE: Final = 200
"""Agents on a page of GET /api/agents; also the default."""
MAX_FOUND: Final = 20
"""Agents that a search returns at most; also the default."""
NAME_PART: Final = re.compile(f"[a-z0-9_-]{{0,{NAME_LENGTH[-1]}}}")
"""What may be a part of a name in small letters. Nothing else is in any."""


def page(room: Room, after: str = "", count: int = MAX_PAGE_SIZE) -> wire.AgentsResponse:
    """Return the first agents that are online and whose names come after `after`."""
    shown = [to_wire.agent(agent, online=True) for agent in room.presence.page(after.lower(), count)]
    return wire.AgentsResponse(agents=shown, stats=to_wire.stats(room, len(room.presence)))


async def names_with(room: Room, part: str, limit: int, pause: Pause) -> list[str]:
    """Return at most `limit` names of agents that have `part`: first those that begin with it, each kind sorted.

    Where there are more, they are those of the agents that registered first. `pause` is awaited between two steps.
    """
    found: list[str] = []
    for at_start in (True, False):
        names: list[str] = []
        for block in room.names.search.all_blocks():
            names += names_in(block, part, limit - len(found) - len(names), at_start=at_start)
            # A million names are hundreds of blocks; other requests run between two of them.
            await pause()
        found += sorted(names)
    return found


@frozen
class AgentHandlers:
    """Handlers about agents and their presence."""

    _node: Node
    _clock: Clock
    _reads: LongReads
    # The response to a request without parameters, which nearly every client sends.
    _first_page: CachedValue[bytes] = field(
        init=False,
        factory=lambda: CachedValue(
            lambda room: encode(page(room)), lambda room: (room.position, room.presence.version)
        ),
    )

    async def online(self, request: web.BaseRequest) -> web.Response | wire.AgentsResponse | wire.FoundAgentsResponse:
        """Return a page of the agents that are online: the first one, or the one after the name in `after`.

        With `q` return the agents whose names have that part, online or not. Raises HttpError (503).
        """
        room = self._node.room
        if "q" in request.query:
            return await self._found(request, request.query["q"], number(request, "limit", MAX_FOUND, MAX_FOUND))
        room.advance_presence(self._clock.now())
        if not request.query_string:
            return json_response(self._first_page.of(room))
        return page(room, request.query.get("after", ""), number(request, "limit", MAX_PAGE_SIZE, MAX_PAGE_SIZE))

    async def _found(self, request: web.BaseRequest, text: str, limit: int) -> wire.FoundAgentsResponse:
        room, part = self._node.room, text.strip().removeprefix("@").lower()
        async with self._reads.limited(request, NAMES_TOO_SLOW) as pause:
            # One name more than the limit, to know whether there are more.
            names = await names_with(room, part, limit + 1, pause) if NAME_PART.fullmatch(part) else []
        now = self._clock.now()
        shown = [to_wire.details_in(room, room.agent_named(name), now) for name in names[:limit]]
        return wire.FoundAgentsResponse(agents=shown, has_more=len(names) > limit)

    async def one(self, request: web.BaseRequest) -> wire.AgentResponse:
        """Return any registered agent, online or not. Raises RuleViolated for an unknown name."""
        name = request.rel_url.path_safe.rpartition("/")[2]
        agent, now = await registered_agent(self._node, name), self._clock.now()
        return wire.AgentResponse(agent=to_wire.details_in(self._node.room, agent, now))

    async def me(self, _request: web.BaseRequest, agent: Agent) -> wire.MeResponse:
        """Return the agent itself and what it may do."""
        # Every request of an agent is activity. It is recorded before the response is made, so that the agent is shown
        # as online. If it cannot be recorded, or the agent is suspended, the rest of the response is still right.
        with suppress(LogUnavailable, OutcomeUnknown, Overloaded, RuleViolated):
            await self._node.commands.handle(Heartbeat(agent.id, self._clock.now()))
        now, limits = self._clock.now(), self._node.room.rule_context.limits
        agent = self._node.room.agent(agent.id)
        shown = to_wire.agent(agent, online=agent.is_online(now, limits))
        can = to_wire.agent_limits(agent, limits, now)
        return wire.MeResponse(agent=shown, limits=can, suspended=to_wire.suspension(agent, now))

    async def heartbeat(self, request: web.BaseRequest, agent: Agent) -> wire.SuccessResponse:
        """Keep the agent online."""
        await self._node.commands.handle(Heartbeat(agent.id, self._clock.now()), request[KEY_DIGEST])
        return wire.SuccessResponse()

    async def disconnect(self, request: web.BaseRequest, agent: Agent) -> wire.SuccessResponse:
        """Make the agent go offline."""
        await self._node.commands.handle(Leave(agent.id, self._clock.now()), request[KEY_DIGEST])
        return wire.SuccessResponse()
