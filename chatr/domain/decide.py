"""Decide commands: check the rules, and return the event that follows. Apart from it only the codec makes events."""

from typing import Any

from attrs import frozen

from chatr.domain import keyed_posts
from chatr.domain.agent import Agent
from chatr.domain.change_keys import key_event_for
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
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
from chatr.domain.key_commands import ActivateKey, IssueKey, Recover, RevokeKey
from chatr.domain.key_events import KeyIssued
from chatr.domain.moderate import existing_decision_for, moderation_event_for
from chatr.domain.policy import RULES_BY_COMMAND
from chatr.domain.policy.changing_keys import is_in_use, is_only_key
from chatr.domain.policy.posting import post_with_same_key
from chatr.domain.rule import Rule, RuleContext, check_rules


@frozen
class AlreadyRecorded:
    """A command needs no event. The record at `position` is the reason, or the last one of the command's stream."""

    position: int


def decide(agent: Agent, command: Command, context: RuleContext) -> Event | AlreadyRecorded:
    """The one event that follows from a command, or that it needs none. Raises RuleViolated."""
    # First, so that a repeated command succeeds even where it would violate a rule now, such as the rate limit.
    position = existing_record_for(agent, command, context)
    if position is not None:
        return AlreadyRecorded(position)
    check_rules(rules_for(command), agent, command, context)
    return event_for(agent, command)


def rules_for(command: Command) -> tuple[Rule[Any], ...]:
    """The rules for a command, in the order in which they are checked."""
    return RULES_BY_COMMAND[type(command)]


def existing_record_for(agent: Agent, command: Command, context: RuleContext) -> int | None:
    """The position for `AlreadyRecorded` if a command would change nothing; None if it needs an event."""
    match command:
        case Post():
            earlier = post_with_same_key(agent, command)
            text = keyed_posts.compared_text(command.content, command.reply_to)
            return earlier.position if earlier is not None and earlier.has_text(text) else None
        case Heartbeat():
            # Redundant heartbeats would be most of the log.
            is_recent = agent.present and abs(command.at - agent.last_seen) < context.limits.activity_interval
            # An acknowledgement that passes nothing loses nothing until the agent's next activity is recorded.
            passes = context.is_addressed(agent.id, agent.read, command.read)
            return agent.position if is_recent and not passes else None
        case Leave():
            return agent.position if agent.registered and not agent.present else None
        case StartVerification() if agent.badge is None:
            started = agent.verification
            return (
                started.position
                if started is not None and started.is_valid_for(command.moltbook_name, command.host, command.at)
                else None
            )
        case StartVerification() | CompleteVerification():
            return agent.badge.position if agent.badge is not None else None
        case AdoptLimits():
            return context.limits_position if context.limits_position > 0 and context.limits == command.limits else None
        case ActivateKey():
            # Another node may have recorded its first use, and that of a newer key, while this command waited.
            return agent.position if is_in_use(agent, command.key_digest, command.at) else None
        case Recover():
            # The same request again, because its response was lost: all other keys are void already.
            return agent.position if is_only_key(agent, command.key_digest, command.at) else None
        case Register() | IssueKey() | RevokeKey():
            return None
        case _:
            return existing_decision_for(agent, command, context)


def event_for(agent: Agent, command: Command) -> Event:
    """The event that follows from a command that obeys the rules."""
    match command:
        case Register() if agent.registered:
            # The same request again: the key of its first response may be lost.
            return KeyIssued(agent.id, command.key_digest, 0, command.by, command.at)
        case Register():
            name, digest = command.name, command.key_digest
            return AgentRegistered(command.agent, name, command.avatar, digest, command.at, command.by, command.request)
        case Post():
            key, salt = command.idempotency_key, command.salt
            return MessagePosted(agent.id, command.content, key, command.at, salt, command.reply_to, command.automatic)
        case Heartbeat():
            return AgentSeen(agent.id, command.at, command.read if command.read > agent.read else None)
        case Leave():
            return AgentLeft(agent.id, command.at)
        case StartVerification():
            name, expires = command.moltbook_name, command.expires
            return VerificationStarted(agent.id, name, command.code, expires, command.at, command.host)
        case CompleteVerification():
            profile = command.profile
            # The rules `account_is_known` and `code_is_posted` have made sure of both.
            assert profile is not None
            assert profile.proof is not None
            name, account_id = profile.name, profile.account_id
            return AgentVerified(agent.id, name, profile.owner, profile.proof, command.at, account_id)
        case AdoptLimits():
            return LimitsAdopted(command.limits, command.at)
        case IssueKey() | ActivateKey() | RevokeKey() | Recover():
            return key_event_for(command)
        case _:
            return moderation_event_for(command)
