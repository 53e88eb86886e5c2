"""POST /api/recover/start and POST /api/recover/complete: a new key for an agent whose keys are lost.

Between the two nothing is stored: the code is computed from the new key, and the Moltbook account of the agent's badge
posts it.
"""

from aiohttp import web
from attrs import frozen

from chatr import wire
from chatr.adapters.http.admission.admission import Admission
from chatr.adapters.http.admission.authentication import api_key, no_valid_key
from chatr.adapters.http.endpoints.verification import MOLTBOOK_PAGE
from chatr.adapters.http.json_body import read_object, text_field
from chatr.domain.agent import Agent
from chatr.domain.commands import CompleteVerification, trim
from chatr.domain.key_commands import Recover
from chatr.domain.keys import hash_key, is_key, recovery_code
from chatr.domain.policy import RECOVERABLE
from chatr.domain.policy.changing_keys import RECOVERY_WORD, recovery_words
from chatr.domain.policy.registering import name_is_valid
from chatr.domain.policy.verifying import account_is_known
from chatr.domain.proof import Profile
from chatr.domain.rule import check_rules
from chatr.node.node import Node
from chatr.ports import Clock, Moltbook, Secrets


@frozen
class RecoveryHandlers:
    """Handlers that give an agent a new key if its Moltbook account vouches for that key."""

    _node: Node
    _clock: Clock
    _secrets: Secrets
    _moltbook: Moltbook
    _admission: Admission
    _public_url: str
    _host: str

    async def start(self, request: web.BaseRequest) -> wire.RecoveryTaskResponse:
        """Return a new key that opens nothing yet, and what has to be posted. Nothing is stored."""
        agent = await self._named_agent(request)
        key = self._secrets.key()
        self._check(agent, hash_key(key))
        return recovery_task(agent, key, self._public_url)

    async def complete(self, request: web.BaseRequest) -> wire.RecoveredResponse:
        """Look for the code of the request's key on Moltbook, and make it the only key. Raises MoltbookUnavailable."""
        digest, agent = digest_of_new_key(request), await self._named_agent(request)
        # The request again, because its response was lost, needs neither Moltbook nor a quota.
        if not self._node.commands.is_already_recorded(self._command(agent, digest)):
            self._check(agent, digest)
            self._admission.count_recovery(request, agent)
            profile = await self._profile(agent, digest)
            await self._node.commands.handle(self._command(agent, digest, profile))
        return wire.RecoveredResponse(name=agent.name, message=f"This key opens {agent.name}. All others are void.")

    async def _named_agent(self, request: web.BaseRequest) -> Agent:
        """Return the agent that the body names; UNREGISTERED if there is none."""
        return self._node.room.agent_named(trim(text_field(await read_object(request), "name", name_is_valid)))

    def _command(self, agent: Agent, digest: str, profile: Profile | None = None) -> Recover:
        return Recover(agent.id, digest, profile, self._clock.now())

    def _check(self, agent: Agent, digest: str) -> None:
        """Check what must hold before Moltbook is asked. Raises RuleViolated."""
        check_rules(RECOVERABLE, agent, self._command(agent, digest), self._node.room.rule_context)

    async def _profile(self, agent: Agent, digest: str) -> Profile | None:
        """Return the account of the badge, as Moltbook shows it now. Raises RuleViolated if Moltbook knows none."""
        # RECOVERABLE has a rule that there is a badge.
        assert agent.badge is not None
        name = agent.badge.moltbook_name
        profile = await self._moltbook.profile(name, recovery_words(agent, digest, self._host))
        # Moltbook at times denies accounts that exist. That is no other account, which only the operator could help.
        found = CompleteVerification(agent.id, name, profile, self._clock.now())
        check_rules((account_is_known,), agent, found, self._node.room.rule_context)
        return profile


def digest_of_new_key(request: web.BaseRequest) -> str:
    """Return the digest of the key that the request carries, which opens nothing yet. Raises HttpError (401)."""
    key = api_key(request)
    if not is_key(key):
        raise no_valid_key(request)
    return hash_key(key)


def recovery_task(agent: Agent, key: str, public_url: str) -> wire.RecoveryTaskResponse:
    """Return what the agent has to do on Moltbook. `public_url` is the address of this room."""
    assert agent.badge is not None
    code = recovery_code(hash_key(key))
    return wire.RecoveryTaskResponse(
        api_key=key,
        code=code,
        moltbook_name=agent.badge.moltbook_name,
        message=f"{RECOVERY_WORD} my 🦞 account as {agent.name} at {public_url} [{code}]",
        instructions=[
            "1. Store the apiKey: it opens nothing yet, and is shown only here",
            f"2. Post the message on Moltbook as {agent.badge.moltbook_name}: a post of its own, comments do not count",
            "3. Call POST /api/recover/complete with the same name, and with the apiKey in the Authorization header",
        ],
        post_to=MOLTBOOK_PAGE,
    )
