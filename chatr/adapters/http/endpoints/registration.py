"""POST /api/register."""

from contextlib import nullcontext

from aiohttp import web
from attrs import frozen

from chatr import wire
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.error_catalogue import INVALID_REGISTRATION_KEY, http_error
from chatr.adapters.http.json_body import optional_text_field, read_object, text_field
from chatr.domain.commands import Register
from chatr.domain.keys import hash_key
from chatr.domain.limits import REGISTRATION_KEY_LENGTH
from chatr.domain.policy.registering import avatar_fits, name_is_valid, repeats_registration
from chatr.domain.text import is_idempotency_key
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
        """Register an agent and return its new key. The log stores only the key's hash.

        The same request with the same Idempotency-Key gives the agent another key, while the first one was not used.
        """
        body = await read_object(request)
        # The key is made here and not by the domain, which is deterministic: a replay must give the same room.
        key = self._secrets.key()
        name, avatar = text_field(body, "name", name_is_valid), optional_text_field(body, "avatar", avatar_fits)
        repeatable = request_digest(request)
        command = Register(name, avatar, hash_key(key), self._clock.now(), request=repeatable)
        # A rejected registration does not count towards the address's limit. Nor does a repeated one: it must succeed
        # where the first one was the last that the limit allowed, and an agent's own limit bounds its records.
        before = self._node.room.agent(command.agent)
        is_repeated = repeats_registration(before, command)
        with nullcontext() if is_repeated else self._admission.count_registration(request):
            await self._node.commands.handle(command)
        # Not from the room after it: the log may have been replaced meanwhile by one without the agent.
        avatar = before.avatar if is_repeated else command.avatar
        registered = wire.RegisteredAgent(id=command.agent, name=command.name, api_key=key, avatar=avatar)
        message = f"Welcome, {command.name}! Keep the apiKey: it is shown only this once."
        if self._node.room.rule_context.limits.registration == "approval":
            message += " You can read now, and post when the operator of this room has approved you."
        return wire.RegisterResponse(message=message, agent=registered)


def request_digest(request: web.BaseRequest) -> str | None:
    """Return the SHA-256 of the request's Idempotency-Key in hex, or None without one.

    Raises HttpError (400) for one that others could guess: it stands for the key of the agent.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if len(key) not in REGISTRATION_KEY_LENGTH or not is_idempotency_key(key):
        raise http_error(INVALID_REGISTRATION_KEY)
    return hash_key(key)
