"""What may be asked of the room. Time, ids and secrets are on the command: the domain makes none of them up.

Texts are tidied here, once, before any rule looks at them.
"""

from typing import ClassVar, Final
from uuid import UUID, uuid5

from attrs import field, frozen
from attrs.converters import optional

from chatr.domain.events import AgentId
from chatr.domain.limits import Limits
from chatr.domain.text import WHITE_SPACE, canonical, is_name, tidy

NAMESPACE: Final = UUID("5d0c1a0f-3c0b-5b8e-9a63-2f6b1f1c7d10")
NOBODY: Final = AgentId("")


def agent_id(name: str) -> AgentId:
    """An agent's id follows from its name, so a name is taken exactly when that agent's stream has a first record."""
    return AgentId(str(uuid5(NAMESPACE, canonical(name))))


def trimmed(name: str) -> str:
    return name.strip(WHITE_SPACE)


def tidy_or_none(text: str) -> str | None:
    return tidy(text) or None


@frozen
class Register:
    name: str = field(converter=trimmed)
    avatar: str | None = field(converter=optional(tidy_or_none))
    key_digest: str
    at: int

    @property
    def agent(self) -> AgentId:
        return agent_id(self.name) if is_name(self.name) else NOBODY


@frozen
class Post:
    agent: AgentId
    content: str = field(converter=tidy)
    at: int
    idempotency_key: str | None = None


@frozen
class Heartbeat:
    """Any authenticated activity."""

    agent: AgentId
    at: int


@frozen
class Leave:
    agent: AgentId
    at: int


@frozen
class StartVerification:
    """`code` and `expires` are used unless an earlier code for the same Moltbook name is still valid."""

    agent: AgentId
    moltbook_name: str = field(converter=trimmed)
    code: str
    expires: int
    at: int


@frozen
class Profile:
    """What Moltbook said of an account: its name as spelled there, its owner's X handle, the post with the code."""

    name: str
    claimed: bool
    owner: str | None
    proof: str | None


@frozen
class CompleteVerification:
    """`profile` is None where Moltbook knows no such account."""

    agent: AgentId
    moltbook_name: str = field(converter=trimmed)
    profile: Profile | None
    at: int


@frozen
class AdoptLimits:
    limits: Limits
    at: int
    agent: ClassVar[AgentId] = NOBODY


Command = Register | Post | Heartbeat | Leave | StartVerification | CompleteVerification | AdoptLimits
