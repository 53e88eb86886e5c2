"""Error responses to requests that read the log: their statuses, codes and sentences. Nothing is said of storing."""

from typing import Final

from chatr.adapters.http.error_type import ErrorType

LOG_UNREADABLE: Final = ErrorType(
    503, "storage_unavailable", "The log cannot be read at the moment. Try again in {retryAfter} s."
)
# The code of an altered log: clients do not repeat such a request, as nothing changes until the log is repaired.
LOG_DAMAGED: Final = ErrorType(
    503,
    "log_altered",
    "This part of the log is damaged and cannot be read; others may be readable. The operator finds the reason in the "
    "log lines of chatr, and chatr doctor says what to do.",
)
READ_OVERLOADED: Final = ErrorType(
    503, "overloaded", "The room is too busy to read so much at the moment. Try again in {retryAfter} s."
)
SELECTION_TOO_SLOW: Final = ErrorType(
    503,
    "overloaded",
    "To find the messages with these filters takes too long. Narrow them with since and until, or with after and "
    "before; or try again in {retryAfter} s.",
)
NAMES_TOO_SLOW: Final = ErrorType(
    503,
    "overloaded",
    "To find the agents with this part in their names takes too long. Send more of the name in q, or try again in "
    "{retryAfter} s.",
)

READ_ERROR_TYPES: Final = (LOG_UNREADABLE, LOG_DAMAGED, READ_OVERLOADED)
"""Those of endpoints that read messages from the log."""
ALL_READ_ERROR_TYPES: Final = (*READ_ERROR_TYPES, SELECTION_TOO_SLOW, NAMES_TOO_SLOW)
"""All of the above."""
