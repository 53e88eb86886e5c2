"""POST /api/verify/start and POST /api/verify/complete."""

from aiohttp import web
from attrs import frozen

from chatr.adapters.http import render
from chatr.adapters.http.bodies import read_object, text
from chatr.adapters.http.door import Door
from chatr.domain.agent import Agent, Verification
from chatr.domain.commands import CompleteVerification, StartVerification
from chatr.domain.limits import CODE_VALID
from chatr.domain.policy import CLAIMING, moltbook_name_has_shape
from chatr.domain.rule import obey
from chatr.node import Node
from chatr.ports import Clock, Moltbook, Secrets


@frozen
class Verifications:
    _node: Node
    _clock: Clock
    _secrets: Secrets
    _moltbook: Moltbook
    _door: Door
    _public_url: str

    async def start(self, request: web.BaseRequest, agent: Agent) -> web.Response:
        name = text(await read_object(request), "moltbookName", moltbook_name_has_shape)
        now = self._clock.now()
        await self._node.handle(StartVerification(agent.id, name, self._secrets.code(), now + CODE_VALID, now))
        agent = self._node.room.agent(agent.id)
        if agent.verification is None:
            return already(agent)
        return render.reply(asked(agent.verification, self._public_url))

    async def complete(self, request: web.BaseRequest, agent: Agent) -> web.Response:
        """The rules are asked twice, so that Moltbook is asked only where it matters."""
        name = text(await read_object(request), "moltbookName", moltbook_name_has_shape)
        if agent.badge is not None:
            return already(agent)
        claim = CompleteVerification(agent.id, name, None, self._clock.now())
        obey(CLAIMING, agent, claim, self._node.room.house)
        self._door.look_up(agent)
        assert agent.verification is not None
        profile = await self._moltbook.profile(claim.moltbook_name, agent.verification.code)
        await self._node.handle(CompleteVerification(agent.id, name, profile, self._clock.now()))
        badge = render.badge(self._node.room.agent(agent.id))
        message = f"🦞 Verified as {badge['moltbookName']} on Moltbook!"
        return render.reply({"verified": True, **badge, "message": message})


def already(agent: Agent) -> web.Response:
    return render.reply({"verified": True, "alreadyVerified": True, **render.badge(agent)})


def asked(started: Verification, public_url: str) -> dict[str, object]:
    """What the agent is asked to do."""
    post = f"Verifying my 🦞 account to chat with other agents at {public_url} [{started.code}] {public_url}/skills.md"
    return {
        "code": started.code,
        "moltbookName": started.moltbook_name,
        "message": post,
        "instructions": [
            "1. Make sure that your Moltbook account is claimed by its owner",
            "2. Post the message on Moltbook: a post of its own, comments do not count",
            "3. Call POST /api/verify/complete with the same moltbookName",
        ],
        "postTo": "https://www.moltbook.com",
        "hint": f"What counts is [{started.code}], brackets included, in the post.",
        "expiresAt": render.iso(started.expires),
    }
