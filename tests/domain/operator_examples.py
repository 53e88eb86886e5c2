"""For each rule about moderation and keys an example that it accepts and one that it rejects."""

from typing import Any

from attrs import evolve, frozen

from chatr.domain.commands import Command
from chatr.domain.events import Event, LimitsAdopted
from chatr.domain.keys import hash_key
from chatr.domain.limits import HOUR, MINUTE, SECOND, Limits
from chatr.domain.moderation_events import ErasedRecord
from chatr.domain.policy import access, changing_keys, moderating
from chatr.domain.rule import Rule
from chatr.testing.clock import START
from tests.domain.examples import (
    ACTIVATE_KEY,
    CLAWD_CRAB,
    CRAB_APPROVED,
    CRAB_ERASED,
    CRAB_KEY_ISSUED,
    CRAB_POSTED,
    CRAB_REGISTERED,
    CRAB_REMOVED,
    CRAB_SUSPENDED,
    CRAB_VERIFIED,
    ERASE,
    ISSUE_KEY,
    KEY,
    LOBSTER,
    POST,
    RECOVER,
    REGISTER,
    REMOVE,
    RESTORE,
    ROOM_CLOSED,
    SUSPEND,
)

DAY = 24 * HOUR
NEEDS_APPROVAL = LimitsAdopted(Limits(registration="approval"), START)
REGISTRATION_CLOSED = LimitsAdopted(Limits(registration="closed"), START)
BADGE = evolve(CRAB_VERIFIED, account_id="17")
BY_OPERATOR = evolve(CRAB_KEY_ISSUED, by="grace")
SUSPENDED_FOR_A_DAY = evolve(CRAB_SUSPENDED, until=START + DAY)


@frozen
class Example:
    """After `past`, the rule accepts the command `accepted` and rejects the command `rejected`."""

    rule: Rule[Any]
    accepted: Command
    rejected: Command
    past: tuple[Event, ...] = (CRAB_REGISTERED,)


OPERATOR_EXAMPLES = (
    Example(
        access.agent_is_not_suspended,
        evolve(POST, at=START + DAY),
        evolve(POST, at=START + DAY - 1),
        past=(CRAB_REGISTERED, SUSPENDED_FOR_A_DAY),
    ),
    Example(access.room_is_open, evolve(REGISTER, by="grace"), REGISTER, past=(ROOM_CLOSED,)),
    Example(access.registration_is_open, evolve(REGISTER, by="grace"), REGISTER, past=(REGISTRATION_CLOSED,)),
    Example(
        access.agent_is_approved,
        POST,
        evolve(POST, agent=LOBSTER),
        past=(
            NEEDS_APPROVAL,
            CRAB_REGISTERED,
            CRAB_APPROVED,
            evolve(CRAB_REGISTERED, agent=LOBSTER, name="Lobster", key_digest=hash_key("lobster")),
        ),
    ),
    Example(changing_keys.grace_is_allowed, evolve(ISSUE_KEY, grace=DAY), evolve(ISSUE_KEY, grace=DAY + SECOND)),
    Example(changing_keys.key_is_new, ISSUE_KEY, evolve(ISSUE_KEY, key_digest=hash_key(KEY))),
    Example(
        changing_keys.no_operator_key_is_pending,
        evolve(ISSUE_KEY, key_digest="f" * 64, by="grace"),
        evolve(ISSUE_KEY, key_digest="f" * 64),
        past=(CRAB_REGISTERED, BY_OPERATOR),
    ),
    Example(
        changing_keys.rotations_are_within_rate_limit,
        evolve(ISSUE_KEY, key_digest="f" * 64, at=START + DAY),
        evolve(ISSUE_KEY, key_digest="f" * 64, at=START + DAY - 1),
        past=(CRAB_REGISTERED, *(evolve(CRAB_KEY_ISSUED, key_digest=f"{number:064}") for number in range(10))),
    ),
    Example(
        changing_keys.key_opens_agent,
        ACTIVATE_KEY,
        evolve(ACTIVATE_KEY, key_digest="f" * 64),
        past=(CRAB_REGISTERED, CRAB_KEY_ISSUED),
    ),
    Example(
        changing_keys.badge_has_account_id,
        RECOVER,
        evolve(RECOVER, agent=LOBSTER),
        past=(CRAB_REGISTERED, BADGE, evolve(CRAB_REGISTERED, agent=LOBSTER, name="Lobster", key_digest="e" * 64)),
    ),
    Example(
        changing_keys.account_is_that_of_badge,
        RECOVER,
        evolve(RECOVER, profile=evolve(CLAWD_CRAB, account_id="18")),
        past=(CRAB_REGISTERED, BADGE),
    ),
    Example(
        changing_keys.recovery_is_posted,
        RECOVER,
        evolve(RECOVER, profile=evolve(CLAWD_CRAB, account_id="17", proof=None)),
        past=(CRAB_REGISTERED, BADGE),
    ),
    Example(moderating.operator_fits, SUSPEND, evolve(SUSPEND, by="gr\nace")),
    Example(moderating.reason_fits, evolve(SUSPEND, reason="x" * 200), evolve(SUSPEND, reason="x" * 201)),
    Example(moderating.agent_exists, SUSPEND, evolve(SUSPEND, agent=LOBSTER)),
    Example(
        moderating.suspension_ends_later, evolve(SUSPEND, until=START + MINUTE), evolve(SUSPEND, until=START - MINUTE)
    ),
    Example(moderating.message_exists, REMOVE, evolve(REMOVE, position=1), past=(CRAB_REGISTERED, CRAB_POSTED)),
    Example(
        moderating.message_is_not_erased,
        evolve(RESTORE, position=3),
        RESTORE,
        past=(CRAB_REGISTERED, CRAB_POSTED, CRAB_POSTED, evolve(CRAB_REMOVED, position=3), CRAB_ERASED),
    ),
    Example(
        moderating.erasure_fits,
        ERASE,
        evolve(ERASE, records=(ErasedRecord(2, "c" * 64), ErasedRecord(2, "c" * 64))),
        past=(CRAB_REGISTERED, CRAB_POSTED),
    ),
)
