"""POST /api/keys/rotate and POST /api/keys/revoke."""

from typing import Final

from aiohttp import web
from attrs import frozen

from chatr import wire
from chatr.adapters.http.admission.authentication import KEY_DIGEST
from chatr.adapters.http.json_body import optional_number_field, read_optional_object
from chatr.domain.agent import Agent
from chatr.domain.key_commands import IssueKey, RevokeKey
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR, SECOND
from chatr.domain.policy.changing_keys import grace_is_allowed
from chatr.node.node import Node
from chatr.ports import Clock, Secrets

DEFAULT_GRACE: Final = HOUR
"""Milliseconds for which old keys stay open where the request does not say: other processes of the agent have time to
read the new one.
"""


@frozen
class KeyHandlers:
    """Handlers with which an agent changes its keys."""

    _node: Node
    _clock: Clock
    _secrets: Secrets

    async def rotate(self, request: web.BaseRequest, agent: Agent) -> wire.RotatedKeyResponse:
        """Return a new key, which is pending: the old ones stay open until `grace` seconds after its first use."""
        body, default = await read_optional_object(request), DEFAULT_GRACE // SECOND
        grace = optional_number_field(body, "grace", default, grace_is_allowed)
        key = self._secrets.key()
        issue = IssueKey(agent.id, hash_key(key), grace * SECOND, self._clock.now())
        await self._node.commands.handle(issue, request[KEY_DIGEST])
        return wire.RotatedKeyResponse(api_key=key, old_key_valid_for=grace)

    async def revoke(self, request: web.BaseRequest, agent: Agent) -> wire.SuccessResponse:
        """Make the key of this request void."""
        await self._node.commands.handle(RevokeKey(agent.id, request[KEY_DIGEST], self._clock.now()))
        return wire.SuccessResponse()
