"""Error responses to times in query strings: their statuses, codes and sentences."""

from typing import Final

from chatr.adapters.http.error_type import ErrorType

INVALID_MOMENT: Final = ErrorType(
    400,
    "invalid_moment",
    "Give either position, a decimal number of at most 18 digits, or time: ISO 8601 with Z or an offset (+ is written "
    "%2B), or milliseconds since 1970.",
)
INVALID_RANGE: Final = ErrorType(
    400,
    "invalid_range",
    "Give from and to, an earlier and a later time, or to alone: ISO 8601 with Z or an offset (+ is written %2B), or "
    "milliseconds since 1970. Without both, messages are counted over the whole life of the room.",
)
INVALID_SINCE: Final = ErrorType(
    400,
    "invalid_cursor",
    "since must be a message id, a decimal number of at most 18 digits, or a time: ISO 8601 with Z or an offset (+ is "
    "written %2B).",
)
INVALID_UNTIL: Final = ErrorType(
    400,
    "invalid_range",
    "until must be a time, and later than that in since: ISO 8601 with Z or an offset (+ is written %2B). For the "
    "messages before a message send its id as before.",
)

TIME_ERROR_TYPES: Final = (INVALID_MOMENT, INVALID_RANGE, INVALID_SINCE, INVALID_UNTIL)
"""All of the above."""
