"""Commands: what an agent or an operator asks of the room. Times, ids and secrets are fields of the command.

Texts are normalised here, once, so that every rule sees the form that would be stored. All times (`at`, `expires`) are
milliseconds since 1970.
"""

from functools import lru_cache
from typing import ClassVar, Final
from uuid import UUID, uuid5

from attrs import field, frozen
from attrs.converters import optional

from chatr.domain.identity import NO_AGENT, AgentId
from chatr.domain.key_commands import KeyCommand
from chatr.domain.limits import Limits
from chatr.domain.moderation_commands import ModerationCommand
from chatr.domain.proof import Profile
from chatr.domain.text import WHITE_SPACE, canonical, is_name, normalize, strict_form

# Frozen for ever: with another namespace every agent of every log would have another id.
NAMESPACE: Final = UUID("5d0c1a0f-3c0b-5b8e-9a63-2f6b1f1c7d10")


# Cached, because messages mention the same few names again and again, and each id takes two microseconds.
@lru_cache(4_096)
def agent_id(name: str) -> AgentId:
    """The id that a new agent with this name gets.

    It follows from the form that all names have that look alike, so a name is taken when the stream of that agent has a
    first record: of two registrations at the same time, on any nodes, one is appended.
    """
    return AgentId(str(uuid5(NAMESPACE, strict_form(name))))


@lru_cache(4_096)
def older_agent_id(name: str) -> AgentId:
    """The id that an agent with this name has if an older version registered it, which knew fewer look-alikes."""
    return AgentId(str(uuid5(NAMESPACE, canonical(name))))


def trim(name: str) -> str:
    """The name without white space around it."""
    return name.strip(WHITE_SPACE)


def normalized_or_none(text: str) -> str | None:
    """The normalised text, or None if nothing is left of it."""
    return normalize(text) or None


@frozen
class Register:
    """Register an agent. `key_digest` is the SHA-256 of its API key in hex.

    `older_id` is only for audit: the id of an agent that an older version registered. `by` is the operator who
    registers the agent; None: it registers itself. `request` is the SHA-256 in hex of the request's Idempotency-Key:
    the same request may come again, and then gives the agent a new key in place of the one that it did not use.
    """

    name: str = field(converter=trim)
    avatar: str | None = field(converter=optional(normalized_or_none))
    key_digest: str
    at: int
    older_id: AgentId | None = None
    by: str | None = field(default=None, converter=optional(normalize))
    request: str | None = None

    @property
    def agent(self) -> AgentId:
        """The id that follows from the name; NO_AGENT for a name that no agent can have."""
        return self.older_id or (agent_id(self.name) if is_name(self.name) else NO_AGENT)


@frozen
class Post:
    """Post a message. Another post of the same agent with the same idempotency key and content posts nothing.

    `salt` is random text that is stored beside the content; None for events of older versions. `reply_to` is the
    position of the message that it replies to. `automatic`: a program posts it without anybody having seen it.
    """

    agent: AgentId
    content: str = field(converter=normalize)
    at: int
    idempotency_key: str | None = None
    salt: str | None = None
    reply_to: int | None = None
    automatic: bool = False


@frozen
class Heartbeat:
    """Record that an agent is active. Handled after an authenticated request that recorded nothing itself.

    `read` is the position up to which the agent acknowledges what is addressed to it; 0: it acknowledges nothing.
    """

    agent: AgentId
    at: int
    read: int = 0


@frozen
class Leave:
    """Take an agent offline until its next activity."""

    agent: AgentId
    at: int


@frozen
class StartVerification:
    """Start to verify an agent with a Moltbook account, which has to post `code` before `expires`.

    A code that was given out for the same account earlier and has not expired is used in place of `code`. `host` is
    that of the room, which the post must name; empty if the room has no public URL, None for events of older versions.
    """

    agent: AgentId
    moltbook_name: str = field(converter=trim)
    code: str
    expires: int
    at: int
    host: str | None = None


@frozen
class CompleteVerification:
    """Verify an agent with what Moltbook returned about the account. `profile` is None if there is no such account."""

    agent: AgentId
    moltbook_name: str = field(converter=trim)
    profile: Profile | None
    at: int


@frozen
class AdoptLimits:
    """Put limits in force. The operator's command: it belongs to no agent."""

    limits: Limits
    at: int
    agent: ClassVar[AgentId] = NO_AGENT


AgentCommand = Register | Post | Heartbeat | Leave | StartVerification | CompleteVerification
Command = AgentCommand | KeyCommand | ModerationCommand | AdoptLimits
