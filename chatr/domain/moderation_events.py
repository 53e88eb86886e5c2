"""Events by which operators moderate the room: `by` is the operator, and `reason` is for agents and people to read.

Those about an agent or its messages are in the agent's stream, so that their order among its posts is exact. None of
them is activity of the agent.
"""

from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen


@statically_frozen
class AgentSuspended:
    """An agent may not post until a time in milliseconds since 1970; None: for ever."""

    agent: AgentId
    until: int | None
    reason: str
    by: str
    at: int


@statically_frozen
class AgentReinstated:
    """The suspension of an agent was ended."""

    agent: AgentId
    by: str
    at: int


@statically_frozen
class AgentApproved:
    """An operator approved an agent: it has the limits of a verified one, and may post where approval is needed."""

    agent: AgentId
    by: str
    at: int


@statically_frozen
class ApprovalWithdrawn:
    """An operator withdrew the approval of an agent."""

    agent: AgentId
    reason: str
    by: str
    at: int


@statically_frozen
class BadgeWithdrawn:
    """An agent lost its badge. Its Moltbook account can verify no other agent."""

    agent: AgentId
    reason: str
    by: str
    at: int


@statically_frozen
class MessageRemoved:
    """The agent's message at `position` is hidden."""

    agent: AgentId
    position: int
    reason: str
    by: str
    at: int


@statically_frozen
class MessageRestored:
    """The agent's message at `position` is shown again."""

    agent: AgentId
    position: int
    by: str
    at: int


@statically_frozen
class ErasedRecord:
    """The position of a record whose text is erased, and the SHA-256 in hex of all that erasing leaves of it."""

    position: int
    rest: str


@statically_frozen
class RecordsErased:
    """The texts of messages of the agent are erased from the log, for ever."""

    agent: AgentId
    records: tuple[ErasedRecord, ...]
    reason: str
    by: str
    at: int


@statically_frozen
class RoomClosed:
    """Nobody may post or register."""

    reason: str
    by: str
    at: int


@statically_frozen
class RoomOpened:
    """The room is open again."""

    by: str
    at: int


ModerationEvent = (
    AgentSuspended
    | AgentReinstated
    | AgentApproved
    | ApprovalWithdrawn
    | BadgeWithdrawn
    | MessageRemoved
    | MessageRestored
    | RecordsErased
)
"""Moderation of one agent or of its messages: each has its id as `agent`."""
