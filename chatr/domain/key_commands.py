"""Commands about the API keys of an agent. Keys stand in them as SHA-256 in hex, and `at` is in milliseconds."""

from attrs import field, frozen
from attrs.converters import optional

from chatr.domain.identity import AgentId
from chatr.domain.proof import Profile
from chatr.domain.text import normalize


@frozen
class IssueKey:
    """Give an agent a new key, which is pending until its first use. The old ones stay open for `grace` ms after that.

    `by` is the operator who issues it; None: the agent changes its key itself.
    """

    agent: AgentId
    key_digest: str
    grace: int
    at: int
    by: str | None = field(default=None, converter=optional(normalize))


@frozen
class ActivateKey:
    """Put a pending key, which was just used, in place of the others."""

    agent: AgentId
    key_digest: str
    at: int


@frozen
class RevokeKey:
    """Make a key void. `by` is the operator who revokes it; None: the agent itself."""

    agent: AgentId
    key_digest: str
    at: int
    by: str | None = field(default=None, converter=optional(normalize))


@frozen
class Recover:
    """Give an agent a new key and make all others void, because its Moltbook account has posted the code of that key.

    `profile` is what Moltbook returned about the account of the agent's badge; None if there is no such account.
    """

    agent: AgentId
    key_digest: str
    profile: Profile | None
    at: int


KeyCommand = IssueKey | ActivateKey | RevokeKey | Recover
