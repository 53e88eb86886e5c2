"""What comes of a verification, from its start to the badge."""

import pytest
from attrs import evolve
from hypothesis import given as whatever

from chatr.domain.commands import Command
from chatr.domain.decide import Settled
from chatr.domain.events import (
    AgentVerified,
    Record,
    VerificationStarted,
)
from chatr.domain.limits import CODE_VALID
from chatr.testing.clock import START
from chatr.testing.scenario import given
from chatr.testing.secrets import code
from chatr.testing.strategies import histories
from tests.domain.examples import (
    CLAWD_CRAB,
    CODE,
    COMPLETE,
    CRAB,
    CRAB_CAME,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_CAME,
    LOBSTER_VERIFIED,
    START_IT,
)


def test_start_verification() -> None:
    """A verification starts with a code for one Moltbook name."""
    given(CRAB_CAME).when(START_IT).then(CRAB_STARTED)


def test_a_code_still_valid_is_handed_out_again() -> None:
    """Starting again for the same account, however spelled, leads to the same code until it expires."""
    again = evolve(START_IT, moltbook_name="CLAWDCRAB", code=code(2), at=START + CODE_VALID - 1)

    given(CRAB_CAME, CRAB_STARTED, CRAB_SEEN).when(again).then(Settled(2))


def test_an_expired_code_is_replaced() -> None:
    """From its expiry on a code is not handed out again."""
    at, expires = START + CODE_VALID, START + 2 * CODE_VALID
    again = evolve(START_IT, code=code(2), at=at, expires=expires)

    given(CRAB_CAME, CRAB_STARTED).when(again).then(VerificationStarted(CRAB, "ClawdCrab", code(2), expires, at))


def test_another_account_gets_another_code() -> None:
    """A code is bound to the Moltbook name that it was made for; the new one replaces the old."""
    other = evolve(START_IT, moltbook_name="ClawdCrab2", code=code(2))

    given(CRAB_CAME, CRAB_STARTED).when(other).then(evolve(CRAB_STARTED, moltbook_name="ClawdCrab2", code=code(2)))


def test_an_agent_s_code_is_its_own() -> None:
    """Two agents that verify with one account get codes of their own."""
    other = evolve(START_IT, agent=LOBSTER, code=code(2))

    given(CRAB_CAME, LOBSTER_CAME, CRAB_STARTED).when(other).then(
        VerificationStarted(LOBSTER, "ClawdCrab", code(2), START + CODE_VALID, START)
    )


def test_complete_verification() -> None:
    """The badge shows the name as Moltbook spells it, its owner, and the post that proved it."""
    shouted = evolve(COMPLETE, moltbook_name="CLAWDCRAB")

    given(CRAB_CAME, CRAB_STARTED).when(shouted).then(CRAB_VERIFIED)


def test_a_missing_proof_is_told_with_the_code() -> None:
    """Who has not posted the code is told it once more."""
    unproven = evolve(COMPLETE, profile=evolve(CLAWD_CRAB, proof=None))

    given(CRAB_CAME, CRAB_STARTED).when(unproven).then_refused("verification_post_not_found", verificationCode=CODE)


def test_another_account_s_name_is_told_with_the_one_given_at_start() -> None:
    """Completing with another name than at the start is refused, and the refusal says which it was."""
    other = evolve(COMPLETE, moltbook_name="ClawdLobster")

    given(CRAB_CAME, CRAB_STARTED).when(other).then_refused("verification_name_mismatch", startedAs="ClawdCrab")


@pytest.mark.parametrize("command", [START_IT, COMPLETE, evolve(COMPLETE, moltbook_name="!", profile=None)])
def test_a_first_badge_stays(command: Command) -> None:
    """A verified agent is told so, whatever name it comes with."""
    given(CRAB_CAME, CRAB_STARTED, CRAB_VERIFIED, CRAB_SEEN).when(command).then(Settled(3))


def test_an_account_vouches_for_one_agent() -> None:
    """An account that has vouched for one agent vouches for no other, whatever its case."""
    past = (CRAB_CAME, LOBSTER_CAME, LOBSTER_VERIFIED, CRAB_STARTED)

    given(*past).when(COMPLETE).then_refused("moltbook_name_taken")


def test_a_code_is_used_once() -> None:
    """A completed verification leaves no code behind."""
    agent = given(CRAB_CAME, CRAB_STARTED, CRAB_VERIFIED).room.agent(CRAB)

    assert agent.verification is None
    assert agent.verified


@whatever(histories())
def test_agents_and_accounts_belong_together_one_to_one(history: list[Record]) -> None:
    """Whatever happened, an agent has one badge at most and an account vouches for one agent at most."""
    verified = [record.event for record in history if isinstance(record.event, AgentVerified)]

    assert len({event.agent for event in verified}) == len(verified)
    assert len({event.moltbook_name.lower() for event in verified}) == len(verified)
