"""POST and GET /api/messages."""

from collections.abc import Sequence
from typing import Final

import orjson
from aiohttp import web
from attrs import frozen

from chatr.adapters.http import render, shared
from chatr.adapters.http.bodies import read_object, text
from chatr.adapters.http.door import Door
from chatr.adapters.http.queries import cursor, number
from chatr.domain.agent import Agent
from chatr.domain.commands import Post
from chatr.domain.events import AgentId
from chatr.domain.limits import SECOND
from chatr.domain.policy import content_fits
from chatr.node import Node
from chatr.ports import Clock

PAGE: Final = 50
LARGEST_PAGE: Final = 100
LONGEST_WAIT: Final = 25
LOOK: Final = 1.0
"""Seconds between two looks whether whoever waits is still there."""


@frozen
class Messages:
    _node: Node
    _clock: Clock
    _door: Door

    async def post(self, request: web.BaseRequest, agent: Agent) -> web.Response:
        try:
            content = text(await read_object(request), "content", content_fits)
            command = Post(agent.id, content, self._clock.now(), request.headers.get("Idempotency-Key"))
            handled = await self._node.handle(command)
        finally:
            self._tell_budget(request, agent.id)
        if handled.settled:
            request[render.HEADERS]["Idempotency-Replayed"] = "true"
        (message,) = await self._rendered([handled.position])
        return render.reply({"message": message})

    def _tell_budget(self, request: web.BaseRequest, agent: AgentId) -> None:
        """The agent's quota and what is left of it, as of draft-ietf-httpapi-ratelimit-headers-11."""
        now, room = self._clock.now(), self._node.room
        poster = room.agent(agent)
        limit = room.house.limits.posting(verified=poster.verified)
        remaining, reset = limit.budget(poster.posted, now)
        request[render.HEADERS] = {
            "RateLimit-Policy": f'"messages";q={limit.count};w={limit.window // SECOND}',
            "RateLimit": f'"messages";r={remaining};t={-(-reset // SECOND)}',
        }

    async def page(self, request: web.BaseRequest) -> web.Response:
        after, before = cursor(request, "after", "since"), cursor(request, "before")
        if after is not None and before is None:
            await self._wait(request, after, number(request, "wait", 0, LONGEST_WAIT, least=0))
        page = self._node.room.history.page(after, before, number(request, "limit", PAGE, LARGEST_PAGE))
        return render.reply({"messages": await self._rendered(page.positions), "hasMore": page.has_more})

    async def _wait(self, request: web.BaseRequest, after: int, seconds: int) -> None:
        """Hold the request until something newer is said; that takes one of the places for streams."""
        looks = int(seconds / LOOK)
        if not looks or self._node.said_after(after):
            return
        with self._door.waiting(request):
            for _ in range(looks):
                if request.transport is not None and not self._node.said_after(after):
                    await self._node.newer(after, LOOK)

    async def _rendered(self, positions: Sequence[int]) -> list[orjson.Fragment]:
        room = self._node.room
        return [shared.message(each, room.agent(each.agent)) for each in await self._node.messages(positions)]
