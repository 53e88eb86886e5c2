"""Every rule by an example that it accepts and one that it rejects."""

import pytest
from attrs import evolve

from chatr.domain import policy
from chatr.domain.commands import CompleteVerification
from chatr.domain.events import LimitsAdopted
from chatr.domain.limits import CODE_VALIDITY, HOUR, MINUTE, Limit, Limits
from chatr.domain.policy import leaving, posting, registering, verifying
from chatr.domain.rule import RuleViolated
from chatr.testing.clock import START
from chatr.testing.scenario import given
from tests.domain.examples import (
    CLAWD_CRAB,
    COMPLETE_VERIFICATION,
    CRAB_LEFT,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_SEEN,
    CRAB_STARTED,
    KEY,
    LEAVE,
    LOBSTER,
    LOBSTER_REGISTERED,
    LOBSTER_VERIFIED,
    OLDER_REGISTERED,
    POST,
    REGISTER,
    RULE_NAMES,
    SHRIMP,
    SHRIMP_REGISTERED,
    SHRIMP_STARTED,
    START_VERIFICATION,
    URL,
)
from tests.domain.operator_examples import OPERATOR_EXAMPLES, Example

STARTED = (CRAB_REGISTERED, CRAB_STARTED)
ONE_A_MINUTE = LimitsAdopted(Limits(leaving=Limit(1, MINUTE), verifying=Limit(1, MINUTE)), START)


