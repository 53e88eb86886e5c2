"""What comes of a command: one event, or the record that answers it already."""

import pytest
from attrs import evolve
from hypothesis import given as whatever

from chatr.domain.commands import AdoptLimits, Command
from chatr.domain.decide import Settled, as_command, decide
from chatr.domain.events import (
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    LimitsAdopted,
    Record,
)
from chatr.domain.limits import MINUTE, Limit, Limits
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.scenario import given
from chatr.testing.strategies import histories
from tests.domain.examples import (
    COMPLETE,
    CRAB,
    CRAB_CAME,
    CRAB_LEFT,
    CRAB_SEEN,
    HEARTBEAT,
    LEAVE,
    LOBSTER_CAME,
    REGISTER,
    SHRIMP,
    START_IT,
)

ADOPTED = LimitsAdopted(Limits(), START)
LATER = START + 5 * MINUTE


def test_register() -> None:
    """Whoever registers has a name, an avatar and a key from then on."""
    given().when(REGISTER).then(AgentRegistered(SHRIMP, "Shrimp", "🦐", REGISTER.key_digest, START))


def test_a_name_and_an_avatar_are_trimmed() -> None:
    """White space around a name or an avatar is not part of it, and an empty avatar is none."""
    sloppy = evolve(REGISTER, name=" Shrimp\n", avatar="\t ")

    given().when(sloppy).then(AgentRegistered(SHRIMP, "Shrimp", None, REGISTER.key_digest, START))


@pytest.mark.parametrize("name", ["Crab", "crab", "CRAB", " crab "])
def test_a_taken_name_is_told_with_its_holder(name: str) -> None:
    """A name that looks like one that is taken is refused, and the refusal names who has it."""
    given(CRAB_CAME).when(evolve(REGISTER, name=name)).then_refused("name_taken", holder="Crab")


def test_a_name_stays_taken_when_its_agent_has_left() -> None:
    """Leaving does not free a name."""
    given(CRAB_CAME, CRAB_LEFT).when(evolve(REGISTER, name="crab")).then_refused("name_taken")


def test_the_first_heartbeat_after_registering() -> None:
    """Registering does not put an agent online; its first activity does."""
    given(CRAB_CAME).when(HEARTBEAT).then(CRAB_SEEN)


@pytest.mark.parametrize("off", [MINUTE - 1, 1 - MINUTE])
def test_a_heartbeat_too_soon_leaves_no_record(off: int) -> None:
    """A heartbeat less than a minute from the agent's last record, either way, is settled by it."""
    given(CRAB_CAME, CRAB_SEEN).when(evolve(HEARTBEAT, at=START + off)).then(Settled(2))


@pytest.mark.parametrize("off", [MINUTE, -MINUTE])
def test_a_heartbeat_in_time_is_recorded(off: int) -> None:
    """From a minute on a heartbeat is a record, whichever way the clock went."""
    given(CRAB_CAME, CRAB_SEEN).when(evolve(HEARTBEAT, at=START + off)).then(AgentSeen(CRAB, START + off))


def test_a_heartbeat_after_leaving_is_recorded() -> None:
    """Whoever left is back with the next thing it does."""
    given(CRAB_CAME, CRAB_SEEN, CRAB_LEFT).when(HEARTBEAT).then(CRAB_SEEN)


def test_heartbeats_are_recorded_in_proportion_to_online_for() -> None:
    """What is too soon follows from how long an agent counts as online."""
    adopted = LimitsAdopted(Limits(online_for=30_000), START)
    beat = evolve(HEARTBEAT, at=START + 1000)

    given(adopted, CRAB_CAME, CRAB_SEEN).when(beat).then(AgentSeen(CRAB, START + 1000))


@pytest.mark.parametrize("command", [HEARTBEAT, LEAVE, START_IT, COMPLETE])
def test_a_stranger_is_refused(command: Command) -> None:
    """Nobody but a registered agent is seen, leaves or verifies."""
    given(LOBSTER_CAME).when(command).then_refused("unauthorized")


def test_leave() -> None:
    """An agent that is there can say goodbye."""
    given(CRAB_CAME, CRAB_SEEN).when(LEAVE).then(CRAB_LEFT)


@pytest.mark.parametrize("past", [(CRAB_CAME,), (CRAB_CAME, CRAB_SEEN, CRAB_LEFT)])
def test_leaving_twice(past: tuple[AgentRegistered | AgentSeen | AgentLeft, ...]) -> None:
    """Whoever is not there cannot leave once more; that is no mistake."""
    given(*past).when(LEAVE).then(Settled(len(past)))


def test_a_new_log_adopts_its_limits() -> None:
    """The limits of a new log are recorded even if they are the ones that everybody starts with."""
    given().when(AdoptLimits(Limits(), START)).then(ADOPTED)


def test_unchanged_limits_are_not_adopted_again() -> None:
    """Limits in force need no second record."""
    other = LimitsAdopted(Limits(online_for=MINUTE), START)

    given(other, CRAB_CAME, ADOPTED, CRAB_SEEN).when(AdoptLimits(Limits(), LATER)).then(Settled(3))


def test_other_limits_are_adopted() -> None:
    """Limits that differ from those in force are recorded."""
    other = Limits(verified=Limit(20, MINUTE))

    given(ADOPTED).when(AdoptLimits(other, LATER)).then(LimitsAdopted(other, LATER))


@whatever(histories())
def test_every_event_of_a_log_is_what_the_rules_decide(history: list[Record]) -> None:
    """Asked again with the agent and the house as they were, the rules answer with the event that is in the log."""
    room = Room()
    for record in history:
        command = as_command(record.event)

        assert decide(room.agent(command.agent), command, room.house) == record.event

        room.apply(record)
