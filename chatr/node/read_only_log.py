"""Gives a log that is only read to a node, whose parts expect one that can be appended to."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from attrs import frozen

from chatr.domain.events import Cursor
from chatr.ports import Draft, LogReader, LogUnavailable, Stored

REFUSAL: Final = "the log is open for reading only"


@frozen
class ReadOnlyLog:
    """The log of `reader`. Implements `chatr.ports.EventLog`; nothing can be appended.

    Requests that would append are refused before they get here. That it cannot be done here either is a safeguard.
    """

    reader: LogReader

    async def read(self, after: int, limit: int) -> list[Stored]:
        """As `LogReader.read`."""
        return await self.reader.read(after, limit)

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """As `LogReader.pick`."""
        return await self.reader.pick(positions)

    def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`."""
        return self.reader.tail(after)

    async def head(self) -> int:
        """As `LogReader.head`."""
        return await self.reader.head()

    async def append(self, draft: Draft, *, expected: int) -> Stored:  # noqa: ARG002 -- the interface has them
        """Raise LogUnavailable."""
        raise LogUnavailable(REFUSAL)

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:
        """Do nothing: a node that writes to the log erases these records. This one removes its own copies."""

    async def restore(self, records: Sequence[Stored]) -> None:  # noqa: ARG002 -- the interface has them
        """Raise LogUnavailable."""
        raise LogUnavailable(REFUSAL)
