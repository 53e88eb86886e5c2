"""What a search index takes, returns and raises. `chatr.ports.SearchIndex` is its interface."""

from collections.abc import Sequence
from typing import Final

from chatr.domain.immutability import statically_frozen

# The worst query with so many takes 70 ms in a million messages.
SEARCH_WORDS: Final = 8
SEARCH_CHARACTERS: Final = 32
"""The most words of a search, and the most characters of it that are words of their own, such as Chinese ones."""

IndexText = tuple[int, str]
"""The position of a message and its content."""


@statically_frozen
class IndexedUntil:
    """The last record that a search index has taken in, and the id of the first record, which names the log."""

    log_id: str = ""
    position: int = 0
    record_id: str = ""


@statically_frozen
class SearchRange:
    """Positions after `after` and before `before`, in which messages are searched in ascending or descending order.

    Only messages at positions in each sequence of `among` are wanted. The sequences are ascending, the shortest one
    first, and may change while they are read.
    """

    after: int
    before: int
    ascending: bool
    among: Sequence[Sequence[int]] = ()


class SearchUnavailable(Exception):
    """The search index cannot be used at the moment. The text says why, without the names of files."""


class SearchNotReady(SearchUnavailable):
    """The index has only the records up to `position`, of `last_position`; the rest takes about `seconds`.

    The text of the exception is the last error, or empty.
    """

    def __init__(self, position: int, last_position: int, seconds: int, failure: str) -> None:
        super().__init__(failure)
        self.position = position
        self.last_position = last_position
        self.seconds = seconds


class IndexInUse(SearchUnavailable):
    """Another process has the search index open."""


class NothingToSearch(Exception):
    """A query has no letter, number or symbol."""


class SearchTooLong(Exception):
    """A query has more than SEARCH_WORDS words, or more than SEARCH_CHARACTERS that are words of their own."""


class SearchTooSlow(Exception):
    """A search takes more time than it may."""
