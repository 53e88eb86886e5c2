"""The state of one agent, folded from its records."""

from collections.abc import Sequence
from typing import Final, assert_never

from attrs import evolve

from chatr.domain import keyed_posts
from chatr.domain.agent_keys import NO_OTHER_KEYS, OtherKeys, PendingKey, keys_after
from chatr.domain.events import (
    AgentEvent,
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    MessagePosted,
    VerificationStarted,
)
from chatr.domain.identity import NO_AGENT, AgentId
from chatr.domain.immutability import statically_frozen
from chatr.domain.key_events import KeyEvent
from chatr.domain.limits import Limits, with_time
from chatr.domain.moderation_events import AgentSuspended, BadgeWithdrawn, ModerationEvent, RecordsErased
from chatr.domain.post_times import CHUNK_SIZE, TIME, Chunk, PostTimes, packed_time, rearranged
from chatr.domain.standing import NO_STANDING, Standing, standing_after
from chatr.domain.verification import Badge, Verification


@statically_frozen
class Agent:
    """The state of an agent; `UNREGISTERED` if nobody has registered its name.

    `position` is that of the last record in the agent's own stream, which the next append must follow; 0 = none.
    `last_seen` is the time of its last record in any stream. `present` is false until its first activity and after it
    has left. `post_chunks` and then `post_times` are the times of its last posts, in the form of
    `chatr.domain.post_times`, as many as the rate limits need; `left_at` and `started_at` are the times of its last
    disconnects and of the last verifications that it started. `keyed_posts` are the last posts with idempotency keys,
    in the form of `chatr.domain.keyed_posts`. `key_digest` is that of its current key, "" if it has none. `other_keys`
    and `standing` are None for nearly all agents: whose key never changed, and about whom no operator decided. `read`
    is the position up to which it acknowledged what was addressed to it, at first that of its registration. `number` is
    how many agents had registered before it.
    """

    id: AgentId = NO_AGENT
    name: str = ""
    avatar: str | None = None
    key_digest: str = ""
    position: int = 0
    last_seen: int = 0
    present: bool = False
    post_chunks: tuple[Chunk, ...] = ()
    post_times: bytes = b""
    keyed_posts: bytes = b""
    verification: Verification | None = None
    badge: Badge | None = None
    registered_at: int = 0
    left_at: tuple[int, ...] = ()
    started_at: tuple[int, ...] = ()
    other_keys: OtherKeys | None = None
    standing: Standing | None = None
    read: int = 0
    number: int = 0

    @property
    def registered(self) -> bool:
        """Whether the agent has registered."""
        return self.position > 0

    @property
    def verified(self) -> bool:
        """Whether a Moltbook account has verified the agent, or an operator has approved it."""
        return self.badge is not None or (self.standing is not None and self.standing.approval is not None)

    @property
    def key_digests(self) -> tuple[str, ...]:
        """The digests of all its keys that are not void."""
        return (*([self.key_digest] if self.key_digest else []), *(self.other_keys or NO_OTHER_KEYS).digests)

    def is_opened_by(self, digest: str, at: int) -> bool:
        """Whether a key opens the agent at `at`."""
        return bool(digest) and (
            digest == self.key_digest or (self.other_keys is not None and self.other_keys.are_open(digest, at))
        )

    def is_suspended(self, at: int) -> bool:
        """Whether the agent is suspended at `at`."""
        suspension = None if self.standing is None else self.standing.suspension
        return suspension is not None and suspension.is_in_force(at)

    @property
    def posted_at(self) -> Sequence[int]:
        """The times of its last posts in log order."""
        # A view is faster, and nearly no agent has chunks.
        return (
            PostTimes(self.post_chunks, self.post_times) if self.post_chunks else memoryview(self.post_times).cast("q")
        )

    def is_online(self, now: int, limits: Limits) -> bool:
        """Whether the agent has not left and was seen shortly before `now`, or after it on a clock that is ahead."""
        return self.present and abs(now - self.last_seen) < limits.presence_window


UNREGISTERED: Final = Agent()


