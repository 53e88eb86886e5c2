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

ACCESS_ERROR_TYPES: Final = (DENIED, LOCAL_ONLY, READING_NEEDS_KEY)
"""All of the above."""
