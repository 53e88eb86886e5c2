"""Deciding a post."""

import pytest
from attrs import evolve

from chatr.domain.decide import AlreadyRecorded
from chatr.domain.events import LimitsAdopted, MessagePosted
from chatr.domain.limits import FEWEST_IDEMPOTENCY_KEYS, MINUTE, Limit, Limits
from chatr.testing.clock import START
from chatr.testing.scenario import given
from tests.domain.examples import (
    CRAB,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_REGISTERED,
    POST,
)

LATER = START + 5 * MINUTE


def test_post() -> None:
    """A post of a registered agent leads to a message."""
    given(CRAB_REGISTERED).when(POST).then(MessagePosted(CRAB, "Hello!", None, START))


def test_a_message_is_normalised() -> None:
    """A message is trimmed and composed (NFC) before it is stored."""
    given(CRAB_REGISTERED).when(evolve(POST, content="\u2003cafe\u0301 \n")).then(
        MessagePosted(CRAB, "café", None, START)
    )


def test_an_unregistered_agent_cannot_post() -> None:
    """A post of an agent that is not registered is rejected."""
    given(CRAB_REGISTERED).when(evolve(POST, agent=LOBSTER)).then_rejected("unauthorized")


def test_a_rate_limited_post_may_be_retried_later() -> None:
    """A post that exceeds the rate limit is rejected with `retryAfter` in whole seconds, rounded up."""
    early = evolve(POST, at=LATER - 1001)

    given(CRAB_REGISTERED, CRAB_POSTED).when(early).then_rejected("message_rate_limited", retryAfter=2)


def test_a_verified_agent_posts_at_its_own_rate() -> None:
    """From its verification on, an agent has the rate limit of verified agents."""
    past = (CRAB_REGISTERED, CRAB_POSTED, CRAB_STARTED, CRAB_VERIFIED)

    given(*past).when(evolve(POST, at=START + 1)).then(MessagePosted(CRAB, "Hello!", None, START + 1))


def test_a_repeated_idempotency_key_is_answered_by_the_first_message() -> None:
    """A post with the same key and content is answered by the first message: without a record, whatever the rate."""
    again = evolve(POST, content=" Hello! ", idempotency_key="first", at=START + 1)

    given(CRAB_REGISTERED, CRAB_POSTED, CRAB_SEEN).when(again).then(AlreadyRecorded(2))


def test_an_idempotency_key_used_for_another_content_is_rejected() -> None:
    """An idempotency key cannot be used again for another message."""
    other = evolve(POST, content="Goodbye!", idempotency_key="first", at=LATER)

    given(CRAB_REGISTERED, CRAB_POSTED).when(other).then_rejected("idempotency_mismatch")


def test_idempotency_keys_are_each_agent_s_own() -> None:
    """Two agents may use the same idempotency key."""
    by_lobster = evolve(POST, agent=LOBSTER, idempotency_key="first")

    given(CRAB_REGISTERED, LOBSTER_REGISTERED, CRAB_POSTED).when(by_lobster).then(
        MessagePosted(LOBSTER, "Hello!", "first", START)
    )


def test_a_surrogate_with_a_known_idempotency_key_is_rejected() -> None:
    """A text that cannot be encoded is rejected like any other that is not clean."""
    broken = evolve(POST, content="\ud800", idempotency_key="first", at=LATER)

    given(CRAB_REGISTERED, CRAB_POSTED).when(broken).then_rejected("invalid_content")


@pytest.mark.parametrize(
    ("limits", "remembered"), [(Limits(), FEWEST_IDEMPOTENCY_KEYS), (Limits(unverified=Limit(12, MINUTE)), 120)]
)
@pytest.mark.parametrize("forgotten", [False, True])
def test_the_last_idempotency_keys_are_remembered(limits: Limits, remembered: int, forgotten: bool) -> None:
    """A key is forgotten when as many newer ones were used as the rate allows in ten minutes, and at least 100."""
    newer = [MessagePosted(CRAB, "Hello!", f"key {number}", START) for number in range(remembered - 1 + forgotten)]
    again = evolve(POST, idempotency_key="first", at=LATER)

    given(LimitsAdopted(limits, START), CRAB_REGISTERED, CRAB_POSTED, *newer).when(again).then(
        MessagePosted(CRAB, "Hello!", "first", LATER) if forgotten else AlreadyRecorded(3)
    )
