"""The order of the rules: for any two neighbours, a command that violates both is rejected by the first."""

from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve, frozen

from chatr.domain import policy
from chatr.domain.commands import Command, Post, agent_id
from chatr.domain.events import Event, LimitsAdopted
from chatr.domain.limits import CODE_VALIDITY, MINUTE, Limit, Limits
from chatr.domain.policy import access, changing_keys, leaving, moderating, posting, registering, verifying
from chatr.domain.proof import Profile
from chatr.domain.rule import Rule, RuleViolated
from chatr.testing.clock import START
from chatr.testing.scenario import given
from tests.domain.examples import (
    ACTIVATE_KEY,
    CLAWD_CRAB,
    COMPLETE_VERIFICATION,
    CRAB,
    CRAB_KEY_ISSUED,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_STARTED,
    CRAB_SUSPENDED,
    CRAB_VERIFIED,
    ERASE,
    ISSUE_KEY,
    KEY,
    LOBSTER,
    LOBSTER_REGISTERED,
    LOBSTER_VERIFIED,
    OLDER_REGISTERED,
    POST,
    RECOVER,
    REGISTER,
    REMOVE,
    RESTORE,
    ROOM_CLOSED,
    RULE_NAMES,
    START_VERIFICATION,
    SUSPEND,
    URL,
)

STARTED = (CRAB_REGISTERED, CRAB_STARTED)
ONE_A_MINUTE = LimitsAdopted(Limits(verifying=Limit(1, MINUTE)), START)
TAKEN = (CRAB_REGISTERED, LOBSTER_REGISTERED, LOBSTER_VERIFIED, CRAB_STARTED)
SUSPENDED = (CRAB_REGISTERED, CRAB_SUSPENDED)
WAITING = (LimitsAdopted(Limits(registration="approval"), START), CRAB_REGISTERED)
ADMIN_REGISTERED = evolve(CRAB_REGISTERED, agent=agent_id("admin"), name="admin")


@frozen
class TwoViolations:
    """After `past`, `command` violates two neighbouring rules and is rejected by the first."""

    first: Rule[Any]
    second: Rule[Any]
    command: Command
    past: tuple[Event, ...] = (CRAB_REGISTERED,)


