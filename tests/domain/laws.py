"""Properties that every log has, whatever commands led to it."""

from collections import defaultdict
from collections.abc import Sequence

from chatr.domain.events import AgentRegistered, AgentVerified, MessagePosted, Record
from chatr.domain.limits import Limits
from chatr.domain.moderation_events import BadgeWithdrawn


def only_registered_agents_post(records: Sequence[Record]) -> bool:
    """Whether every agent has registered before its first message."""
    registered = set[str]()
    for record in records:
        match record.event:
            case AgentRegistered(agent=agent):
                registered.add(agent)
            case MessagePosted(agent=agent) if agent not in registered:
                return False
    return True


def agents_register_once(records: Sequence[Record]) -> bool:
    """Whether no two registrations are of the same agent, that is of names that look alike."""
    registered = [record.event.agent for record in records if isinstance(record.event, AgentRegistered)]
    return len(set(registered)) == len(registered)


def agents_and_accounts_are_pairs(records: Sequence[Record]) -> bool:
    """Whether no account ever verifies two agents, and no agent has the badges of two accounts at once."""
    accounts, badges = set[str](), set[str]()
    for record in records:
        match record.event:
            case AgentVerified(agent=agent, moltbook_name=name):
                if name.lower() in accounts or agent in badges:
                    return False
                accounts.add(name.lower())
                badges.add(agent)
            case BadgeWithdrawn(agent=agent):
                badges.discard(agent)
    return True


def posts_are_within_rate_limits(records: Sequence[Record], limits: Limits) -> bool:
    """Whether no window that ends with a post holds more posts than its limit allows. Times must not step back."""
    verified, times = set[str](), defaultdict[str, list[int]](list)
    for record in records:
        match record.event:
            case AgentVerified(agent=agent):
                verified.add(agent)
            case MessagePosted(agent=agent, at=now):
                times[agent].append(now)
                limit = limits.post_limit(verified=agent in verified)
                if sum(now - at < limit.window for at in times[agent]) > limit.count:
                    return False
    return True
