"""The result of a command: one event, or the record that answers it already."""

import pytest
from attrs import evolve
from hypothesis import given as whatever

from chatr.domain.command_of_event import as_command
from chatr.domain.commands import AdoptLimits, Command
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.events import AgentLeft, AgentRegistered, AgentSeen, LimitsAdopted, Record
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.scenario import given
from chatr.testing.strategies import histories
from tests.domain.examples import (
    COMPLETE_VERIFICATION,
    CRAB,
    CRAB_LEFT,
    CRAB_REGISTERED,
    CRAB_SEEN,
    HEARTBEAT,
    LEAVE,
    LOBSTER_REGISTERED,
    REGISTER,
    SHRIMP,
    START_VERIFICATION,
)

ADOPTED = LimitsAdopted(Limits(), START)
LATER = START + 5 * MINUTE


def test_register() -> None:
    """Registering leads to an event with the name, the avatar and the digest of the key."""
    given().when(REGISTER).then(AgentRegistered(SHRIMP, "Shrimp", "🦐", REGISTER.key_digest, START))


def test_a_name_and_an_avatar_are_trimmed() -> None:
    """White space around a name or an avatar is removed, and an empty avatar is the same as none."""
    untrimmed = evolve(REGISTER, name=" Shrimp\n", avatar="\t ")

    given().when(untrimmed).then(AgentRegistered(SHRIMP, "Shrimp", None, REGISTER.key_digest, START))


@pytest.mark.parametrize("name", ["Crab", "crab", "CRAB", " crab "])
def test_a_taken_name_is_rejected_with_its_holder(name: str) -> None:
    """A name that looks like a taken one is rejected, and the error names the agent that has it."""
    given(CRAB_REGISTERED).when(evolve(REGISTER, name=name)).then_rejected("name_taken", holder="Crab")


def test_a_name_stays_taken_when_its_agent_has_left() -> None:
    """Leaving does not free a name."""
    given(CRAB_REGISTERED, CRAB_LEFT).when(evolve(REGISTER, name="crab")).then_rejected("name_taken")


def test_the_first_heartbeat_after_registering_is_recorded() -> None:
    """Registering does not put an agent online, so its first heartbeat is not redundant."""
    given(CRAB_REGISTERED).when(HEARTBEAT).then(CRAB_SEEN)


@pytest.mark.parametrize("offset", [MINUTE - 1, 1 - MINUTE])
def test_a_redundant_heartbeat_leaves_no_record(offset: int) -> None:
    """A heartbeat less than a minute after the agent's last record, or before it, needs no event."""
    given(CRAB_REGISTERED, CRAB_SEEN).when(evolve(HEARTBEAT, at=START + offset)).then(AlreadyRecorded(2))


@pytest.mark.parametrize("offset", [MINUTE, -MINUTE])
def test_a_heartbeat_after_a_minute_is_recorded(offset: int) -> None:
    """A heartbeat a minute after the agent's last record, or before it on another clock, is recorded."""
    given(CRAB_REGISTERED, CRAB_SEEN).when(evolve(HEARTBEAT, at=START + offset)).then(AgentSeen(CRAB, START + offset))


def test_a_heartbeat_after_leaving_is_recorded() -> None:
    """An agent that has left is online again after its next activity."""
    given(CRAB_REGISTERED, CRAB_SEEN, CRAB_LEFT).when(HEARTBEAT).then(CRAB_SEEN)


def test_heartbeats_are_recorded_in_proportion_to_online_for() -> None:
    """The time in which a heartbeat is redundant is a thirtieth of the time for which an agent is online."""
    adopted = LimitsAdopted(Limits(online_for=30_000), START)
    heartbeat = evolve(HEARTBEAT, at=START + 1000)

    given(adopted, CRAB_REGISTERED, CRAB_SEEN).when(heartbeat).then(AgentSeen(CRAB, START + 1000))


@pytest.mark.parametrize(("offset", "recorded"), [(299_999, False), (300_000, True), (-299_999, False)])
def test_activity_is_recorded_once_in_seen_every(offset: int, recorded: bool) -> None:
    """With a `seen_every` of five minutes in the log an agent adds one record in five minutes."""
    adopted = LimitsAdopted(Limits(seen_every=5 * MINUTE), START)
    heartbeat = evolve(HEARTBEAT, at=START + offset)
    expected = AgentSeen(CRAB, START + offset) if recorded else AlreadyRecorded(3)

    given(adopted, CRAB_REGISTERED, CRAB_SEEN).when(heartbeat).then(expected)


@pytest.mark.parametrize("command", [HEARTBEAT, LEAVE, START_VERIFICATION, COMPLETE_VERIFICATION])
def test_an_unregistered_agent_is_rejected(command: Command) -> None:
    """Only a registered agent can send a heartbeat, leave or verify."""
    given(LOBSTER_REGISTERED).when(command).then_rejected("unauthorized")


def test_leave() -> None:
    """An online agent can leave."""
    given(CRAB_REGISTERED, CRAB_SEEN).when(LEAVE).then(CRAB_LEFT)


@pytest.mark.parametrize("past", [(CRAB_REGISTERED,), (CRAB_REGISTERED, CRAB_SEEN, CRAB_LEFT)])
def test_leaving_while_offline_leaves_no_record(past: tuple[AgentRegistered | AgentSeen | AgentLeft, ...]) -> None:
    """Leaving needs no event if the agent has not been active or has left already, and is no error."""
    given(*past).when(LEAVE).then(AlreadyRecorded(len(past)))


def test_a_new_log_adopts_its_limits() -> None:
    """The limits of a new log are recorded even if they are the defaults."""
    given().when(AdoptLimits(Limits(), START)).then(ADOPTED)


def test_unchanged_limits_are_not_adopted_again() -> None:
    """Limits that are in force are not recorded a second time."""
    other = LimitsAdopted(Limits(online_for=MINUTE), START)

    given(other, CRAB_REGISTERED, ADOPTED, CRAB_SEEN).when(AdoptLimits(Limits(), LATER)).then(AlreadyRecorded(3))


def test_other_limits_are_adopted() -> None:
    """Limits that differ from those in force are recorded."""
    other = Limits(verified=Limit(20, MINUTE))

    given(ADOPTED).when(AdoptLimits(other, LATER)).then(LimitsAdopted(other, LATER))


@whatever(histories())
def test_every_event_of_a_log_is_decided_again(history: list[Record]) -> None:
    """Deciding the command of a record again, with the room as it was before, leads to the event in the log."""
    room = Room()
    for record in history:
        command = as_command(record.event)

        assert decide(room.agent(command.agent), command, room.rule_context) == record.event

        room.apply(record)
