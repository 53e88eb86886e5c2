"""Whoever breaks two rules hears of the first: for any two neighbours, a command that breaks both."""

from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve, frozen

from chatr.domain import policy
from chatr.domain.commands import Command, Post, Profile, agent_id
from chatr.domain.events import Event
from chatr.domain.limits import CODE_VALID, Limits
from chatr.domain.rule import Rule
from chatr.testing.clock import START
from chatr.testing.scenario import given
from tests.domain.examples import (
    CLAWD_CRAB,
    COMPLETE,
    CRAB,
    CRAB_CAME,
    CRAB_SPOKE,
    CRAB_STARTED,
    KEY,
    LOBSTER,
    LOBSTER_CAME,
    LOBSTER_VERIFIED,
    NAME_OF,
    REGISTER,
    START_IT,
    URL,
)

STARTED = (CRAB_CAME, CRAB_STARTED)
TAKEN = (CRAB_CAME, LOBSTER_CAME, LOBSTER_VERIFIED, CRAB_STARTED)
ADMIN_CAME = evolve(CRAB_CAME, agent=agent_id("admin"), name="admin")


@frozen
class Twice:
    """A command that breaks two neighbouring rules, the first of which is to be told."""

    first: Rule[Any]
    second: Rule[Any]
    command: Command
    past: tuple[Event, ...] = (CRAB_CAME,)


ORDER = (
    Twice(policy.name_is_not_reserved, policy.name_is_free, evolve(REGISTER, name="admin"), (ADMIN_CAME,)),
    Twice(policy.name_is_free, policy.avatar_fits, evolve(REGISTER, name="crab", avatar="a" * 65)),
    Twice(policy.avatar_fits, policy.avatar_is_clean, evolve(REGISTER, avatar="\u202e" * 65)),
    Twice(policy.avatar_is_clean, policy.avatar_is_no_link, evolve(REGISTER, avatar=f"\x00 {URL}")),
    Twice(policy.agent_is_registered, policy.content_fits, Post(LOBSTER, "", START)),
    Twice(policy.content_fits, policy.content_is_clean, Post(CRAB, "\x00" * 251, START)),
    Twice(policy.content_is_clean, policy.content_is_visible, Post(CRAB, "\x00", START)),
    Twice(policy.content_is_flat, policy.content_holds_no_key, Post(CRAB, "x" + "\u0323" * 9 + KEY, START)),
    Twice(policy.content_holds_no_key, policy.urls_need_a_badge, Post(CRAB, f"{KEY} {URL}", START)),
    Twice(policy.urls_need_a_badge, policy.idempotency_key_has_shape, Post(CRAB, URL, START, "")),
    Twice(
        policy.idempotency_key_is_new,
        policy.posts_are_paced,
        Post(CRAB, "Goodbye!", START, "first"),
        (CRAB_CAME, CRAB_SPOKE),
    ),
    Twice(policy.agent_is_registered, policy.moltbook_name_has_shape, evolve(START_IT, moltbook_name="!"), ()),
    Twice(policy.agent_is_registered, policy.moltbook_name_has_shape, evolve(COMPLETE, moltbook_name="!"), ()),
    Twice(policy.moltbook_name_has_shape, policy.verification_is_started, evolve(COMPLETE, moltbook_name="!")),
    Twice(policy.verification_is_started, policy.code_is_valid, COMPLETE),
    Twice(
        policy.code_is_valid,
        policy.name_is_as_at_start,
        evolve(COMPLETE, moltbook_name="ClawdLobster", at=START + CODE_VALID),
        STARTED,
    ),
    Twice(
        policy.name_is_as_at_start,
        policy.account_is_known,
        evolve(COMPLETE, moltbook_name="ClawdLobster", profile=None),
        STARTED,
    ),
    Twice(policy.account_is_known, policy.account_is_claimed, evolve(COMPLETE, profile=None), STARTED),
    Twice(
        policy.account_is_claimed,
        policy.proof_is_posted,
        evolve(COMPLETE, profile=Profile("ClawdCrab", claimed=False, owner=None, proof=None)),
        STARTED,
    ),
    Twice(
        policy.proof_is_posted, policy.account_is_free, evolve(COMPLETE, profile=evolve(CLAWD_CRAB, proof=None)), TAKEN
    ),
)
IMPOSSIBLE = {
    (policy.name_has_shape, policy.name_is_not_reserved): "a reserved name has the shape of a name",
    (policy.content_is_visible, policy.content_is_flat): "nine marks that nobody sees are not clean in the first place",
    (policy.idempotency_key_has_shape, policy.idempotency_key_is_new): "a key that was used has the shape of a key",
}


def test_all_neighbours_meet_in_the_order() -> None:
    """For any two neighbouring rules there is a command that breaks both."""
    claims = (*policy.CLAIMING, *policy.PROVING)
    lists = (policy.REGISTERING, policy.POSTING, policy.STARTING, claims)
    neighbours = {pair for rules in lists for pair in pairwise(rules)}

    assert neighbours - IMPOSSIBLE.keys() == {(twice.first, twice.second) for twice in ORDER}


@pytest.mark.parametrize("twice", ORDER, ids=lambda twice: f"{NAME_OF[twice.first]}-{NAME_OF[twice.second]}")
def test_of_two_broken_rules_the_first_is_told(twice: Twice) -> None:
    """An agent hears about its mistakes one by one, in the order in which the rules stand in the house."""
    room = given(*twice.past).room
    agent = room.agent(twice.command.agent)
    broken = [rule for rule in (twice.first, twice.second) if not rule.holds(agent, twice.command, room.house)]
    refused = given(*twice.past).when(twice.command).answer

    assert broken == [twice.first, twice.second]
    assert str(refused).startswith(twice.first.told(Limits()))
