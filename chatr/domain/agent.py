"""The aggregate: what an agent's records have made of it."""

from collections.abc import Mapping
from typing import Final, assert_never

from attrs import evolve as changed
from attrs import field

from chatr.domain.commands import NOBODY
from chatr.domain.events import (
    AgentId,
    AgentLeft,
    AgentRegistered,
    AgentSeen,
    AgentVerified,
    LimitsAdopted,
    MessagePosted,
    Record,
    VerificationStarted,
    account,
)
from chatr.domain.frozen import frozen
from chatr.domain.limits import ANSWERS_REMEMBERED, Limits
from chatr.domain.text import digest
from chatr.domain.times import Times


@frozen
class Verification:
    """A verification under way: the code that was handed out, and for which account."""

    moltbook_name: str
    code: str
    expires: int
    position: int

    def answers(self, moltbook_name: str, at: int) -> bool:
        """Whether this code is still the one for that account."""
        return at < self.expires and account(moltbook_name) == account(self.moltbook_name)


@frozen
class Badge:
    moltbook_name: str
    owner: str | None
    position: int


@frozen
class Answer:
    """The message that an idempotency key stands for."""

    position: int
    digest: bytes


@frozen
class Agent:
    """`position` is that of the last record in the agent's own stream: 0 = nobody has this name.

    `times` are those of its last posts, as many as the larger rate needs.
    """

    id: AgentId = NOBODY
    name: str = ""
    avatar: str | None = None
    key_digest: str = ""
    position: int = 0
    last_seen: int = 0
    present: bool = False
    times: Times = Times()
    answers: Mapping[str, Answer] = field(factory=dict)
    verification: Verification | None = None
    badge: Badge | None = None
    since: int = 0

    @property
    def registered(self) -> bool:
        return self.position > 0

    @property
    def posted(self) -> tuple[int, ...]:
        """The times of its last posts in log order."""
        return self.times.all

    @property
    def verified(self) -> bool:
        return self.badge is not None

    def online(self, now: int, limits: Limits) -> bool:
        return self.present and abs(now - self.last_seen) < limits.reach


STRANGER: Final = Agent()


def evolve(agent: Agent, record: Record, limits: Limits) -> Agent:
    """The agent after one more of its records, in a room whose limits are `limits`."""
    event, position = record.event, record.position
    if isinstance(event, MessagePosted):
        return after_post(agent, event, position, limits)
    match event:
        case AgentSeen():
            return changed(agent, position=position, last_seen=event.at, present=True)
        case AgentLeft():
            return changed(agent, position=position, last_seen=event.at, present=False)
        case AgentRegistered():
            return Agent(event.agent, event.name, event.avatar, event.key_digest, position, event.at, since=event.at)
        case VerificationStarted():
            started = Verification(event.moltbook_name, event.code, event.expires, position)
            return changed(agent, position=position, last_seen=event.at, present=True, verification=started)
        case AgentVerified():
            badge = agent.badge or Badge(event.moltbook_name, event.owner, position)
            return changed(agent, last_seen=event.at, present=True, verification=None, badge=badge)
        case LimitsAdopted():
            return agent
        case _:
            assert_never(event)


def after_post(agent: Agent, event: MessagePosted, position: int, limits: Limits) -> Agent:
    """Nearly every record of a log comes here, and `changed` takes three times as long."""
    key = event.idempotency_key
    return Agent(
        agent.id,
        agent.name,
        agent.avatar,
        agent.key_digest,
        position,
        event.at,
        True,
        agent.times.then(event.at, limits.posts_remembered),
        agent.answers if key is None else remembered(agent.answers, key, Answer(position, digest(event.content))),
        agent.verification,
        agent.badge,
        agent.since,
    )


def remembered(answers: Mapping[str, Answer], key: str, answer: Answer) -> Mapping[str, Answer]:
    return dict(list({**answers, key: answer}.items())[-ANSWERS_REMEMBERED:])
