"""GET /api/log/head: what proves later that nothing up to here was changed."""

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import render
from chatr.node import Node


@frozen
class Log:
    _node: Node

    async def head(self, _request: web.BaseRequest) -> web.Response:
        room = self._node.room
        return render.reply({**render.head(room), "logId": room.log_id})
