"""The rules of the room: for each command, what must hold before it becomes an event.

Each list is in the order in which the rules are checked. A command is rejected by the first one that it violates.
"""

from collections.abc import Mapping
from typing import Any, Final

from chatr.domain.commands import (
    AdoptLimits,
    Command,
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
)
from chatr.domain.key_commands import ActivateKey, IssueKey, Recover, RevokeKey
from chatr.domain.moderation_commands import (
    Approve,
    CloseRoom,
    EraseRecords,
    OpenRoom,
    Reinstate,
    RemoveMessage,
    RestoreMessage,
    Suspend,
    WithdrawApproval,
    WithdrawBadge,
)
from chatr.domain.policy.access import (
    agent_is_approved,
    agent_is_not_suspended,
    registration_is_open,
    room_is_open,
)
from chatr.domain.policy.changing_keys import (
    account_is_that_of_badge,
    badge_has_account_id,
    grace_is_allowed,
    key_is_new,
    key_opens_agent,
    no_operator_key_is_pending,
    recovery_is_posted,
    rotations_are_within_rate_limit,
)
from chatr.domain.policy.leaving import leaves_are_within_rate_limit
from chatr.domain.policy.moderating import (
    agent_exists,
    erasure_fits,
    message_exists,
    message_is_not_erased,
    operator_fits,
    reason_fits,
    suspension_ends_later,
)
from chatr.domain.policy.posting import (
    content_contains_no_key,
    content_fits,
    content_is_clean,
    content_is_visible,
    idempotency_key_is_new,
    idempotency_key_is_valid,
    marks_are_not_stacked,
    posts_are_within_rate_limit,
    reply_target_exists,
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
    room_is_open,
    registration_is_open,
    name_is_valid,
    name_is_not_reserved,
    name_is_free,
    name_looks_like_no_other,
    avatar_fits,
    avatar_is_clean,
    avatar_is_no_badge,
    avatar_contains_no_link_or_key,
)

MEMBERSHIP: Final[tuple[Rule[Heartbeat], ...]] = (agent_is_registered, agent_is_not_suspended)
"""What must hold for a heartbeat."""

LEAVING: Final[tuple[Rule[Leave], ...]] = (agent_is_registered, leaves_are_within_rate_limit)

POSTING: Final[tuple[Rule[Post], ...]] = (
    agent_is_registered,
    agent_is_not_suspended,
    room_is_open,
    agent_is_approved,
    content_fits,
    content_is_clean,
    content_is_visible,
    marks_are_not_stacked,
    content_contains_no_key,
    urls_need_verification,
    idempotency_key_is_valid,
    idempotency_key_is_new,
    reply_target_exists,
    posts_are_within_rate_limit,
)

STARTING: Final[tuple[Rule[StartVerification], ...]] = (
    agent_is_registered,
    agent_is_not_suspended,
    moltbook_name_is_valid,
    starts_are_within_rate_limit,
)

CLAIMING: Final[tuple[Rule[CompleteVerification], ...]] = (
    agent_is_registered,
    agent_is_not_suspended,
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

ISSUING_KEYS: Final[tuple[Rule[IssueKey], ...]] = (
    agent_is_registered,
    grace_is_allowed,
    key_is_new,
    no_operator_key_is_pending,
    rotations_are_within_rate_limit,
)

USING_KEYS: Final[tuple[Rule[ActivateKey], ...]] = (agent_is_registered, key_opens_agent)
"""What must hold of a pending key that is used for the first time."""

REVOKING_KEYS: Final[tuple[Rule[RevokeKey], ...]] = (agent_is_registered, key_opens_agent)

RECOVERABLE: Final[tuple[Rule[Recover], ...]] = (agent_exists, badge_has_account_id, key_is_new)
"""What must hold before the account of a badge is looked up on Moltbook."""

RECOVERING: Final[tuple[Rule[Recover], ...]] = (*RECOVERABLE, account_is_that_of_badge, recovery_is_posted)

SUSPENDING: Final[tuple[Rule[Suspend], ...]] = (agent_exists, operator_fits, reason_fits, suspension_ends_later)

REINSTATING_OR_APPROVING: Final[tuple[Rule[Reinstate | Approve], ...]] = (agent_exists, operator_fits)
"""What must hold for reinstating or approving an agent."""

WITHDRAWING: Final[tuple[Rule[WithdrawApproval | WithdrawBadge], ...]] = (agent_exists, operator_fits, reason_fits)

REMOVING: Final[tuple[Rule[RemoveMessage], ...]] = (agent_exists, operator_fits, reason_fits, message_exists)

RESTORING: Final[tuple[Rule[RestoreMessage], ...]] = (
    agent_exists,
    operator_fits,
    message_exists,
    message_is_not_erased,
)

ERASING: Final[tuple[Rule[EraseRecords], ...]] = (agent_exists, operator_fits, reason_fits, erasure_fits)

CLOSING: Final[tuple[Rule[CloseRoom], ...]] = (operator_fits, reason_fits)

OPENING: Final[tuple[Rule[OpenRoom], ...]] = (operator_fits,)

RULES_BY_COMMAND: Final[Mapping[type[Command], tuple[Rule[Any], ...]]] = {
    Register: (operator_fits, *REGISTERING),
    Post: POSTING,
    Heartbeat: MEMBERSHIP,
    Leave: LEAVING,
    StartVerification: STARTING,
    CompleteVerification: (*CLAIMING, *PROVING),
    IssueKey: (operator_fits, *ISSUING_KEYS),
    ActivateKey: USING_KEYS,
    RevokeKey: (operator_fits, *REVOKING_KEYS),
    Recover: RECOVERING,
    Suspend: SUSPENDING,
    Reinstate: REINSTATING_OR_APPROVING,
    Approve: REINSTATING_OR_APPROVING,
    WithdrawApproval: WITHDRAWING,
    WithdrawBadge: WITHDRAWING,
    RemoveMessage: REMOVING,
    RestoreMessage: RESTORING,
    EraseRecords: ERASING,
    CloseRoom: CLOSING,
    OpenRoom: OPENING,
    AdoptLimits: (),
}
"""The rules for each type of command."""

OPERATOR_RULES: Final[tuple[Rule[Any], ...]] = (
    operator_fits,
    reason_fits,
    suspension_ends_later,
    message_exists,
    message_is_not_erased,
    erasure_fits,
)
"""Rules that no request of an agent meets."""
RULES: Final[tuple[Rule[Any], ...]] = tuple(
    dict.fromkeys(rule for rules in RULES_BY_COMMAND.values() for rule in rules if rule not in OPERATOR_RULES)
)
"""The rules that agents meet, each once."""
