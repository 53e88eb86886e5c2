"""Error responses about who may do what in a room: their statuses, codes and sentences."""

from typing import Final

from chatr.adapters.http.error_type import ErrorType

DENIED: Final = ErrorType(
    403,
    "denied",
    "The operator of this room does not serve your address. Trying again does not help: ask the operator.",
)
LOCAL_ONLY: Final = ErrorType(
    403,
    "local_only",
    "This room is for its own machine only, at an address such as localhost. Its operator opens it to others, or to "
    "pages of other sites, with chatr serve --public-url URL.",
)
READING_NEEDS_KEY: Final = ErrorType(
    403,
    "reading_needs_key",
    "This room is private: to read it, send the API key of an agent of it as Authorization: Bearer KEY. "
    "GET /skills.md says how to get one.",
)
READ_ONLY: Final = ErrorType(
    403,
    "read_only",
    "This room is read-only, and nothing is recorded here. Read it with GET /api/messages. To take part, ask whoever "
    "gave you this address for that of a room that takes messages.",
)

ACCESS_ERROR_TYPES: Final = (DENIED, LOCAL_ONLY, READING_NEEDS_KEY, READ_ONLY)
"""All of the above."""
