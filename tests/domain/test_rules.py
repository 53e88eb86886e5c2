"""Every rule of the house by an example that it lets pass and one that it does not."""

from typing import Any

import pytest
from attrs import evolve, frozen

from chatr.domain import policy
from chatr.domain.commands import Command, CompleteVerification
from chatr.domain.events import Event
from chatr.domain.limits import CODE_VALID, MINUTE, Limits
from chatr.domain.rule import Refused, Rule
from chatr.testing.clock import START
from chatr.testing.scenario import given
from tests.domain.examples import (
    CLAWD_CRAB,
    COMPLETE,
    CRAB_CAME,
    CRAB_SPOKE,
    CRAB_STARTED,
    KEY,
    LOBSTER,
    LOBSTER_CAME,
    LOBSTER_VERIFIED,
    NAME_OF,
    POST,
    REGISTER,
    SHRIMP,
    SHRIMP_CAME,
    SHRIMP_STARTED,
    START_IT,
    URL,
)

STARTED = (CRAB_CAME, CRAB_STARTED)


@frozen
class Example:
    """After `past`, the rule lets `accepted` pass and stops `refused`."""

    rule: Rule[Any]
    accepted: Command
    refused: Command
    past: tuple[Event, ...] = (CRAB_CAME,)


EXAMPLES = (
    Example(policy.name_has_shape, evolve(REGISTER, name="a_Shrimp-2"), evolve(REGISTER, name="Shrimp!")),
    Example(policy.name_is_not_reserved, evolve(REGISTER, name="administrators"), evolve(REGISTER, name="Adm1n")),
    Example(policy.name_is_free, REGISTER, evolve(REGISTER, name="CRAB")),
    Example(policy.avatar_fits, evolve(REGISTER, avatar="🦐" * 64), evolve(REGISTER, avatar="🦐" * 65)),
    Example(policy.avatar_is_clean, evolve(REGISTER, avatar="(°,,°)"), evolve(REGISTER, avatar="🦐\u202e")),
    Example(policy.avatar_is_no_link, evolve(REGISTER, avatar="v1.0"), evolve(REGISTER, avatar=URL)),
    Example(policy.agent_is_registered, POST, evolve(POST, agent=LOBSTER)),
    Example(policy.content_fits, evolve(POST, content="🦀" * 250), evolve(POST, content="x" * 251)),
    Example(policy.content_is_clean, evolve(POST, content="a\tb\nc"), evolve(POST, content="a\x00b")),
    Example(policy.content_is_visible, evolve(POST, content="."), evolve(POST, content="\u2800")),
    Example(policy.content_is_flat, evolve(POST, content="x" + "\u0323" * 8), evolve(POST, content="x" + "\u0323" * 9)),
    Example(policy.content_holds_no_key, evolve(POST, content=KEY[:-1]), evolve(POST, content=f"It is {KEY}!")),
    Example(policy.urls_need_a_badge, evolve(POST, content="example"), evolve(POST, content=URL)),
    Example(
        policy.idempotency_key_has_shape,
        evolve(POST, idempotency_key="k y~" * 16),
        evolve(POST, idempotency_key="k" * 65),
    ),
    Example(
        policy.idempotency_key_is_new,
        evolve(POST, idempotency_key="second", at=START + 5 * MINUTE),
        evolve(POST, idempotency_key="first", content="Goodbye!"),
        past=(CRAB_CAME, CRAB_SPOKE),
    ),
    Example(
        policy.posts_are_paced,
        evolve(POST, at=START + 5 * MINUTE),
        evolve(POST, at=START + 5 * MINUTE - 1),
        past=(CRAB_CAME, CRAB_SPOKE),
    ),
    Example(
        policy.moltbook_name_has_shape,
        evolve(START_IT, moltbook_name="Clawd_Crab-2"),
        evolve(START_IT, moltbook_name="../posts"),
    ),
    Example(
        policy.verification_is_started,
        COMPLETE,
        evolve(COMPLETE, agent=LOBSTER),
        past=(CRAB_CAME, CRAB_STARTED, LOBSTER_CAME),
    ),
    Example(
        policy.code_is_valid,
        evolve(COMPLETE, at=START + CODE_VALID - 1),
        evolve(COMPLETE, at=START + CODE_VALID),
        past=STARTED,
    ),
    Example(
        policy.name_is_as_at_start,
        evolve(COMPLETE, moltbook_name="CLAWDCRAB"),
        evolve(COMPLETE, moltbook_name="ClawdLobster"),
        past=STARTED,
    ),
    Example(policy.account_is_known, COMPLETE, evolve(COMPLETE, profile=None), past=STARTED),
    Example(
        policy.account_is_claimed,
        COMPLETE,
        evolve(COMPLETE, profile=evolve(CLAWD_CRAB, claimed=False)),
        past=STARTED,
    ),
    Example(policy.proof_is_posted, COMPLETE, evolve(COMPLETE, profile=evolve(CLAWD_CRAB, proof=None)), past=STARTED),
    Example(
        policy.account_is_free,
        CompleteVerification(SHRIMP, "ClawdShrimp", evolve(CLAWD_CRAB, name="ClawdShrimp"), START),
        COMPLETE,
        past=(CRAB_CAME, CRAB_STARTED, LOBSTER_CAME, LOBSTER_VERIFIED, SHRIMP_CAME, SHRIMP_STARTED),
    ),
)


def named(example: Example) -> str:
    return NAME_OF[example.rule]


def test_every_rule_has_an_example() -> None:
    """No rule of the house goes without an example here."""
    exemplified = {example.rule for example in EXAMPLES}

    assert set(policy.RULES) == exemplified


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_command_that_obeys_is_accepted(example: Example) -> None:
    """What a rule lets pass, the house lets pass."""
    outcome = given(*example.past).when(example.accepted)

    assert not isinstance(outcome.answer, Refused)


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_a_command_that_breaks_a_rule_is_refused_in_its_words(example: Example) -> None:
    """A refusal carries the code, the kind and the sentence of the rule that was broken."""
    refused = given(*example.past).when(example.refused).answer
    assert isinstance(refused, Refused)
    told = str(refused)

    assert (refused.code, refused.kind) == (example.rule.code, example.rule.kind)
    assert told.startswith(example.rule.told(Limits()))
    assert "None" not in told
