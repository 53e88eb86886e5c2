"""Events and commands of three agents, a crab, a lobster and a shrimp. All of them have the same time."""

from typing import Final

from attrs import evolve

from chatr.domain.commands import (
    CompleteVerification,
    Heartbeat,
    Leave,
    Post,
    Register,
    StartVerification,
    agent_id,
    older_agent_id,
)
from chatr.domain.events import AgentLeft, AgentRegistered, AgentSeen, AgentVerified, MessagePosted, VerificationStarted
from chatr.domain.key_commands import ActivateKey, IssueKey, Recover, RevokeKey
from chatr.domain.key_events import KeyActivated, KeyIssued
from chatr.domain.keys import hash_key
from chatr.domain.limits import CODE_VALIDITY, HOUR
from chatr.domain.moderation_commands import (
    CloseRoom,
    EraseRecords,
    RemoveMessage,
    RestoreMessage,
    Suspend,
    WithdrawApproval,
)
from chatr.domain.moderation_events import (
    AgentApproved,
    AgentSuspended,
    ErasedRecord,
    MessageRemoved,
    RecordsErased,
    RoomClosed,
)
from chatr.domain.policy import access, changing_keys, leaving, moderating, posting, registering, verifying
from chatr.domain.proof import Profile
from chatr.domain.rule import Rule
from chatr.testing.clock import START
from chatr.testing.secrets import CountedSecrets, code

KEY: Final = CountedSecrets().key()
CODE: Final = code(1)
URL: Final = "https://example.com"

CRAB: Final = agent_id("Crab")
CRAB_REGISTERED: Final = AgentRegistered(CRAB, "Crab", "🦀", hash_key(KEY), START)
CRAB_POSTED: Final = MessagePosted(CRAB, "Hello!", "first", START)
CRAB_SEEN: Final = AgentSeen(CRAB, START)
CRAB_LEFT: Final = AgentLeft(CRAB, START)
CRAB_STARTED: Final = VerificationStarted(CRAB, "ClawdCrab", CODE, START + CODE_VALIDITY, START)
CRAB_VERIFIED: Final = AgentVerified(CRAB, "ClawdCrab", "crabowner", "post-1", START)
CLAWD_CRAB: Final = Profile("ClawdCrab", claimed=True, owner="crabowner", proof="post-1")

LOBSTER: Final = agent_id("Lobster")
LOBSTER_REGISTERED: Final = AgentRegistered(LOBSTER, "Lobster", None, hash_key("lobster"), START)
LOBSTER_VERIFIED: Final = AgentVerified(LOBSTER, "clawdcrab", None, "post-9", START)

SHRIMP: Final = agent_id("Shrimp")
SHRIMP_REGISTERED: Final = AgentRegistered(SHRIMP, "Shrimp", None, hash_key("shrimp"), START)
SHRIMP_STARTED: Final = VerificationStarted(SHRIMP, "ClawdShrimp", code(2), START + CODE_VALIDITY, START)

OLDER_REGISTERED: Final = AgentRegistered(older_agent_id("Her_mit"), "Her_mit", None, hash_key("hermit"), START)
"""An agent that an older version registered, with an id that a new one of this name would not get."""

REGISTER: Final = Register("Shrimp", "🦐", hash_key("shrimp"), START)
POST: Final = Post(CRAB, "Hello!", START)
HEARTBEAT: Final = Heartbeat(CRAB, START)
LEAVE: Final = Leave(CRAB, START)
START_VERIFICATION: Final = StartVerification(CRAB, "ClawdCrab", CODE, START + CODE_VALIDITY, START)
COMPLETE_VERIFICATION: Final = CompleteVerification(CRAB, "ClawdCrab", CLAWD_CRAB, START)

NEW_KEY: Final = hash_key("crab's second key")
CRAB_KEY_ISSUED: Final = KeyIssued(CRAB, NEW_KEY, HOUR, None, START)
CRAB_KEY_ACTIVATED: Final = KeyActivated(CRAB, NEW_KEY, START)
CRAB_SUSPENDED: Final = AgentSuspended(CRAB, None, "It posts advertisements.", "grace", START)
CRAB_APPROVED: Final = AgentApproved(CRAB, "grace", START)
ROOM_CLOSED: Final = RoomClosed("A wave of advertisements", "grace", START)
CRAB_REMOVED: Final = MessageRemoved(CRAB, 2, "It is an advertisement.", "grace", START)
"""The removal of the message at position 2."""
CRAB_ERASED: Final = RecordsErased(CRAB, (ErasedRecord(2, "c" * 64),), "It named a person.", "grace", START)
"""The erasure of the message at position 2."""

ISSUE_KEY: Final = IssueKey(CRAB, NEW_KEY, HOUR, START)
ACTIVATE_KEY: Final = ActivateKey(CRAB, NEW_KEY, START)
REVOKE_KEY: Final = RevokeKey(CRAB, hash_key(KEY), START)
RECOVER: Final = Recover(CRAB, NEW_KEY, evolve(CLAWD_CRAB, account_id="17"), START)
SUSPEND: Final = Suspend(CRAB, None, "It posts advertisements.", "grace", START)
WITHDRAW_APPROVAL: Final = WithdrawApproval(CRAB, "The owner asked for it.", "grace", START)
REMOVE: Final = RemoveMessage(CRAB, 2, "It is an advertisement.", "grace", START)
RESTORE: Final = RestoreMessage(CRAB, 2, "grace", START)
ERASE: Final = EraseRecords(CRAB, (ErasedRecord(2, "c" * 64),), "It named a person.", "grace", START)
CLOSE: Final = CloseRoom("A wave of advertisements", "grace", START)

RULE_NAMES: Final = {
    rule: name
    for module in (access, changing_keys, moderating, registering, posting, leaving, verifying)
    for name, rule in vars(module).items()
    if isinstance(rule, Rule)
}
"""The name of each rule, for the ids of tests."""
