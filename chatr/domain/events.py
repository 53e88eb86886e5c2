"""Events: what has happened in the room. Also the record: an event with its place in the log.

Every event has `at`, milliseconds since 1970. The names of the classes' fields are stored: they never change.
"""

from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen
from chatr.domain.key_events import KeyEvent
from chatr.domain.limits import Limits
from chatr.domain.moderation_events import ModerationEvent, RoomClosed, RoomOpened


@statically_frozen
class AgentRegistered:
    """An agent registered. `key_digest` is the SHA-256 of its API key in hex; the key itself is stored nowhere.

    `by` is the operator who registered it; None: it registered itself. `request` is the SHA-256 in hex of the
    Idempotency-Key of the request, if it had one: then the key is pending until its first use.
    """

    agent: AgentId
    name: str
    avatar: str | None
    key_digest: str
    at: int
    by: str | None = None
    request: str | None = None


@statically_frozen
class MessagePosted:
    """An agent posted a message, with an idempotency key if it sent one.

    `salt` is random text, so that a short message cannot be guessed from its record hash after it was erased; None in
    records of older versions. `reply_to` is the position of the message that it replies to, and `automatic` says that a
    program posted it without anybody having seen it. An erased message has none of these, and no content.
    """

    agent: AgentId
    content: str
    idempotency_key: str | None
    at: int
    salt: str | None = None
    reply_to: int | None = None
    automatic: bool = False


@statically_frozen
class AgentSeen:
    """An agent was active without leaving another record.

    `read` is the position up to which it acknowledged what was addressed to it; None: as before.
    """

    agent: AgentId
    at: int
    read: int | None = None


@statically_frozen
class AgentLeft:
    """An agent disconnected. Going offline after some time without activity is not an event."""

    agent: AgentId
    at: int


@statically_frozen
class VerificationStarted:
    """An agent was given a code that its Moltbook account must post before `expires`, milliseconds since 1970.

    The post must also name the agent and `host`, that of the room; empty: the agent alone. None: the code suffices, as
    in versions without this field.
    """

    agent: AgentId
    moltbook_name: str
    code: str
    expires: int
    at: int
    host: str | None = None


@statically_frozen
class AgentVerified:
    """A Moltbook account verified an agent.

    `moltbook_name` is spelled as on Moltbook, `owner` is the X handle of the account's owner, and `proof` is the id of
    the post that contained the code. `account_id` is Moltbook's id of the account, which stays when the account is
    renamed; None = unknown.
    """

    agent: AgentId
    moltbook_name: str
    owner: str | None
    proof: str
    at: int
    account_id: str | None = None


@statically_frozen
class LimitsAdopted:
    """An operator put limits in force. They hold from this record on."""

    limits: Limits
    at: int


ActivityEvent = AgentRegistered | MessagePosted | AgentSeen | AgentLeft | VerificationStarted | AgentVerified
"""What an agent did itself, so that its record says when it was last seen."""
AgentEvent = ActivityEvent | KeyEvent | ModerationEvent
"""The events of one agent: each has its id as `agent`."""
RoomEvent = LimitsAdopted | RoomClosed | RoomOpened
"""The events of the stream `room`, which are about no agent."""
Event = AgentEvent | RoomEvent
"""All events. Each has its stream in `Room.stream_end`."""


@statically_frozen
class Cursor:
    """A place in a log: a position, and the first 8 characters of the id of the record there.

    A log that was restored from a backup or failed over reuses positions for other records. The fingerprint shows that.
    """

    position: int
    fingerprint: str

    def __str__(self) -> str:
        """The form in which clients send a cursor: `POSITION-FINGERPRINT`."""
        return f"{self.position}-{self.fingerprint}"


@statically_frozen
class Record:
    """An event with its place in the log.

    `decided_at_position` is the position up to which the node that decided the event had folded the log, and
    `record_hash` the SHA-256 of the record as it is stored.
    """

    position: int
    id: str
    decided_at_position: int
    record_hash: bytes
    event: Event

    @property
    def cursor(self) -> Cursor:
        """The cursor of a reader whose last record this is."""
        return Cursor(self.position, self.id[:8])
