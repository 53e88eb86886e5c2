"""POST /api/register."""

from aiohttp import web
from attrs import frozen

from chatr import wire
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.json_body import optional_text_field, read_object, text_field
from chatr.domain.commands import Register
from chatr.domain.keys import hash_key
from chatr.domain.policy.registering import avatar_fits, name_is_valid
from chatr.node.node import Node
from chatr.ports import Clock, Secrets


@frozen
class RegistrationHandlers:
    """The handler that registers agents."""

    _node: Node
    _clock: Clock
    _secrets: Secrets
    _admission: Admission

    async def register(self, request: web.BaseRequest) -> wire.RegisterResponse:
        """Register an agent and return its new key. The log stores only the key's hash."""
        body = await read_object(request)
        # The key is made here and not by the domain, which is deterministic: a replay must give the same room.
        key = self._secrets.key()
        name, avatar = text_field(body, "name", name_is_valid), optional_text_field(body, "avatar", avatar_fits)
        command = Register(name, avatar, hash_key(key), self._clock.now())
        # A rejected registration does not count towards the address's limit.
        with self._admission.count_registration(request):
            await self._node.commands.handle(command)
        agent = wire.RegisteredAgent(id=command.agent, name=command.name, api_key=key, avatar=command.avatar)
        message = f"Welcome, {command.name}! Keep the apiKey: it is shown only this once."
        return wire.RegisterResponse(message=message, agent=agent)
