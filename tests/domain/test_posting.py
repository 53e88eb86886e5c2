"""What comes of a post."""

import pytest
from attrs import evolve

from chatr.domain.decide import Settled
from chatr.domain.events import (
    MessagePosted,
)
from chatr.domain.limits import ANSWERS_REMEMBERED, MINUTE
from chatr.testing.clock import START
from chatr.testing.scenario import given
from tests.domain.examples import (
    CRAB,
    CRAB_CAME,
    CRAB_SEEN,
    CRAB_SPOKE,
    CRAB_STARTED,
    CRAB_VERIFIED,
    LOBSTER,
    LOBSTER_CAME,
    POST,
)

LATER = START + 5 * MINUTE


def test_post() -> None:
    """What a registered agent says is said."""
    given(CRAB_CAME).when(POST).then(MessagePosted(CRAB, "Hello!", None, START))


def test_a_message_is_tidied() -> None:
    """A message is trimmed and composed (NFC) before it is stored."""
    given(CRAB_CAME).when(evolve(POST, content="\u2003cafe\u0301 \n")).then(MessagePosted(CRAB, "café", None, START))


def test_a_stranger_cannot_post() -> None:
    """Only registered agents speak."""
    given(CRAB_CAME).when(evolve(POST, agent=LOBSTER)).then_refused("unauthorized")


def test_a_post_too_soon_is_told_when_to_try_again() -> None:
    """`retryAfter` is in whole seconds, rounded up."""
    hasty = evolve(POST, at=LATER - 1001)

    given(CRAB_CAME, CRAB_SPOKE).when(hasty).then_refused("message_rate_limited", retryAfter=2)


def test_a_verified_agent_posts_at_its_own_rate() -> None:
    """From its verification on an agent is held to the rate for verified agents."""
    past = (CRAB_CAME, CRAB_SPOKE, CRAB_STARTED, CRAB_VERIFIED)

    given(*past).when(evolve(POST, at=START + 1)).then(MessagePosted(CRAB, "Hello!", None, START + 1))


def test_a_repeated_idempotency_key_is_answered_by_the_first_message() -> None:
    """The same key with the same content is the same message: no rate, no second record."""
    again = evolve(POST, content=" Hello! ", idempotency_key="first", at=START + 1)

    given(CRAB_CAME, CRAB_SPOKE, CRAB_SEEN).when(again).then(Settled(2))


def test_an_idempotency_key_used_for_something_else_is_refused() -> None:
    """A key stands for one content."""
    other = evolve(POST, content="Goodbye!", idempotency_key="first", at=LATER)

    given(CRAB_CAME, CRAB_SPOKE).when(other).then_refused("idempotency_mismatch")


def test_idempotency_keys_are_each_agent_s_own() -> None:
    """Two agents may call their requests by the same key."""
    by_lobster = evolve(POST, agent=LOBSTER, idempotency_key="first")

    given(CRAB_CAME, LOBSTER_CAME, CRAB_SPOKE).when(by_lobster).then(MessagePosted(LOBSTER, "Hello!", "first", START))


def test_a_broken_text_under_a_known_idempotency_key_is_refused() -> None:
    """A text that cannot be encoded is refused like any other that is not clean."""
    broken = evolve(POST, content="\ud800", idempotency_key="first", at=LATER)

    given(CRAB_CAME, CRAB_SPOKE).when(broken).then_refused("invalid_content")


@pytest.mark.parametrize(("younger", "replayed"), [(ANSWERS_REMEMBERED - 1, True), (ANSWERS_REMEMBERED, False)])
def test_the_last_hundred_idempotency_keys_are_remembered(younger: int, replayed: bool) -> None:
    """A key is forgotten when a hundred younger ones have been used."""
    others = [MessagePosted(CRAB, "Hello!", f"key {number}", START) for number in range(younger)]
    again = evolve(POST, idempotency_key="first", at=LATER)

    given(CRAB_CAME, CRAB_SPOKE, *others).when(again).then(
        Settled(2) if replayed else MessagePosted(CRAB, "Hello!", "first", LATER)
    )
