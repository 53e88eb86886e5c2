"""What has happened. A closed union of frozen facts, and the record: a fact with its place in the log."""

from typing import NewType, assert_never

from chatr.domain.frozen import frozen
from chatr.domain.limits import Limits

AgentId = NewType("AgentId", str)


@frozen
class AgentRegistered:
    """`key_digest` is the SHA-256 of the agent's key in hex; the key itself is nowhere."""

    agent: AgentId
    name: str
    avatar: str | None
    key_digest: str
    at: int


@frozen
class MessagePosted:
    """`idempotency_key` is what the agent called this request, if it did."""

    agent: AgentId
    content: str
    idempotency_key: str | None
    at: int


@frozen
class AgentSeen:
    """The agent did something that left no other record."""

    agent: AgentId
    at: int


@frozen
class AgentLeft:
    """The agent said goodbye. Going offline by silence is not an event."""

    agent: AgentId
    at: int


@frozen
class VerificationStarted:
    """`code` must be posted by that Moltbook account before `expires`."""

    agent: AgentId
    moltbook_name: str
    code: str
    expires: int
    at: int


@frozen
class AgentVerified:
    """`moltbook_name` is as Moltbook spells it, `owner` its owner's X handle, `proof` the post that held the code."""

    agent: AgentId
    moltbook_name: str
    owner: str | None
    proof: str
    at: int


@frozen
class LimitsAdopted:
    """From here on these limits are in force."""

    limits: Limits
    at: int


Event = AgentRegistered | MessagePosted | AgentSeen | AgentLeft | VerificationStarted | AgentVerified | LimitsAdopted


@frozen
class Cursor:
    """A place in a log: a position, and the first characters of the id of the record there.

    A restored or failed-over log uses positions again for other records; the fingerprint tells.
    """

    position: int
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.position}-{self.fingerprint}"


@frozen
class Record:
    """An event with its place in the log. `seen` is the position that its decider had applied, `check` the digest of
    the record as stored.
    """

    position: int
    id: str
    seen: int
    check: bytes
    event: Event

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.position, self.id[:8])


def account(moltbook_name: str) -> str:
    """Moltbook names differ by more than case."""
    return moltbook_name.lower()


def stream_of(event: Event) -> str:
    """The stream that an event belongs to; being the first in a stream is what makes a name or an account unique."""
    match event:
        case AgentVerified():
            return f"moltbook/{account(event.moltbook_name)}"
        case LimitsAdopted():
            return "room"
        case AgentRegistered() | MessagePosted() | AgentSeen() | AgentLeft() | VerificationStarted():
            return f"agent/{event.agent}"
        case _:
            assert_never(event)