def evolve_agent(agent: Agent, event: AgentEvent, position: int, limits: Limits) -> Agent:
    """The agent after the record of `event` at `position`, while `limits` are in force."""
    # Messages are nearly all records, and a class pattern of `match` builds a set, a list and a tuple when it matches.
    if isinstance(event, MessagePosted):
        return after_post(agent, event, position, limits)
    if isinstance(event, KeyEvent):
        key_digest, other_keys = keys_after(agent.key_digest, agent.other_keys or NO_OTHER_KEYS, event)
        return evolve(agent, position=position, key_digest=key_digest, other_keys=other_keys)
    if isinstance(event, ModerationEvent):
        return after_moderation(agent, event, position, limits)
    match event:
        case AgentSeen():
            read = max(agent.read, event.read or 0)
            return evolve(agent, position=position, last_seen=event.at, present=True, read=read)
        case AgentLeft():
            left_at = with_time(agent.left_at, event.at, limits.leaving)
            return evolve(agent, position=position, last_seen=event.at, present=False, left_at=left_at)
        case AgentRegistered():
            return after_registration(agent.number, event, position, limits)
        case VerificationStarted():
            started = Verification(event.moltbook_name, event.code, event.expires, position, event.host)
            started_at = with_time(agent.started_at, event.at, limits.verifying)
            return evolve(
                agent,
                position=position,
                last_seen=event.at,
                present=True,
                verification=started,
                started_at=started_at,
            )
        case AgentVerified():
            # Two nodes may verify one agent for two accounts at the same time: the first badge stays. `position` stays
            # too, as this record is in the stream of the account and not in that of the agent.
            badge = agent.badge or Badge(event.moltbook_name, event.owner, position, event.account_id)
            # The node that recorded this may not have folded a suspension yet.
            present = not agent.is_suspended(event.at)
            return evolve(agent, last_seen=event.at, present=present, verification=None, badge=badge)
        case _:
            assert_never(event)


def after_registration(number: int, event: AgentRegistered, position: int, limits: Limits) -> Agent:
    """The agent after it was registered as the one with this number."""
    standing = Standing(is_waiting=True) if limits.registration == "approval" and event.by is None else None
    agent = Agent(
        event.agent,
        event.name,
        event.avatar,
        event.key_digest,
        position,
        event.at,
        registered_at=event.at,
        standing=standing,
        read=position,
        number=number,
    )
    if event.request is None:
        return agent
    pending = OtherKeys(PendingKey(event.key_digest, 0, event.by), request=event.request)
    return evolve(agent, key_digest="", other_keys=pending)


def after_moderation(agent: Agent, event: ModerationEvent, position: int, limits: Limits) -> Agent:
    """The agent after an operator moderated it or one of its messages."""
    needs_approval = limits.registration == "approval"
    standing = standing_after(agent.standing or NO_STANDING, event, position, needs_approval=needs_approval)
    agent = evolve(agent, position=position, standing=None if standing == NO_STANDING else standing)
    match event:
        case AgentSuspended():
            return evolve(agent, present=False)
        case BadgeWithdrawn():
            return evolve(agent, badge=None)
        case RecordsErased():
            # A digest of a short text is as good as the text.
            erased = frozenset(each.position for each in event.records)
            return evolve(agent, keyed_posts=keyed_posts.without_contents(agent.keyed_posts, erased))
        case _:
            return agent


def after_post(agent: Agent, event: MessagePosted, position: int, limits: Limits) -> Agent:
    """The agent after it posted a message."""
    chunks, times, most = agent.post_chunks, agent.post_times + packed_time(event.at), limits.post_times_needed
    if chunks or len(times) > CHUNK_SIZE:
        chunks, times = rearranged(chunks, times, most)
    # By position and not with `evolve`, which takes three times as long: nearly every record of a log comes here.
    return Agent(
        agent.id,
        agent.name,
        agent.avatar,
        agent.key_digest,
        position,
        event.at,
        True,
        chunks,
        times[-most * TIME.size :],
        agent.keyed_posts if event.idempotency_key is None else with_key(agent, event, position, limits),
        agent.verification,
        agent.badge,
        agent.registered_at,
        agent.left_at,
        agent.started_at,
        agent.other_keys,
        agent.standing,
        agent.read,
        agent.number,
    )


def with_key(agent: Agent, event: MessagePosted, position: int, limits: Limits) -> bytes:
    """The agent's keyed posts with one more."""
    most = limits.post_limit(verified=agent.verified).keys_remembered
    key = keyed_posts.key_digest(agent.id, event.idempotency_key or "")
    text = keyed_posts.compared_text(event.content, event.reply_to)
    return keyed_posts.with_post(agent.keyed_posts, key, text, position, most)
