"""Commands about the keys of agents: register, key, revoke-key. A new key is in the reply and nowhere else."""

from collections.abc import AsyncGenerator
from typing import Final

from msgspec import UNSET

from chatr.admin.operator import Operator
from chatr.admin.replies import Change
from chatr.admin.requests import IssueAgentKey, RegisterAgent, RevokeAgentKeys
from chatr.domain.agent import Agent
from chatr.domain.commands import Register
from chatr.domain.key_commands import IssueKey, RevokeKey
from chatr.domain.keys import hash_key

MOST_ROUNDS: Final = 5
"""How often the keys of an agent are looked at again, because it was given another one meanwhile."""


async def register(operator: Operator, request: RegisterAgent) -> AsyncGenerator[Change]:
    """Register an agent, also where registration is closed."""
    key = operator.at.secrets.key()
    command = Register(request.agent, request.avatar, hash_key(key), operator.now(), by=operator.by)
    shown = UNSET if operator.dry_run else key
    yield await operator.change("agent-registered", command, agent=command.name, api_key=shown)


async def issue_key(operator: Operator, request: IssueAgentKey) -> AsyncGenerator[Change]:
    """Give an agent a new key, which is pending until its first use."""
    agent, key = operator.agent_named(request.agent), operator.at.secrets.key()
    command = IssueKey(agent.id, hash_key(key), request.grace, operator.now(), operator.by)
    shown = UNSET if operator.dry_run else key
    yield await operator.change("key-issued", command, agent=agent.name, grace=request.grace // 1000, api_key=shown)


async def revoke_keys(operator: Operator, request: RevokeAgentKeys) -> AsyncGenerator[Change]:
    """Make every key void that opens an agent. Yields one change for each, or one that says that there was none."""
    agent = operator.agent_named(request.agent)
    revoked = False
    for _ in range(MOST_ROUNDS):
        for digest in open_keys(agent, operator.now()):
            revoked = True
            command = RevokeKey(agent.id, digest, operator.now(), operator.by)
            yield await operator.change("key-revoked", command, agent=agent.name)
        agent = operator.room.agent(agent.id)
        if operator.dry_run or not open_keys(agent, operator.now()):
            break
    if not revoked:
        yield Change(
            type="key-revoked", record=None, already=True, dry_run=operator.dry_run, by=operator.by, agent=agent.name
        )


def open_keys(agent: Agent, now: int) -> list[str]:
    """The digests of the keys that open an agent now."""
    return [digest for digest in agent.key_digests if agent.is_opened_by(digest, now)]
