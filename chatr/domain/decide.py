"""Decide commands: check the rules, and return the event that follows. Apart from it only the codec makes events."""

from typing import Any, assert_never

from attrs import frozen

from chatr.domain.agent import Agent
from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Profile,
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
from chatr.domain.policy import CLAIMING, LEAVING, MEMBERSHIP, POSTING, PROVING, REGISTERING, STARTING
from chatr.domain.policy.posting import post_with_same_key
from chatr.domain.rule import Rule, RuleContext, check_rules


@frozen
class AlreadyRecorded:
    """The result of a command that needs no event, because the record at `position` is its result already."""

    position: int


def decide(agent: Agent, command: Command, context: RuleContext) -> Event | AlreadyRecorded:
    """The one event that follows from a command, or the earlier record that is its result. Raises RuleViolated."""
    # First, so that a repeated command succeeds even where it would violate a rule now, such as the rate limit.
    position = existing_record_for(agent, command, context)
    if position is not None:
        return AlreadyRecorded(position)
    check_rules(rules_for(command), agent, command, context)
    return event_for(agent, command)


def rules_for(command: Command) -> tuple[Rule[Any], ...]:
    """The rules for a command, in the order in which they are checked."""
    match command:
        case Register():
            return REGISTERING
        case Post():
            return POSTING
        case Heartbeat():
            return MEMBERSHIP
        case Leave():
            return LEAVING
        case StartVerification():
            return STARTING
        case CompleteVerification():
            return (*CLAIMING, *PROVING)
        case AdoptLimits():
            return ()
        case _:
            assert_never(command)


def existing_record_for(agent: Agent, command: Command, context: RuleContext) -> int | None:
    """The position of the record that is the result of a command already, or None if the command needs an event."""
    match command:
        case Post():
            earlier = post_with_same_key(agent, command)
            return earlier.position if earlier is not None and earlier.has_content(command.content) else None
        case Heartbeat():
            # Redundant heartbeats would be most of the log.
            is_redundant = agent.present and abs(command.at - agent.last_seen) < context.limits.activity_interval
            return agent.position if is_redundant else None
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
        case Register():
            return None
        case _:
            assert_never(command)


def event_for(agent: Agent, command: Command) -> Event:
    """The event that follows from a command that obeys the rules."""
    match command:
        case Register():
            return AgentRegistered(command.agent, command.name, command.avatar, command.key_digest, command.at)
        case Post():
            return MessagePosted(agent.id, command.content, command.idempotency_key, command.at)
        case Heartbeat():
            return AgentSeen(agent.id, command.at)
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
        case _:
            assert_never(command)


def as_command(event: Event) -> Command:
    """The command that an event followed from. Audit decides it again and expects the same event."""
    match event:
        case AgentRegistered():
            older_id = older_agent_id(event.name)
            is_older = event.agent == older_id != agent_id(event.name)
            return Register(event.name, event.avatar, event.key_digest, event.at, older_id if is_older else None)
        case MessagePosted():
            return Post(event.agent, event.content, event.at, event.idempotency_key)
        case AgentSeen():
            return Heartbeat(event.agent, event.at)
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
        case _:
            assert_never(event)
