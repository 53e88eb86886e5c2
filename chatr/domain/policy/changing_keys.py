"""The rules for issuing, revoking and recovering keys."""

from typing import Final

from chatr.domain.agent import Agent
from chatr.domain.agent_keys import NO_OTHER_KEYS
from chatr.domain.commands import Register
from chatr.domain.key_commands import ActivateKey, IssueKey, Recover, RevokeKey
from chatr.domain.keys import recovery_code
from chatr.domain.limits import MOST_GRACE, ROTATIONS, SECOND
from chatr.domain.proof import ProofWords
from chatr.domain.rule import Details, Kind, RuleContext, format_rule, rate_rule, rule

RECOVERY_WORD: Final = "RECOVER"
"""Stands in the Moltbook post, so that somebody who is tricked into posting it sees that it takes over an agent."""


def recovery_words(agent: Agent, key_digest: str, host: str) -> ProofWords:
    """The words that the agent's Moltbook account must post for a new key; `host` is that of the room, or empty."""
    return ProofWords(recovery_code(key_digest), agent.name, host, RECOVERY_WORD)


@format_rule(
    "invalid_grace",
    f"The grace of an old key must be 0-{MOST_GRACE // SECOND} seconds.",
    "Send a whole number, or leave it out.",
)
def grace_is_allowed(issue: IssueKey) -> bool:
    """The old keys stay open for an allowed time."""
    return 0 <= issue.grace <= MOST_GRACE


@rule(Kind.CONFLICT, "key_used", "A key that was ever issued cannot be issued again.", "Start again with a new key.")
def key_is_new(_agent: Agent, command: IssueKey | Recover | Register, context: RuleContext) -> bool:
    """The key opens no agent and never did."""
    return command.key_digest not in context.agents_by_key and command.key_digest not in context.void_keys


@rule(
    Kind.CONFLICT,
    "operator_key_pending",
    "A key that an operator issued cannot be replaced before its first use.",
    "Use that key, then change it.",
)
def no_operator_key_is_pending(agent: Agent, issue: IssueKey, _context: RuleContext) -> bool:
    """No operator has issued a key that was not used yet, or an operator, this or another one, issues the new one."""
    pending = (agent.other_keys or NO_OTHER_KEYS).pending
    return issue.by is not None or pending is None or pending.by is None


@rate_rule("key_rate_limited", f"The rate limit for new keys is {ROTATIONS}.", "Try again in {retryAfter} s.")
def rotations_are_within_rate_limit(agent: Agent, issue: IssueKey, _context: RuleContext) -> int:
    """Milliseconds until the agent may be given another key. Operators may always issue one."""
    return 0 if issue.by else ROTATIONS.wait((agent.other_keys or NO_OTHER_KEYS).rotated_at, issue.at)


@rule(
    Kind.UNAUTHENTICATED,
    "unauthorized",
    "The key must be a valid key of the agent.",
    "It was revoked or replaced: use the newest one.",
)
def key_opens_agent(agent: Agent, command: ActivateKey | RevokeKey, _context: RuleContext) -> bool:
    """The key opens the agent."""
    return agent.is_opened_by(command.key_digest, command.at)


def is_in_use(agent: Agent, digest: str, at: int) -> bool:
    """Whether a key opens the agent at `at`, and was used already."""
    return agent.is_opened_by(digest, at) and not (agent.other_keys or NO_OTHER_KEYS).is_pending(digest)


def is_only_key(agent: Agent, digest: str, at: int) -> bool:
    """Whether this is the current key of an agent, and no other one opens it at `at`."""
    others = (each for each in agent.key_digests if each != digest)
    return agent.registered and digest == agent.key_digest and not any(agent.is_opened_by(each, at) for each in others)


@rule(
    Kind.FORBIDDEN,
    "recovery_impossible",
    "Only the Moltbook account that verified the agent can recover a key, "
    "and only if the id of that account was recorded.",
    "Ask the operator of this room for a new key.",
)
def badge_has_account_id(agent: Agent, _recover: Recover, _context: RuleContext) -> bool:
    """The agent has a badge, and the id of its account is known."""
    return agent.badge is not None and agent.badge.account_id is not None


@rule(
    Kind.FORBIDDEN,
    "recovery_by_other_account",
    "The new key must be confirmed by the Moltbook account that verified the agent.",
    "No account of that name has the recorded id now: ask the operator of this room for a new key.",
)
def account_is_that_of_badge(agent: Agent, recover: Recover, _context: RuleContext) -> bool:
    """Moltbook knows the account under the id that was recorded with the badge."""
    profile, badge = recover.profile, agent.badge
    return profile is not None and badge is not None and profile.account_id == badge.account_id


def recovery_post_details(_agent: Agent, command: object, _context: RuleContext) -> Details:
    """The code of the new key, and what to do with it."""
    # The API documentation renders an example of this error with another command.
    digest, profile = (command.key_digest, command.profile) if isinstance(command, Recover) else ("", None)
    missing = f"The post lacks {' and '.join(profile.missing)}. " if profile and profile.missing else ""
    hint = f"{missing}Post them on Moltbook, as a post and not as a comment, then complete again."
    return {"recoveryCode": recovery_code(digest), "hint": hint}


@rule(
    Kind.NOT_FOUND,
    "recovery_post_not_found",
    f"One of the account's newest posts must contain the agent's name, the room's host, {RECOVERY_WORD} and the code.",
    "{hint}",
    recovery_post_details,
)
def recovery_is_posted(_agent: Agent, recover: Recover, _context: RuleContext) -> bool:
    """The account has posted the code of the new key."""
    return recover.profile is not None and recover.profile.proof is not None
