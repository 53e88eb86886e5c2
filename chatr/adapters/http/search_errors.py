"""Error responses to searches: their statuses, codes and sentences."""

from typing import Final

from chatr.adapters.http.error_type import ErrorType
from chatr.search_types import SEARCH_CHARACTERS, SEARCH_WORDS

NOTHING_TO_SEARCH: Final = ErrorType(
    400, "invalid_query", "q has nothing to search for: send words with at least one letter, digit or symbol."
)
SEARCH_TOO_LONG: Final = ErrorType(
    400,
    "invalid_query",
    f"q may have at most {SEARCH_WORDS} different words, and {SEARCH_CHARACTERS} symbols or characters of scripts that "
    "are written without spaces, or parts of words such as a.b.c. Send fewer.",
)
SEARCH_WAITS: Final = ErrorType(
    400, "invalid_query", "q cannot be combined with wait. Leave wait out, or wait for all messages and look at each."
)
SEARCH_OF_REMOVED: Final = ErrorType(
    400,
    "invalid_query",
    "q cannot be combined with removed: the texts of removed messages are not searched. Leave one of them out.",
)
SEARCH_TOO_SLOW: Final = ErrorType(
    422,
    "too_much_at_once",
    "This search takes too long. Send fewer or rarer words in q, or search between two ids, after and before.",
)
SEARCH_NOT_READY: Final = ErrorType(
    503,
    "search_unavailable",
    "Messages cannot be searched yet: {position} of {head} records are indexed. Try again in {retryAfter} s. Without q "
    "messages can be read as always.",
)
SEARCH_UNAVAILABLE: Final = ErrorType(
    503,
    "search_unavailable",
    "Messages cannot be searched at the moment, because the index of this node cannot be used: {reason}. Without q "
    "they can be read as always. Try again in {retryAfter} s.",
)

SEARCH_ERROR_TYPES: Final = (
    NOTHING_TO_SEARCH,
    SEARCH_TOO_LONG,
    SEARCH_WAITS,
    SEARCH_OF_REMOVED,
    SEARCH_TOO_SLOW,
    SEARCH_NOT_READY,
    SEARCH_UNAVAILABLE,
)
"""All of the above."""