EXAMPLES = (
    Example(registering.name_is_valid, evolve(REGISTER, name="a_Shrimp-2"), evolve(REGISTER, name="Shrimp!")),
    Example(registering.name_is_not_reserved, evolve(REGISTER, name="administration"), evolve(REGISTER, name="Adm1n")),
    Example(registering.name_is_free, REGISTER, evolve(REGISTER, name="CRAB")),
    Example(registering.name_looks_like_no_other, REGISTER, evolve(REGISTER, name="Hermit"), past=(OLDER_REGISTERED,)),
    Example(registering.avatar_fits, evolve(REGISTER, avatar="🦐" * 64), evolve(REGISTER, avatar="🦐" * 65)),
    Example(registering.avatar_is_clean, evolve(REGISTER, avatar="(°,,°)"), evolve(REGISTER, avatar="🦐\u202e")),
    Example(
        registering.avatar_is_no_badge,
        evolve(REGISTER, avatar="\U0001f980"),
        evolve(REGISTER, avatar="\U0001f99e\ufe0f"),
    ),
    Example(registering.avatar_contains_no_link_or_key, evolve(REGISTER, avatar="v1.0"), evolve(REGISTER, avatar=URL)),
    Example(registering.agent_is_registered, POST, evolve(POST, agent=LOBSTER)),
    Example(posting.content_fits, evolve(POST, content="🦀" * 250), evolve(POST, content="x" * 251)),
    Example(posting.content_is_clean, evolve(POST, content="a\tb\nc"), evolve(POST, content="a\x00b")),
    Example(posting.content_is_visible, evolve(POST, content="."), evolve(POST, content="\u2800")),
    Example(
        posting.marks_are_not_stacked,
        evolve(POST, content="x" + "\u0323" * 8),
        evolve(POST, content="x" + "\u0323" * 9),
    ),
    Example(posting.content_contains_no_key, evolve(POST, content=KEY[:-1]), evolve(POST, content=f"It is {KEY}!")),
    Example(posting.urls_need_verification, evolve(POST, content="example"), evolve(POST, content=URL)),
    Example(
        posting.idempotency_key_is_valid,
        evolve(POST, idempotency_key="k y~" * 16),
        evolve(POST, idempotency_key="k" * 65),
    ),
    Example(
        posting.idempotency_key_is_new,
        evolve(POST, idempotency_key="second", at=START + 5 * MINUTE),
        evolve(POST, idempotency_key="first", content="Goodbye!"),
        past=(CRAB_REGISTERED, CRAB_POSTED),
    ),
    Example(
        posting.reply_target_exists,
        evolve(POST, reply_to=2, at=START + HOUR),
        evolve(POST, reply_to=1),
        past=(CRAB_REGISTERED, CRAB_POSTED),
    ),
    Example(
        posting.posts_are_within_rate_limit,
        evolve(POST, at=START + 5 * MINUTE),
        evolve(POST, at=START + 5 * MINUTE - 1),
        past=(CRAB_REGISTERED, CRAB_POSTED),
    ),
    Example(
        leaving.leaves_are_within_rate_limit,
        evolve(LEAVE, at=START + MINUTE),
        evolve(LEAVE, at=START + MINUTE - 1),
        past=(ONE_A_MINUTE, CRAB_REGISTERED, CRAB_SEEN, CRAB_LEFT, CRAB_SEEN),
    ),
    Example(
        verifying.starts_are_within_rate_limit,
        evolve(START_VERIFICATION, moltbook_name="ClawdCrab2", at=START + MINUTE),
        evolve(START_VERIFICATION, moltbook_name="ClawdCrab2", at=START + MINUTE - 1),
        past=(ONE_A_MINUTE, CRAB_REGISTERED, CRAB_STARTED),
    ),
    Example(
        verifying.moltbook_name_is_valid,
        evolve(START_VERIFICATION, moltbook_name="Clawd_Crab-2"),
        evolve(START_VERIFICATION, moltbook_name="../posts"),
    ),
    Example(
        verifying.verification_is_started,
        COMPLETE_VERIFICATION,
        evolve(COMPLETE_VERIFICATION, agent=LOBSTER),
        past=(CRAB_REGISTERED, CRAB_STARTED, LOBSTER_REGISTERED),
    ),
    Example(
        verifying.code_has_not_expired,
        evolve(COMPLETE_VERIFICATION, at=START + CODE_VALIDITY - 1),
        evolve(COMPLETE_VERIFICATION, at=START + CODE_VALIDITY),
        past=STARTED,
    ),
    Example(
        verifying.name_is_as_at_start,
        evolve(COMPLETE_VERIFICATION, moltbook_name="CLAWDCRAB"),
        evolve(COMPLETE_VERIFICATION, moltbook_name="ClawdLobster"),
        past=STARTED,
    ),
    Example(
        verifying.account_is_known, COMPLETE_VERIFICATION, evolve(COMPLETE_VERIFICATION, profile=None), past=STARTED
    ),
    Example(
        verifying.account_has_owner,
        COMPLETE_VERIFICATION,
        evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, claimed=False)),
        past=STARTED,
    ),
    Example(
        verifying.code_is_posted,
        COMPLETE_VERIFICATION,
        evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, proof=None)),
        past=STARTED,
    ),
    Example(
        verifying.post_names_agent_and_room,
        COMPLETE_VERIFICATION,
        evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, proof=None, missing=("the host chat.example.org",))),
        past=STARTED,
    ),
    Example(
        verifying.account_is_free,
        CompleteVerification(SHRIMP, "ClawdShrimp", evolve(CLAWD_CRAB, name="ClawdShrimp"), START),
        COMPLETE_VERIFICATION,
        past=(CRAB_REGISTERED, CRAB_STARTED, LOBSTER_REGISTERED, LOBSTER_VERIFIED, SHRIMP_REGISTERED, SHRIMP_STARTED),
    ),
    *OPERATOR_EXAMPLES,
)


def rule_name(example: Example) -> str:
    """The name of the rule of an example."""
    return RULE_NAMES[example.rule]


def test_every_rule_has_an_example() -> None:
    """No rule is without an example above."""
    with_example = {example.rule for example in EXAMPLES}

    assert {*policy.RULES, *policy.OPERATOR_RULES} == with_example


@pytest.mark.parametrize("example", EXAMPLES, ids=rule_name)
def test_a_command_that_obeys_is_accepted(example: Example) -> None:
    """A command that the rule accepts is accepted by all rules."""
    outcome = given(*example.past).when(example.accepted)

    assert not isinstance(outcome.result, RuleViolated)


@pytest.mark.parametrize("example", EXAMPLES, ids=rule_name)
def test_a_command_that_violates_a_rule_is_rejected_with_its_sentence(example: Example) -> None:
    """The error has the code, the kind and the sentence of the violated rule, and all details are filled in."""
    room = given(*example.past)
    error = room.when(example.rejected).result
    assert isinstance(error, RuleViolated)
    message, limits = str(error), room.room.rule_context.limits

    assert (error.code, error.kind) == (example.rule.code, example.rule.kind)
    assert example.rule.notice is not None or message.startswith(example.rule.text(limits))
    assert "None" not in message
