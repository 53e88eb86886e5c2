"""The rules of the room: for each command, what must hold before it becomes an event.

Each list is in the order in which the rules are checked. A command is rejected by the first one that it violates.
"""

from typing import Any, Final

from chatr.domain.commands import CompleteVerification, Leave, Post, Register, StartVerification
from chatr.domain.policy.leaving import leaves_are_within_rate_limit
from chatr.domain.policy.posting import (
    content_contains_no_key,
    content_fits,
    content_is_clean,
    content_is_visible,
    idempotency_key_is_new,
    idempotency_key_is_valid,
    marks_are_not_stacked,
    posts_are_within_rate_limit,
    urls_need_verification,
)
from chatr.domain.policy.registering import (
    agent_is_registered,
    avatar_contains_no_link_or_key,
    avatar_fits,
    avatar_is_clean,
    avatar_is_no_badge,
    name_is_free,
    name_is_not_reserved,
    name_is_valid,
    name_looks_like_no_other,
)
from chatr.domain.policy.verifying import (
    account_has_owner,
    account_is_free,
    account_is_known,
    code_has_not_expired,
    code_is_posted,
    moltbook_name_is_valid,
    name_is_as_at_start,
    post_names_agent_and_room,
    starts_are_within_rate_limit,
    verification_is_started,
)
from chatr.domain.rule import Rule

REGISTERING: Final[tuple[Rule[Register], ...]] = (
    name_is_valid,
    name_is_not_reserved,
    name_is_free,
    name_looks_like_no_other,
    avatar_fits,
    avatar_is_clean,
    avatar_is_no_badge,
    avatar_contains_no_link_or_key,
)

MEMBERSHIP: Final[tuple[Rule[object], ...]] = (agent_is_registered,)
"""What must hold for a heartbeat."""

LEAVING: Final[tuple[Rule[Leave], ...]] = (agent_is_registered, leaves_are_within_rate_limit)

POSTING: Final[tuple[Rule[Post], ...]] = (
    agent_is_registered,
    content_fits,
    content_is_clean,
    content_is_visible,
    marks_are_not_stacked,
    content_contains_no_key,
    urls_need_verification,
    idempotency_key_is_valid,
    idempotency_key_is_new,
    posts_are_within_rate_limit,
)

STARTING: Final[tuple[Rule[StartVerification], ...]] = (
    agent_is_registered,
    moltbook_name_is_valid,
    starts_are_within_rate_limit,
)

CLAIMING: Final[tuple[Rule[CompleteVerification], ...]] = (
    agent_is_registered,
    moltbook_name_is_valid,
    verification_is_started,
    code_has_not_expired,
    name_is_as_at_start,
)
"""What must hold before an account is looked up on Moltbook."""

PROVING: Final[tuple[Rule[CompleteVerification], ...]] = (
    account_is_known,
    account_has_owner,
    code_is_posted,
    post_names_agent_and_room,
    account_is_free,
)
"""What must hold of Moltbook's reply."""

RULES: Final[tuple[Rule[Any], ...]] = tuple(
    dict.fromkeys((*REGISTERING, *POSTING, *LEAVING, *STARTING, *CLAIMING, *PROVING))
)
"""All rules, each once."""
