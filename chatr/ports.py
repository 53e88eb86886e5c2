"""The ports: interfaces to the world outside of the room, and the errors of each. chatr/adapters implements them.

A log stores text and knows nothing of events: codec.py translates.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from chatr.domain.events import Cursor
from chatr.domain.proof import Profile, ProofWords
from chatr.search_types import IndexedUntil, IndexText, SearchRange
from chatr.stored import Draft, Stored

# What a log takes and returns belongs to its interface.
__all__ = ["Draft", "Stored"]

MAX_PICK: Final = 100
"""The most records that a log returns in one call of `pick`."""


class Conflict(Exception):
    """Another record follows the expected one in the stream, at `position` if that is known. Nothing was stored."""

    def __init__(self, position: int | None = None) -> None:
        super().__init__(f"another record follows, at position {position}")
        self.position = position


class LogUnavailable(Exception):
    """The store could not be reached or could not do what was asked. Nothing was stored; the call may be repeated."""


class RecordMissing(LogUnavailable):
    """The log lacks a record that was asked for: it was deleted by hand, or an older copy took the log's place."""


class RecordAltered(LogUnavailable):
    """The record at `position` is not as it was stored, and what was asked for cannot be known without it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"record {position} was altered")
        self.position = position


class LogDamaged(LogUnavailable):
    """A part of the log cannot be read, however often it is tried. The text tells the operator what to do."""


class OutcomeUnknown(Exception):
    """It is not known whether the draft was stored. Appending the same draft again is safe."""


class LogChanged(Exception):
    """The log does not contain the cursor that is followed: it was restored from a backup, replaced or truncated."""


class CannotOpenLog(Exception):
    """The log cannot be opened. The text is one sentence for the operator: the reason, and what to do."""


class LogLostRecords(CannotOpenLog):
    """The log lacks records that it held before; `loss` says so in a sentence."""

    def __init__(self, loss: str) -> None:
        super().__init__(
            f"{loss} Put the files back, or run chatr serve --accept-loss once to go on with what is there."
        )


class LogReader(Protocol):
    """Reads a log of stored text, whose positions are 1, 2, 3 … without a hole."""

    async def read(self, after: int, limit: int) -> list[Stored]:
        """At most `limit` records after position `after`, ascending and without a hole. Raises LogUnavailable."""
        ...

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """The records at these positions, at most MAX_PICK, in this order. Raises RecordMissing or LogUnavailable."""
        ...

    def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """All records after `after`, in batches that are never empty, for ever; None = from the first one.

        Raises LogChanged or LogDamaged and nothing else: it waits while the store is unavailable.
        """
        ...

    async def head(self) -> int:
        """The last position, read from where appends are decided, not from a replica. Raises LogUnavailable."""
        ...


class EventLog(LogReader, Protocol):
    """A log that can be appended to. Nothing in it can be changed, but the text of a record can be erased."""

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`; it is durable before this returns.

        Idempotent for the same draft and `expected`; all or nothing when cancelled. Appends called in order are stored
        in that order. Raises Conflict, LogUnavailable or OutcomeUnknown.
        """
        ...

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:
        """Empty `data` of the records at these positions, in any number, and keep all else, `record_hash` included.

        Durable, and no copy is left in the files and the memory of this log, before it returns; `report` is called with
        a sentence each time that it has to wait for that. Idempotent. A record is erased completely or not at all, also
        if the call is cancelled. Only records of type message-posted may be erased: the caller ensures it. Raises
        LogUnavailable, also for a position that the log does not hold; then others may be erased. May be repeated.
        """
        ...

    async def restore(self, records: Sequence[Stored]) -> None:
        """Append records of another log exactly as they are, with position and hash, except those that are there.

        Durable before it returns. Raises Conflict with the position of a record that differs or does not follow, or
        LogUnavailable; then those before it may be stored, and the call may be repeated.
        """
        ...


@runtime_checkable
class Rewritable(Protocol):
    """A log that can be written anew, so that its files hold no bytes of erased texts."""

    async def rewrite(self) -> None:
        """Write it anew, while nobody else can use it. Raises LogUnavailable, also without the right to do so."""
        ...


class SearchIndex(Protocol):
    """Finds messages by their words. What it holds can be made again from the log at any time.

    Every method but `close` raises SearchUnavailable. An index that is found damaged is removed: open it again.
    """

    async def open(self) -> IndexedUntil:
        """Open the index, an empty one if there is none that can be used, and return what it holds."""
        ...

    async def close(self) -> None:
        """Close the index; it cannot be opened again."""
        ...

    async def remove(self) -> None:
        """Close the index and remove its files."""
        ...

    def is_stored(self) -> bool:
        """Whether there is an index that may hold messages, open or not."""
        ...

    async def add(self, texts: Sequence[IndexText], until: IndexedUntil) -> None:
        """Add messages in the order of their positions: all after those that it holds, and up to `until`."""
        ...

    async def find(
        self, query: str, wanted: SearchRange, limit: int, seconds: float, is_wanted: Callable[[int], bool]
    ) -> list[int]:
        """The first `limit` positions in this range of messages that contain all words of `query`, if `is_wanted`.

        `is_wanted` is called in another thread. Raises NothingToSearch, SearchTooLong, or SearchTooSlow after `seconds`
        of CPU time.
        """
        ...

    async def indexed_among(self, positions: Sequence[int]) -> list[int]:
        """Those of `positions` whose messages are in the index."""
        ...

    def part_of(self, position: int) -> range:
        """The range of positions that has to be indexed again to remove the message at `position` from the index."""
        ...

    async def replace(self, part: range, texts: AsyncIterator[Sequence[IndexText]]) -> None:
        """Replace a part of the index by one with `texts`. Nothing of the old part is left in memory or in files."""
        ...


class Clock(Protocol):
    """The time of day, and the time that has passed."""

    def now(self) -> int:
        """Milliseconds since 1970. They may step back, as when NTP corrects the clock."""
        ...

    def elapsed(self) -> int:
        """Milliseconds since an arbitrary moment. They never step back."""
        ...


@runtime_checkable
class BringsClock(Protocol):
    """A log whose store has the time: nodes that share it decide by one clock."""

    @property
    def clock(self) -> Clock:
        """The clock of the store, measured before the log is open."""
        ...


class Secrets(Protocol):
    """Makes random texts. Keys and codes cannot be guessed."""

    def key(self) -> str:
        """A new API key."""
        ...

    def code(self) -> str:
        """A new verification code."""
        ...

    def record_id(self) -> str:
        """A new record id, a UUID."""
        ...

    def salt(self) -> str:
        """Random text of `SALT_BYTES` bytes as base64, to be stored beside a message."""
        ...


class MoltbookUnavailable(Exception):
    """Moltbook failed, or did not respond in time (`late`). Nothing is known about the account."""

    def __init__(self, reason: str, *, late: bool = False) -> None:
        super().__init__(reason)
        self.late = late


MOLTBOOK_URL: Final = "https://www.moltbook.com/api/v1"
"""Base address of Moltbook's public API: the default of a setting, which must not import an HTTP client."""


class Moltbook(Protocol):
    """Looks up accounts on Moltbook."""

    async def profile(self, name: str, words: ProofWords) -> Profile | None:
        """The account with this name, with the id of a post that contains `words`; None = there is no such account.

        Raises MoltbookUnavailable.
        """
        ...
