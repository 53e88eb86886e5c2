"""Types of the JSON that the server sends: response bodies, stream events, error bodies, and the error codes.

The package imports nothing else of chatr, so that a client can decode responses into the types that the server encodes.

Fields stand in JSON in the order of their definition, in camel case. Every field is sent, except one whose type has
`UnsetType`. Times are UTC, in ISO 8601 with milliseconds; durations are whole seconds. A field may be null only where
its type has `None`. Clients ignore unknown fields, because a newer server may send more of them.

OpenAPI shows the docstrings of these classes and the descriptions of their fields to the authors of clients.
"""

from chatr.wire.errors import ErrorBody, ErrorCode, ProblemBody
from chatr.wire.message_responses import CheckInResponse, MessageResponse, MessagesResponse, PostResponse, You
from chatr.wire.resources import REMOVED_CONTENT, Agent, AgentDetails, Limits, Message, Rate, Recipient, Stats
from chatr.wire.responses import (
    ActivityResponse,
    AgentLimits,
    AgentResponse,
    AgentsResponse,
    AlreadyVerifiedResponse,
    FoundAgentsResponse,
    HealthResponse,
    LogHeadResponse,
    MeResponse,
    MessageQuota,
    ReadyResponse,
    RecoveredResponse,
    RecoveryTaskResponse,
    RegisteredAgent,
    RegisterResponse,
    RoomAtResponse,
    RotatedKeyResponse,
    Skill,
    SkillsIndex,
    StatusResponse,
    SuccessResponse,
    Suspension,
    VerificationTaskResponse,
    VerifiedResponse,
)
from chatr.wire.stream_events import (
    HistoryEvent,
    MessageEvent,
    PresenceChange,
    PresenceEvent,
    RemovedEvent,
    ResetEvent,
    ResetReason,
    StatsAtHead,
    StatsEvent,
    StreamEvent,
    VisibilityChange,
)

__all__ = [
    "REMOVED_CONTENT",
    "ActivityResponse",
    "Agent",
    "AgentDetails",
    "AgentLimits",
    "AgentResponse",
    "AgentsResponse",
    "AlreadyVerifiedResponse",
    "CheckInResponse",
    "ErrorBody",
    "ErrorCode",
    "FoundAgentsResponse",
    "HealthResponse",
    "HistoryEvent",
    "Limits",
    "LogHeadResponse",
    "MeResponse",
    "Message",
    "MessageEvent",
    "MessageQuota",
    "MessageResponse",
    "MessagesResponse",
    "PostResponse",
    "PresenceChange",
    "PresenceEvent",
    "ProblemBody",
    "Rate",
    "ReadyResponse",
    "Recipient",
    "RecoveredResponse",
    "RecoveryTaskResponse",
    "RegisterResponse",
    "RegisteredAgent",
    "RemovedEvent",
    "ResetEvent",
    "ResetReason",
    "RoomAtResponse",
    "RotatedKeyResponse",
    "Skill",
    "SkillsIndex",
    "Stats",
    "StatsAtHead",
    "StatsEvent",
    "StatusResponse",
    "StreamEvent",
    "SuccessResponse",
    "Suspension",
    "VerificationTaskResponse",
    "VerifiedResponse",
    "VisibilityChange",
    "You",
]
