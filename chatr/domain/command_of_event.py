"""The command from which an event followed, so that audit can decide it again."""

from typing import assert_never

from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
    agent_id,
    older_agent_id,
)
from chatr.domain.events import (
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    Event,
    LimitsAdopted,
    MessagePosted,
    VerificationStarted,
)
from chatr.domain.key_commands import ActivateKey, IssueKey, KeyCommand, Recover, RevokeKey
from chatr.domain.key_events import AgentRecovered, KeyActivated, KeyEvent, KeyIssued, KeyRevoked
from chatr.domain.moderate import as_moderation_command
from chatr.domain.proof import Profile


def as_command(event: Event) -> Command:
    """The command from which an event followed. Audit decides it again and expects the same event."""
    match event:
        case AgentRegistered():
            is_older = event.agent == older_agent_id(event.name) != agent_id(event.name)
            older_id = event.agent if is_older else None
            return Register(event.name, event.avatar, event.key_digest, event.at, older_id, event.by, event.request)
        case MessagePosted():
            key, salt = event.idempotency_key, event.salt
            return Post(event.agent, event.content, event.at, key, salt, event.reply_to, event.automatic)
        case AgentSeen():
            return Heartbeat(event.agent, event.at, event.read or 0)
        case AgentLeft():
            return Leave(event.agent, event.at)
        case VerificationStarted():
            return StartVerification(event.agent, event.moltbook_name, event.code, event.expires, event.at, event.host)
        case AgentVerified():
            profile = Profile(
                event.moltbook_name, claimed=True, owner=event.owner, proof=event.proof, account_id=event.account_id
            )
            return CompleteVerification(event.agent, event.moltbook_name, profile, event.at)
        case LimitsAdopted():
            return AdoptLimits(event.limits, event.at)
        case KeyIssued() | KeyActivated() | KeyRevoked() | AgentRecovered():
            return as_key_command(event)
        case _:
            return as_moderation_command(event)


def as_key_command(event: KeyEvent) -> KeyCommand:
    """The command from which an event about keys followed."""
    match event:
        case KeyIssued():
            return IssueKey(event.agent, event.key_digest, event.grace, event.at, event.by)
        case KeyActivated():
            return ActivateKey(event.agent, event.key_digest, event.at)
        case KeyRevoked():
            return RevokeKey(event.agent, event.key_digest, event.at, event.by)
        case AgentRecovered():
            account = Profile("", claimed=True, owner=None, proof=event.proof, account_id=event.account_id)
            return Recover(event.agent, event.key_digest, account, event.at)
        case _:
            assert_never(event)
