"""agent + command + rules -> event. The only place where an event begins."""

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
from chatr.domain.policy import CLAIMING, MEMBERSHIP, POSTING, PROVING, REGISTERING, STARTING
from chatr.domain.rule import House, Rule, obey
from chatr.domain.text import digest


@frozen
class Settled:
    """Nothing is to be recorded: the record at `position` answers the command already."""

    position: int


def decide(agent: Agent, command: Command, house: House) -> Event | Settled:
    """What comes of a command: one event, or the record that answers it already. Raises `Refused`."""
    position = answered(agent, command, house)
    if position is not None:
        return Settled(position)
    obey(rules_for(command), agent, command, house)
    return event_of(agent, command)


def rules_for(command: Command) -> tuple[Rule[Any], ...]:
    """The rules that a command must obey, in their order."""
    match command:
        case Register():
            return REGISTERING
        case Post():
            return POSTING
        case Heartbeat() | Leave():
            return MEMBERSHIP
        case StartVerification():
            return STARTING
        case CompleteVerification():
            return (*CLAIMING, *PROVING)
        case AdoptLimits():
            return ()
        case _:
            assert_never(command)


def answered(agent: Agent, command: Command, house: House) -> int | None:
    """The position of the record that answers the command already."""
    match command:
        case Post():
            answer = agent.answers.get(command.idempotency_key or "")
            return answer.position if answer is not None and answer.digest == digest(command.content) else None
        case Heartbeat():
            fresh = abs(command.at - agent.last_seen) < house.limits.seen_every
            return agent.position if agent.present and fresh else None
        case Leave():
            return agent.position if agent.registered and not agent.present else None
        case StartVerification() if agent.badge is None:
            started = agent.verification
            return (
                started.position if started is not None and started.answers(command.moltbook_name, command.at) else None
            )
        case StartVerification() | CompleteVerification():
            return agent.badge.position if agent.badge is not None else None
        case AdoptLimits():
            return house.adopted if house.adopted > 0 and house.limits == command.limits else None
        case Register():
            return None
        case _:
            assert_never(command)


def event_of(agent: Agent, command: Command) -> Event:
    """What happens when a command that breaks no rule is carried out."""
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
            return VerificationStarted(agent.id, command.moltbook_name, command.code, command.expires, command.at)
        case CompleteVerification():
            profile = command.profile
            assert profile is not None
            assert profile.proof is not None
            return AgentVerified(agent.id, profile.name, profile.owner, profile.proof, command.at)
        case AdoptLimits():
            return LimitsAdopted(command.limits, command.at)
        case _:
            assert_never(command)


def as_command(event: Event) -> Command:
    """The command that this event answered. Audit hands it in again and expects the same event."""
    match event:
        case AgentRegistered():
            return Register(event.name, event.avatar, event.key_digest, event.at)
        case MessagePosted():
            return Post(event.agent, event.content, event.at, event.idempotency_key)
        case AgentSeen():
            return Heartbeat(event.agent, event.at)
        case AgentLeft():
            return Leave(event.agent, event.at)
        case VerificationStarted():
            return StartVerification(event.agent, event.moltbook_name, event.code, event.expires, event.at)
        case AgentVerified():
            profile = Profile(event.moltbook_name, claimed=True, owner=event.owner, proof=event.proof)
            return CompleteVerification(event.agent, event.moltbook_name, profile, event.at)
        case LimitsAdopted():
            return AdoptLimits(event.limits, event.at)
        case _:
            assert_never(event)
