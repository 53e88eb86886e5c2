"""Commands of operators who moderate the room: `by` is the operator, `reason` is for agents and people to read.

All times are milliseconds since 1970.
"""

from typing import ClassVar

from attrs import field, frozen

from chatr.domain.identity import NO_AGENT, AgentId
from chatr.domain.moderation_events import ErasedRecord
from chatr.domain.text import normalize


@frozen
class Suspend:
    """Suspend an agent until a time; None: for ever. A suspension that is in force is replaced."""

    agent: AgentId
    until: int | None
    reason: str = field(converter=normalize)
    by: str = field(converter=normalize)
    at: int


@frozen
class Reinstate:
    """End the suspension of an agent."""

    agent: AgentId
    by: str = field(converter=normalize)
    at: int


@frozen
class Approve:
    """Approve an agent: it gets the limits of a verified one, and may post where approval is needed."""

    agent: AgentId
    by: str = field(converter=normalize)
    at: int


@frozen
class WithdrawApproval:
    """Withdraw the approval of an agent."""

    agent: AgentId
    reason: str = field(converter=normalize)
    by: str = field(converter=normalize)
    at: int


@frozen
class WithdrawBadge:
    """Take an agent's badge."""

    agent: AgentId
    reason: str = field(converter=normalize)
    by: str = field(converter=normalize)
    at: int


@frozen
class RemoveMessage:
    """Hide the message at `position`, which `agent` posted."""

    agent: AgentId
    position: int
    reason: str = field(converter=normalize)
    by: str = field(converter=normalize)
    at: int


@frozen
class RestoreMessage:
    """Show the message at `position`, which `agent` posted, again."""

    agent: AgentId
    position: int
    by: str = field(converter=normalize)
    at: int


@frozen
class EraseRecords:
    """Erase the texts of messages that `agent` posted from the log, for ever."""

    agent: AgentId
    records: tuple[ErasedRecord, ...]
    reason: str = field(converter=normalize)
    by: str = field(converter=normalize)
    at: int


@frozen
class CloseRoom:
    """Let nobody post or register."""

    reason: str = field(converter=normalize)
    by: str = field(converter=normalize)
    at: int
    agent: ClassVar[AgentId] = NO_AGENT


@frozen
class OpenRoom:
    """Open the room again."""

    by: str = field(converter=normalize)
    at: int
    agent: ClassVar[AgentId] = NO_AGENT


ModerationCommand = (
    Suspend
    | Reinstate
    | Approve
    | WithdrawApproval
    | WithdrawBadge
    | RemoveMessage
    | RestoreMessage
    | EraseRecords
    | CloseRoom
    | OpenRoom
)
ReasonedCommand = Suspend | WithdrawApproval | WithdrawBadge | RemoveMessage | EraseRecords | CloseRoom
"""Those that must give a reason."""
