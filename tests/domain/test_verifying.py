"""Deciding a verification, from its start to the badge."""

import pytest
from attrs import evolve
from hypothesis import given as whatever

from chatr.domain.commands import Command
from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import AgentVerified, Record, VerificationStarted
from chatr.domain.limits import CODE_VALIDITY
from chatr.testing.clock import START
from chatr.testing.scenario import given
from chatr.testing.secrets import code
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CLAWD_CRAB,
    CODE,
    COMPLETE_VERIFICATION,
    CRAB,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_REGISTERED,
    LOBSTER_VERIFIED,
    START_VERIFICATION,
)


def test_start_verification() -> None:
    """Starting a verification gives out a code for one Moltbook name."""
    given(CRAB_REGISTERED).when(START_VERIFICATION).then(CRAB_STARTED)


def test_a_valid_code_is_given_out_again() -> None:
    """Starting again with the same account, however spelled, leads to the same code until it expires."""
    again = evolve(START_VERIFICATION, moltbook_name="CLAWDCRAB", code=code(2), at=START + CODE_VALIDITY - 1)

    given(CRAB_REGISTERED, CRAB_STARTED, CRAB_SEEN).when(again).then(AlreadyRecorded(2))


def test_an_expired_code_is_replaced() -> None:
    """A code is not given out again from the time at which it expires."""
    at, expires = START + CODE_VALIDITY, START + 2 * CODE_VALIDITY
    again = evolve(START_VERIFICATION, code=code(2), at=at, expires=expires)

    given(CRAB_REGISTERED, CRAB_STARTED).when(again).then(VerificationStarted(CRAB, "ClawdCrab", code(2), expires, at))


def test_another_account_gets_another_code() -> None:
    """A code is for one Moltbook name. A new one for another name replaces it."""
    other = evolve(START_VERIFICATION, moltbook_name="ClawdCrab2", code=code(2))

    given(CRAB_REGISTERED, CRAB_STARTED).when(other).then(
        evolve(CRAB_STARTED, moltbook_name="ClawdCrab2", code=code(2))
    )


def test_an_agent_s_code_is_its_own() -> None:
    """Two agents that verify with one account get different codes."""
    other = evolve(START_VERIFICATION, agent=LOBSTER, code=code(2))

    given(CRAB_REGISTERED, LOBSTER_REGISTERED, CRAB_STARTED).when(other).then(
        VerificationStarted(LOBSTER, "ClawdCrab", code(2), START + CODE_VALIDITY, START)
    )


def test_complete_verification() -> None:
    """The badge has the name as Moltbook spells it, its owner, and the post with the code."""
    in_capitals = evolve(COMPLETE_VERIFICATION, moltbook_name="CLAWDCRAB")

    given(CRAB_REGISTERED, CRAB_STARTED).when(in_capitals).then(CRAB_VERIFIED)


def test_a_missing_post_is_an_error_with_the_code() -> None:
    """The error for a code that was not posted contains the code."""
    unproven = evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, proof=None))

    given(CRAB_REGISTERED, CRAB_STARTED).when(unproven).then_rejected(
        "verification_post_not_found", verificationCode=CODE
    )


def test_another_account_is_an_error_with_the_one_at_the_start() -> None:
    """The error for completing with another name than at the start contains the name at the start."""
    other = evolve(COMPLETE_VERIFICATION, moltbook_name="ClawdLobster")

    given(CRAB_REGISTERED, CRAB_STARTED).when(other).then_rejected("verification_name_mismatch", startedAs="ClawdCrab")


@pytest.mark.parametrize(
    "command",
    [START_VERIFICATION, COMPLETE_VERIFICATION, evolve(COMPLETE_VERIFICATION, moltbook_name="!", profile=None)],
)
def test_a_first_badge_stays(command: Command) -> None:
    """Starting or completing again needs no event once an agent is verified, whatever the name."""
    given(CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED, CRAB_SEEN).when(command).then(AlreadyRecorded(3))


def test_an_account_verifies_one_agent() -> None:
    """An account that has verified one agent cannot verify another, whatever the case of its name."""
    past = (CRAB_REGISTERED, LOBSTER_REGISTERED, LOBSTER_VERIFIED, CRAB_STARTED)

    given(*past).when(COMPLETE_VERIFICATION).then_rejected("moltbook_name_taken")


def test_a_code_is_used_once() -> None:
    """After a completed verification the agent has no code."""
    agent = given(CRAB_REGISTERED, CRAB_STARTED, CRAB_VERIFIED).room.agent(CRAB)

    assert agent.verification is None
    assert agent.verified


def test_a_code_for_another_host_is_replaced() -> None:
    """A code is given out again for the same host, and one of an older version for any."""
    started = evolve(CRAB_STARTED, host="chat.example.org")
    again = evolve(START_VERIFICATION, code=code(2), host="chat.example.org")
    moved = evolve(again, host="new.example.org")

    given(CRAB_REGISTERED, started).when(again).then(AlreadyRecorded(2))
    given(CRAB_REGISTERED, CRAB_STARTED).when(again).then(AlreadyRecorded(2))
    given(CRAB_REGISTERED, started).when(moved).then(evolve(started, code=code(2), host="new.example.org"))


@pytest.mark.parametrize(("name", "account_id"), [("ClawdCrab", "7"), ("Renamed", "7"), ("clawdcrab", "8")])
def test_a_renamed_account_verifies_no_second_agent(name: str, account_id: str) -> None:
    """An account that has verified an agent is known by its id under another name, and by its name with another id."""
    past = (CRAB_REGISTERED, LOBSTER_REGISTERED, evolve(LOBSTER_VERIFIED, account_id="7"))
    started = evolve(CRAB_STARTED, moltbook_name=name)
    profile = evolve(CLAWD_CRAB, name=name, account_id=account_id)
    complete = evolve(COMPLETE_VERIFICATION, moltbook_name=name, profile=profile)

    given(*past, started).when(complete).then_rejected("moltbook_name_taken")


def test_the_id_of_an_account_is_recorded() -> None:
    """The badge's record has the id that Moltbook gave."""
    complete = evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, account_id="7"))

    given(CRAB_REGISTERED, CRAB_STARTED).when(complete).then(evolve(CRAB_VERIFIED, account_id="7"))


def test_the_error_says_what_a_post_lacks() -> None:
    """A post with the code that does not name the agent is an error that says so, and what to post."""
    profile = evolve(CLAWD_CRAB, proof=None, missing=("the agent's name Crab",))
    error = (
        given(CRAB_REGISTERED, evolve(CRAB_STARTED, host="chat.example.org"))
        .when(evolve(COMPLETE_VERIFICATION, profile=profile))
        .result
    )

    assert "The post lacks the agent's name Crab" in str(error)
    assert f"Post [{CODE}] and the agent's name Crab and chat.example.org on Moltbook" in str(error)


@whatever(histories(moderated=False))
def test_agents_and_accounts_belong_together_one_to_one(history: list[Record]) -> None:
    """Where no badge is withdrawn, an agent has at most one, and an account verifies at most one agent."""
    verified = [record.event for record in history if isinstance(record.event, AgentVerified)]

    assert len({event.agent for event in verified}) == len(verified)
    assert len({event.moltbook_name.lower() for event in verified}) == len(verified)