ORDER = (
    TwoViolations(
        registering.name_is_not_reserved, registering.name_is_free, evolve(REGISTER, name="admin"), (ADMIN_REGISTERED,)
    ),
    TwoViolations(
        registering.name_is_free,
        registering.name_looks_like_no_other,
        evolve(REGISTER, name="her_mit"),
        (evolve(OLDER_REGISTERED, agent=agent_id("Hermit")), OLDER_REGISTERED),
    ),
    TwoViolations(
        registering.name_looks_like_no_other,
        registering.avatar_fits,
        evolve(REGISTER, name="hermit", avatar="a" * 65),
        (OLDER_REGISTERED,),
    ),
    TwoViolations(registering.avatar_fits, registering.avatar_is_clean, evolve(REGISTER, avatar="\u202e" * 65)),
    TwoViolations(
        registering.avatar_is_clean, registering.avatar_is_no_badge, evolve(REGISTER, avatar="\n\u2713".join("ab"))
    ),
    TwoViolations(
        registering.avatar_is_no_badge,
        registering.avatar_contains_no_link_or_key,
        evolve(REGISTER, avatar=f"\u2713 {URL}"),
    ),
    TwoViolations(
        access.room_is_open,
        access.registration_is_open,
        REGISTER,
        (LimitsAdopted(Limits(registration="closed"), START), ROOM_CLOSED),
    ),
    TwoViolations(
        access.registration_is_open,
        registering.name_is_valid,
        evolve(REGISTER, name="!"),
        (LimitsAdopted(Limits(registration="closed"), START),),
    ),
    TwoViolations(access.agent_is_not_suspended, access.room_is_open, POST, (*SUSPENDED, ROOM_CLOSED)),
    TwoViolations(access.room_is_open, access.agent_is_approved, POST, (*WAITING, ROOM_CLOSED)),
    TwoViolations(access.agent_is_approved, posting.content_fits, Post(CRAB, "", START), WAITING),
    TwoViolations(posting.content_fits, posting.content_is_clean, Post(CRAB, "\x00" * 251, START)),
    TwoViolations(posting.content_is_clean, posting.content_is_visible, Post(CRAB, "\x00", START)),
    TwoViolations(
        posting.marks_are_not_stacked, posting.content_contains_no_key, Post(CRAB, "x" + "\u0323" * 9 + KEY, START)
    ),
    TwoViolations(posting.content_contains_no_key, posting.urls_need_verification, Post(CRAB, f"{KEY} {URL}", START)),
    TwoViolations(posting.urls_need_verification, posting.idempotency_key_is_valid, Post(CRAB, URL, START, "")),
    TwoViolations(
        posting.idempotency_key_is_new,
        posting.reply_target_exists,
        Post(CRAB, "Goodbye!", START, "first", reply_to=1),
        (CRAB_REGISTERED, CRAB_POSTED),
    ),
    TwoViolations(
        posting.reply_target_exists,
        posting.posts_are_within_rate_limit,
        Post(CRAB, "Goodbye!", START, reply_to=1),
        (CRAB_REGISTERED, CRAB_POSTED),
    ),
    TwoViolations(
        access.agent_is_not_suspended,
        verifying.moltbook_name_is_valid,
        evolve(START_VERIFICATION, moltbook_name="!"),
        SUSPENDED,
    ),
    TwoViolations(
        verifying.moltbook_name_is_valid,
        verifying.verification_is_started,
        evolve(COMPLETE_VERIFICATION, moltbook_name="!"),
    ),
    TwoViolations(
        verifying.moltbook_name_is_valid,
        verifying.starts_are_within_rate_limit,
        evolve(START_VERIFICATION, moltbook_name="!"),
        (ONE_A_MINUTE, *STARTED),
    ),
    TwoViolations(verifying.verification_is_started, verifying.code_has_not_expired, COMPLETE_VERIFICATION),
    TwoViolations(
        verifying.code_has_not_expired,
        verifying.name_is_as_at_start,
        evolve(COMPLETE_VERIFICATION, moltbook_name="ClawdLobster", at=START + CODE_VALIDITY),
        STARTED,
    ),
    TwoViolations(
        verifying.name_is_as_at_start,
        verifying.account_is_known,
        evolve(COMPLETE_VERIFICATION, moltbook_name="ClawdLobster", profile=None),
        STARTED,
    ),
    TwoViolations(
        verifying.account_is_known, verifying.account_has_owner, evolve(COMPLETE_VERIFICATION, profile=None), STARTED
    ),
    TwoViolations(
        verifying.account_has_owner,
        verifying.code_is_posted,
        evolve(COMPLETE_VERIFICATION, profile=Profile("ClawdCrab", claimed=False, owner=None, proof=None)),
        STARTED,
    ),
    TwoViolations(
        verifying.code_is_posted,
        verifying.post_names_agent_and_room,
        evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, proof=None)),
        STARTED,
    ),
    TwoViolations(
        verifying.post_names_agent_and_room,
        verifying.account_is_free,
        evolve(COMPLETE_VERIFICATION, profile=evolve(CLAWD_CRAB, proof=None, missing=("the agent's name Crab",))),
        TAKEN,
    ),
    TwoViolations(moderating.operator_fits, registering.agent_is_registered, evolve(ISSUE_KEY, agent=LOBSTER, by="")),
    TwoViolations(
        registering.agent_is_registered, changing_keys.grace_is_allowed, evolve(ISSUE_KEY, agent=LOBSTER, grace=-1)
    ),
    TwoViolations(
        changing_keys.grace_is_allowed,
        changing_keys.key_is_new,
        evolve(ISSUE_KEY, grace=-1),
        (CRAB_REGISTERED, CRAB_KEY_ISSUED),
    ),
    TwoViolations(
        changing_keys.key_is_new,
        changing_keys.no_operator_key_is_pending,
        ISSUE_KEY,
        (CRAB_REGISTERED, evolve(CRAB_KEY_ISSUED, by="grace")),
    ),
    TwoViolations(
        changing_keys.no_operator_key_is_pending,
        changing_keys.rotations_are_within_rate_limit,
        evolve(ISSUE_KEY, key_digest="f" * 64),
        (CRAB_REGISTERED, *[CRAB_KEY_ISSUED] * 10, evolve(CRAB_KEY_ISSUED, by="grace")),
    ),
    TwoViolations(registering.agent_is_registered, changing_keys.key_opens_agent, evolve(ACTIVATE_KEY, agent=LOBSTER)),
    TwoViolations(moderating.agent_exists, changing_keys.badge_has_account_id, evolve(RECOVER, agent=LOBSTER)),
    TwoViolations(
        changing_keys.badge_has_account_id,
        changing_keys.key_is_new,
        RECOVER,
        (CRAB_REGISTERED, CRAB_KEY_ISSUED),
    ),
    TwoViolations(
        changing_keys.key_is_new,
        changing_keys.account_is_that_of_badge,
        evolve(RECOVER, profile=CLAWD_CRAB),
        (CRAB_REGISTERED, evolve(CRAB_VERIFIED, account_id="17"), CRAB_KEY_ISSUED),
    ),
    TwoViolations(
        changing_keys.account_is_that_of_badge,
        changing_keys.recovery_is_posted,
        evolve(RECOVER, profile=None),
        (CRAB_REGISTERED, evolve(CRAB_VERIFIED, account_id="17")),
    ),
    TwoViolations(moderating.agent_exists, moderating.operator_fits, evolve(SUSPEND, agent=LOBSTER, by="")),
    TwoViolations(moderating.operator_fits, moderating.reason_fits, evolve(SUSPEND, by="", reason="")),
    TwoViolations(moderating.reason_fits, moderating.suspension_ends_later, evolve(SUSPEND, reason="", until=START)),
    TwoViolations(moderating.reason_fits, moderating.message_exists, evolve(REMOVE, reason="", position=9)),
    TwoViolations(moderating.operator_fits, moderating.message_exists, evolve(RESTORE, by="", position=9)),
    TwoViolations(moderating.reason_fits, moderating.erasure_fits, evolve(ERASE, reason="", records=())),
)
IMPOSSIBLE = {
    (registering.agent_is_registered, leaving.leaves_are_within_rate_limit): "only a registered agent has ever left",
    (registering.agent_is_registered, access.agent_is_not_suspended): "only a registered agent is suspended",
    (moderating.operator_fits, access.room_is_open): "an operator may register an agent in a closed room",
    (moderating.message_exists, moderating.message_is_not_erased): "only messages are erased",
    (registering.name_is_valid, registering.name_is_not_reserved): "every reserved name has the form of a name",
    (posting.content_is_visible, posting.marks_are_not_stacked): "nine invisible marks are not clean to begin with",
    (posting.idempotency_key_is_valid, posting.idempotency_key_is_new): "every used key has the form of a key",
}


def test_every_two_neighbours_have_an_example() -> None:
    """For any two neighbouring rules there is a command above that violates both, unless none can."""
    neighbours = {pair for rules in policy.RULES_BY_COMMAND.values() for pair in pairwise(rules)}

    assert neighbours - IMPOSSIBLE.keys() == {(each.first, each.second) for each in ORDER}


def rule_names(violations: TwoViolations) -> str:
    """The names of the two rules."""
    return f"{RULE_NAMES[violations.first]}-{RULE_NAMES[violations.second]}"


@pytest.mark.parametrize("violations", ORDER, ids=rule_names)
def test_of_two_violated_rules_the_first_rejects(violations: TwoViolations) -> None:
    """A command that violates two rules is rejected with the sentence of the first one in the list."""
    room = given(*violations.past).room
    agent = room.agent(violations.command.agent)
    rules = (violations.first, violations.second)
    violated = [rule for rule in rules if not rule.holds(agent, violations.command, room.rule_context)]
    error = given(*violations.past).when(violations.command).result

    assert violated == [violations.first, violations.second]
    assert isinstance(error, RuleViolated)
    details = violations.first.details(agent, violations.command, room.rule_context)
    assert str(error) == violations.first.error_text(room.rule_context.limits, details)
