"""given(*events).when(command).then(event) passes where it should, and else fails with both sides in the message."""

import pytest
from attrs import evolve

from chatr.domain.commands import Heartbeat, Post, agent_id
from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import AgentRegistered, AgentSeen, MessagePosted
from chatr.testing.clock import START
from chatr.testing.scenario import given

CRAB = agent_id("Crab")
REGISTERED = AgentRegistered(CRAB, "Crab", None, "", START)
POSTED = MessagePosted(CRAB, "Hello!", None, START)
POST = Post(CRAB, "Hello!", START)


def test_then() -> None:
    """It passes if the command led to the expected event."""
    given(REGISTERED).when(POST).then(POSTED)


def test_then_already_recorded() -> None:
    """It passes if the record at the expected position answers the command."""
    given(REGISTERED, AgentSeen(CRAB, START)).when(Heartbeat(CRAB, START)).then(AlreadyRecorded(2))


def test_then_rejected() -> None:
    """It passes if the error has the expected code and details."""
    given(REGISTERED, POSTED).when(POST).then_rejected("message_rate_limited", retryAfter=300)


def test_another_event_than_expected_fails() -> None:
    """The message of the failure contains the expected and the actual event."""
    with pytest.raises(AssertionError, match=r"expected .*Goodbye!.* but it was .*Hello!"):
        given(REGISTERED).when(POST).then(evolve(POSTED, content="Goodbye!"))


def test_an_event_instead_of_an_error_fails() -> None:
    """The message of the failure contains the expected code and the actual event."""
    with pytest.raises(AssertionError, match=r"expected the error unauthorized, but it was MessagePosted"):
        given(REGISTERED).when(POST).then_rejected("unauthorized")


def test_another_error_than_expected_fails() -> None:
    """The message of the failure contains the expected code and the sentence of the actual error."""
    with pytest.raises(AssertionError, match=r"expected the error urls_not_allowed, but it was .*must be registered"):
        given().when(POST).then_rejected("urls_not_allowed")


def test_other_details_than_expected_fail() -> None:
    """The message of the failure contains the expected and the actual details."""
    with pytest.raises(AssertionError, match=r"have \{'retryAfter': 1\}, but it had \{'retryAfter': 300\}"):
        given(REGISTERED, POSTED).when(POST).then_rejected("message_rate_limited", retryAfter=1)
