"""What must be true of every log, whatever led to it."""

from collections import defaultdict
from collections.abc import Sequence

from chatr.domain.events import AgentRegistered, AgentVerified, MessagePosted, Record
from chatr.domain.limits import Limits


def only_members_speak(records: Sequence[Record]) -> bool:
    came = set[str]()
    for record in records:
        match record.event:
            case AgentRegistered(agent=agent):
                came.add(agent)
            case MessagePosted(agent=agent) if agent not in came:
                return False
    return True


def names_are_unique(records: Sequence[Record]) -> bool:
    came = [record.event.agent for record in records if isinstance(record.event, AgentRegistered)]
    return len(set(came)) == len(came)


def agents_and_accounts_are_pairs(records: Sequence[Record]) -> bool:
    verified = [record.event for record in records if isinstance(record.event, AgentVerified)]
    agents = {event.agent for event in verified}
    accounts = {event.moltbook_name.lower() for event in verified}
    return len(agents) == len(accounts) == len(verified)


def posts_are_paced(records: Sequence[Record], limits: Limits) -> bool:
    """A window that ends with a post holds no more than the rate to which that post was held. Clocks go forward."""
    verified, times = set[str](), defaultdict[str, list[int]](list)
    for record in records:
        match record.event:
            case AgentVerified(agent=agent):
                verified.add(agent)
            case MessagePosted(agent=agent, at=now):
                times[agent].append(now)
                rate = limits.posting(verified=agent in verified)
                if sum(now - at < rate.window for at in times[agent]) > rate.count:
                    return False
    return True
