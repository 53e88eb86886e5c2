"""Commands about the keys of agents: register, key, revoke-key. A new key is in the reply and nowhere else."""

from collections.abc import AsyncGenerator
from typing import Final

from msgspec import UNSET

from chatr.admin.operator import Operator, RequestRefused
from chatr.admin.replies import Change
from chatr.admin.requests import IssueAgentKey, RegisterAgent, RevokeAgentKeys
from chatr.domain.agent import Agent
from chatr.domain.commands import Register
from chatr.domain.key_commands import IssueKey, RevokeKey
from chatr.domain.keys import hash_key
from chatr.domain.limits import ROTATIONS, SECOND
from chatr.domain.policy.changing_keys import key_opens_agent
from chatr.domain.rule import RuleViolated

MOST_ROUNDS: Final = ROTATIONS.count + 2
"""Rounds of revoking. Whoever holds a key can replace it ROTATIONS.count times a day: two rounds more outlast them."""


async def register(operator: Operator, request: RegisterAgent) -> AsyncGenerator[Change]:
    """Register an agent, also where registration is closed."""
    key = operator.admin_node.secrets.key()
    command = Register(request.agent, request.avatar, hash_key(key), operator.now(), by=operator.by)
    shown = UNSET if operator.dry_run else key
    yield await operator.change("agent-registered", command, agent=command.name, api_key=shown)


async def issue_key(operator: Operator, request: IssueAgentKey) -> AsyncGenerator[Change]:
    """Give an agent a new key, which is pending until its first use."""
    agent, key = operator.agent_named(request.agent), operator.admin_node.secrets.key()
    command = IssueKey(agent.id, hash_key(key), request.grace, operator.now(), operator.by)
    shown = UNSET if operator.dry_run else key
    yield await operator.change("key-issued", command, agent=agent.name, grace=request.grace // SECOND, api_key=shown)


async def revoke_keys(operator: Operator, request: RevokeAgentKeys) -> AsyncGenerator[Change]:
    """Make every key void that opens an agent. Yields one change for each, or one that says that there was none.

    Raises RequestRefused if the agent has a new key after each round.
    """
    agent = operator.agent_named(request.agent)
    if not open_keys(operator, agent):
        yield Change(
            type="key-revoked", record=None, already=True, dry_run=operator.dry_run, by=operator.by, agent=agent.name
        )
    for _ in range(MOST_ROUNDS):
        for digest in open_keys(operator, agent):
            command = RevokeKey(agent.id, digest, operator.now(), operator.by)
            try:
                yield await operator.change("key-revoked", command, agent=agent.name)
            except RuleViolated as violation:
                # Somebody who holds this key has replaced it meanwhile: the next round finds the new one.
                if violation.code != key_opens_agent.code:
                    raise
        if operator.dry_run or not open_keys(operator, agent):
            return
    raise RequestRefused("keys_left", f"{agent.name} was given other keys meanwhile: repeat the command.")


def open_keys(operator: Operator, agent: Agent) -> list[str]:
    """The digests of the keys that open an agent now, as far as the room is folded."""
    current, now = operator.room.agent(agent.id), operator.now()
    return [digest for digest in current.key_digests if current.is_opened_by(digest, now)]
