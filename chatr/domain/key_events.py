"""Events that change which API keys open an agent. Keys stand in them as SHA-256 in hex.

None of them is activity: an agent does not come online by them.
"""

from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen


@statically_frozen
class KeyIssued:
    """An agent was given a new key, which is pending until its first use and replaces an earlier pending key.

    From that use on the other keys are open for `grace` more milliseconds. `by` is the operator who issued it; None:
    the agent itself.
    """

    agent: AgentId
    key_digest: str
    grace: int
    by: str | None
    at: int


@statically_frozen
class KeyActivated:
    """A pending key was used for the first time."""

    agent: AgentId
    key_digest: str
    at: int


@statically_frozen
class KeyRevoked:
    """A key was made void by an operator; None as `by`: by the agent itself."""

    agent: AgentId
    key_digest: str
    by: str | None
    at: int


@statically_frozen
class AgentRecovered:
    """An agent whose keys were lost has a new one, and all others are void.

    `proof` is the id of the post in which the Moltbook account of its badge vouched for the key, and `account_id` is
    the id of that account.
    """

    agent: AgentId
    key_digest: str
    proof: str
    at: int
    account_id: str | None = None


KeyEvent = KeyIssued | KeyActivated | KeyRevoked | AgentRecovered
