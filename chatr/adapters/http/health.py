"""GET /health: the process lives. GET /ready: this node can append and has folded all there is."""

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import render
from chatr.adapters.http.refusals import NOT_READY, turn
from chatr.node import Node


@frozen
class Health:
    _node: Node

    async def live(self, _request: web.BaseRequest) -> web.Response:
        return render.reply({"status": "ok"})

    async def ready(self, _request: web.BaseRequest) -> web.Response:
        if not await self._node.ready():
            raise turn(NOT_READY, retryAfter=1)
        return render.reply({"status": "ready"})
