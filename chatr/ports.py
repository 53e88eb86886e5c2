"""What the room needs of the world: a log, a clock, secrets, and Moltbook's word. Adapters fulfil these."""

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Protocol

from chatr.domain.commands import Profile
from chatr.domain.events import Cursor
from chatr.domain.frozen import frozen


@frozen
class Draft:
    """A record before it has a place. `data` is JSON text without raw newlines, `at` milliseconds since 1970."""

    id: str
    stream: str
    type: str
    at: int
    seen: int
    data: str

    def check_after(self, previous: int) -> bytes:
        """The digest of the record that this draft becomes after `previous`."""
        fields = (self.stream, previous, self.id, self.type, self.at, self.seen, self.data)
        return sha256("\n".join(map(str, fields)).encode()).digest()

    def placed(self, position: int, previous: int, check: bytes) -> "Stored":
        return Stored(self.id, self.stream, self.type, self.at, self.seen, self.data, position, previous, check)


@frozen
class Stored(Draft):
    """A draft with its place: after `previous`, the last position of its stream before it (0 = none)."""

    position: int
    previous: int
    check: bytes

    @property
    def draft(self) -> Draft:
        return Draft(self.id, self.stream, self.type, self.at, self.seen, self.data)

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.position, self.id[:8])


class Conflict(Exception):
    """Another record follows `expected` in that stream, at `position` if known. Nothing was stored."""

    def __init__(self, position: int | None = None) -> None:
        super().__init__(f"another record follows, at position {position}")
        self.position = position


class Unavailable(Exception):
    """The store did not do it: nothing was stored, the same may be asked again."""


class Unknown(Exception):
    """It is not known whether the draft was stored. To append the same draft again is safe."""


class LogChanged(Exception):
    """The log does not hold the cursor that was to be followed: it was restored, replaced or cut."""


class Unusable(Exception):
    """The log cannot be opened. The text is one sentence that tells the operator why and what to do."""


class LogReader(Protocol):
    """A log of stored text, positions 1, 2, 3 … without a hole. It never sees an event."""

    async def read(self, after: int, limit: int) -> list[Stored]:
        """At most `limit` records after position `after`, ascending and dense. Raises Unavailable."""
        ...

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """The records at these positions (at most 100), in this order. Raises Unavailable."""
        ...

    def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Every record after `after`, in batches that are never empty, for ever. Raises LogChanged, and nothing else:
        it waits while the store is away.
        """
        ...

    async def head(self) -> int:
        """The last position, asked where appends are decided. Raises Unavailable."""
        ...


class EventLog(LogReader, Protocol):
    """A log that can be appended to, and not changed otherwise."""

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`; durable before it returns.

        Idempotent for the identical draft and `expected`; all or nothing when cancelled. Appends called in order land
        in that order. Raises Conflict, Unavailable or Unknown.
        """
        ...


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since 1970, as the world reckons: may step back."""
        ...

    def elapsed(self) -> int:
        """Milliseconds since some moment; never steps back."""
        ...


class Secrets(Protocol):
    def key(self) -> str: ...

    def code(self) -> str: ...

    def record_id(self) -> str: ...


class MoltbookUnavailable(Exception):
    """Moltbook failed, or did not answer in time (`late`). Nothing is known about the account."""

    def __init__(self, reason: str, *, late: bool = False) -> None:
        super().__init__(reason)
        self.late = late


class Moltbook(Protocol):
    async def profile(self, name: str, code: str) -> Profile | None:
        """What Moltbook says of an account and of a post that holds `[code]`; None = no such account.

        Raises MoltbookUnavailable.
        """
        ...
