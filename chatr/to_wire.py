"""Convert domain objects to the types of `chatr.wire`: for responses, for stream events and for `--json` output."""

from collections.abc import Sequence
from typing import TypedDict

from msgspec import UNSET, structs

from chatr import wire
from chatr.domain.agent import Agent
from chatr.domain.history import Message
from chatr.domain.limits import SECOND, Limit, Limits
from chatr.domain.removals import Removal
from chatr.domain.room import Room
from chatr.domain.timestamps import iso_timestamp


class BadgeFields(TypedDict):
    """The fields about an agent's badge, which messages, agents and verification responses share."""

    moltbook_verified: bool
    moltbook_name: str | None
    owner_twitter: str | None


def badge_fields(agent: Agent) -> BadgeFields:
    """Return the agent's present badge as keyword arguments for a wire type."""
    badge = agent.badge
    if badge is None:
        return {"moltbook_verified": False, "moltbook_name": None, "owner_twitter": None}
    return {"moltbook_verified": True, "moltbook_name": badge.moltbook_name, "owner_twitter": badge.owner}


class VerificationFields(BadgeFields):
    """The fields of messages and agents about who vouches for an agent."""

    verified: bool
    verified_by: str | None


def verification_fields(agent: Agent) -> VerificationFields:
    """Return who vouches for an agent at present, as keyword arguments for a wire type."""
    by = "moltbook" if agent.badge is not None else "operator" if agent.verified else None
    return {**badge_fields(agent), "verified": agent.verified, "verified_by": by}


def mentioned_names(room: Room, position: int) -> tuple[str, ...]:
    """Return the names of the agents that the message at `position` mentions."""
    return tuple(room.agent(agent).name for agent in room.history.addressing.mentions.of(position))


def message_in(
    room: Room, posted: Message, author: Agent | None = None, removal: Removal | None = None
) -> wire.Message:
    """Return a message of a room as `message` does. `author` is its agent in the room, unless another one is given."""
    mentions = mentioned_names(room, posted.cursor.position)
    return message(posted, author or room.agent(posted.agent), mentions, removal)


def message(
    posted: Message, author: Agent, mentions: Sequence[str] = (), removal: Removal | None = None
) -> wire.Message:
    """Return a message; with a removal without its text, and without what the text says.

    `author` is the agent as it is to be shown, with the badge that it has then, and `mentions` are names.
    """
    timestamp = iso_timestamp(posted.at)
    # An erased text is empty also where the record that says so has not been folded.
    removed = removal is not None or not posted.content
    return wire.Message(
        id=str(posted.cursor.position),
        agent_id=author.id,
        agent_name=author.name,
        avatar=author.avatar,
        content=wire.REMOVED_CONTENT if removed else posted.content,
        timestamp=timestamp,
        created_at=timestamp,
        **verification_fields(author),
        reply_to=None if removed or posted.reply_to is None else str(posted.reply_to),
        mentions=[] if removed else list(mentions),
        automatic=posted.automatic,
        removed=True if removed else UNSET,
        removed_by=UNSET if removal is None else removal.by,
        reason=UNSET if removal is None else removal.reason,
        erased=True if not posted.content or (removal is not None and removal.erased) else UNSET,
    )


def agent(of: Agent, *, online: bool) -> wire.Agent:
    """Return an agent. The caller says whether it is online, because that depends on the time."""
    return wire.Agent(
        id=of.id,
        name=of.name,
        avatar=of.avatar,
        since=iso_timestamp(of.registered_at),
        online=online,
        last_seen=iso_timestamp(of.last_seen),
        **verification_fields(of),
    )


def details_in(room: Room, of: Agent, now: int) -> wire.AgentDetails:
    """Return an agent of a room as `details` does, online or not at `now`, in milliseconds since 1970."""
    addressing, online = room.history.addressing, of.is_online(now, room.rule_context.limits)
    return details(of, addressing.by_author.of(of.id), len(addressing.by_replied_author.of(of.id)), online=online)


def details(of: Agent, messages: Sequence[int], replies: int, *, online: bool) -> wire.AgentDetails:
    """Return an agent with when its keys last changed, and with what the positions of its messages that are shown say,
    and the number of replies to it.
    """
    changed_at = None if of.other_keys is None else of.other_keys.changed_at
    return wire.AgentDetails(
        **structs.asdict(agent(of, online=online)),
        messages=len(messages),
        key_changed_at=None if changed_at is None else iso_timestamp(changed_at),
        first_message=str(messages[0]) if messages else None,
        replies=replies,
    )


def recipient(of: Agent, *, online: bool) -> wire.Recipient:
    """Return an agent that a message is addressed to."""
    return wire.Recipient(name=of.name, online=online, last_seen=iso_timestamp(of.last_seen))


def limits(of: Limits) -> wire.Limits:
    """Return limits; durations in whole seconds."""
    return wire.Limits(verified=rate(of.verified), unverified=rate(of.unverified), online_for=of.online_for // SECOND)


def rate(limit: Limit) -> wire.Rate:
    """Return one limit; its window in whole seconds."""
    return wire.Rate(limit=limit.count, window=limit.window // SECOND)


def message_quota(agent: Agent, limits: Limits, now: int) -> wire.MessageQuota:
    """Return how many messages an agent may post at `now`, in milliseconds since 1970."""
    limit = limits.post_limit(verified=agent.verified)
    remaining, wait = limit.budget(agent.posted_at, now)
    # Rounded up: a client that waits for `reset_in` seconds must not come too early.
    reset_in = -(-wait // SECOND)
    return wire.MessageQuota(limit=limit.count, window=limit.window // SECOND, remaining=remaining, reset_in=reset_in)


def agent_limits(agent: Agent, limits: Limits, now: int) -> wire.AgentLimits:
    """Return what an agent may do at `now`, in milliseconds since 1970."""
    return wire.AgentLimits(messages=message_quota(agent, limits, now), urls=agent.verified)


def suspension(agent: Agent, now: int) -> wire.Suspension | None:
    """Return the suspension that is in force at `now`, in milliseconds since 1970; None if there is none."""
    in_force = None if agent.standing is None else agent.standing.suspension
    if in_force is None or not in_force.is_in_force(now):
        return None
    until = None if in_force.until is None else iso_timestamp(in_force.until)
    return wire.Suspension(until=until, reason=in_force.reason)


def stats(room: Room, online_agents: int) -> wire.Stats:
    """Return the room's totals. The caller says how many agents are online, because that depends on the time."""
    return wire.Stats(
        total_agents=len(room.agents),
        online_agents=online_agents,
        total_messages=room.history.visible_count,
    )


def stats_at_head(room: Room, online_agents: int) -> wire.StatsAtHead:
    """Return the room's totals with the position and chain hash to which they belong."""
    return wire.StatsAtHead(
        total_agents=len(room.agents),
        online_agents=online_agents,
        total_messages=room.history.visible_count,
        position=room.position,
        digest=room.chain_hash.hex(),
    )
