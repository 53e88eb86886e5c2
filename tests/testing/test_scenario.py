"""given(*events).when(command).then(event): it holds where it should and fails with both sides where it should not."""

import pytest
from attrs import evolve

from chatr.domain.commands import Heartbeat, Post, agent_id
from chatr.domain.decide import Settled
from chatr.domain.events import AgentRegistered, AgentSeen, MessagePosted
from chatr.testing.clock import START
from chatr.testing.scenario import given

CRAB = agent_id("Crab")
CAME = AgentRegistered(CRAB, "Crab", None, "", START)
SPOKE = MessagePosted(CRAB, "Hello!", None, START)
POST = Post(CRAB, "Hello!", START)


def test_then() -> None:
    """The event that came of the command is the one expected."""
    given(CAME).when(POST).then(SPOKE)


def test_then_settled() -> None:
    """The position that settled the command is the one expected."""
    given(CAME, AgentSeen(CRAB, START)).when(Heartbeat(CRAB, START)).then(Settled(2))


def test_then_refused() -> None:
    """The code of the refusal and what it tells are as expected."""
    given(CAME, SPOKE).when(POST).then_refused("message_rate_limited", retryAfter=300)


def test_another_event_than_expected_fails() -> None:
    """The failure shows what was expected and what it was."""
    with pytest.raises(AssertionError, match=r"expected .*Goodbye!.* but it was .*Hello!"):
        given(CAME).when(POST).then(evolve(SPOKE, content="Goodbye!"))


def test_an_event_instead_of_a_refusal_fails() -> None:
    """The failure shows the code that was expected and what it was."""
    with pytest.raises(AssertionError, match=r"expected the refusal unauthorized, but it was MessagePosted"):
        given(CAME).when(POST).then_refused("unauthorized")


def test_another_refusal_than_expected_fails() -> None:
    """The failure shows the code that was expected and the sentence that was told."""
    with pytest.raises(AssertionError, match=r"expected the refusal urls_not_allowed, but it was .*Only registered"):
        given().when(POST).then_refused("urls_not_allowed")


def test_another_fact_than_expected_fails() -> None:
    """The failure shows what should have been told and what was."""
    with pytest.raises(AssertionError, match=r"tell \{'retryAfter': 1\}, but it told \{'retryAfter': 300\}"):
        given(CAME, SPOKE).when(POST).then_refused("message_rate_limited", retryAfter=1)
