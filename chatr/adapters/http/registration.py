"""POST /api/register."""

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import render
from chatr.adapters.http.bodies import optional_text, read_object, text
from chatr.adapters.http.door import Door
from chatr.domain.commands import Register
from chatr.domain.keys import digest_of
from chatr.domain.policy import avatar_fits, name_has_shape
from chatr.node import Node
from chatr.ports import Clock, Secrets


@frozen
class Registration:
    _node: Node
    _clock: Clock
    _secrets: Secrets
    _door: Door

    async def register(self, request: web.BaseRequest) -> web.Response:
        body = await read_object(request)
        key = self._secrets.key()
        name, avatar = text(body, "name", name_has_shape), optional_text(body, "avatar", avatar_fits)
        command = Register(name, avatar, digest_of(key), self._clock.now())
        with self._door.registering(request):
            await self._node.handle(command)
        agent = {"id": command.agent, "name": command.name, "apiKey": key, "avatar": command.avatar}
        message = f"Welcome, {command.name}! Keep the apiKey: it is shown only this once."
        return render.reply({"message": message, "agent": agent})
