"""An event log in memory, gone when the process ends: for tests and for trying chatr out."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, LogChanged, Stored


class MemoryLog:
    """Fulfils `chatr.ports.EventLog` with a list. Never raises LogUnavailable or OutcomeUnknown."""

    def __init__(self) -> None:
        self._records: list[Stored] = []
        self._last_positions: dict[str, int] = {}
        """The position of each stream's last record."""
        self._successors: dict[tuple[str, int], Stored] = {}
        """By stream and position: the record that follows that position in that stream."""
        self._appended = asyncio.Event()

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`. Raises Conflict."""
        successor = self._successors.get((draft.stream, expected))
        if successor is not None and successor.draft == draft:
            return successor
        if self._last_positions.get(draft.stream, 0) != expected:
            raise Conflict(successor.position if successor is not None else None)
        stored = draft.at_position(len(self._records) + 1, expected, draft.record_hash_after(expected))
        self._records.append(stored)
        self._last_positions[draft.stream], self._successors[draft.stream, expected] = stored.position, stored
        # A new event each time: every waiting tail holds the old one, and none of them needs to reset it.
        self._appended.set()
        self._appended = asyncio.Event()
        return stored

    async def read(self, after: int, limit: int) -> list[Stored]:
        """Return at most `limit` records after position `after`."""
        return self._records[after : after + limit]

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return the records at `positions`, in this order."""
        return [self._records[position - 1] for position in positions]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """Yield every record after `after`, in batches, without end. Raises LogChanged."""
        position = after.position if after else 0
        if after and [stored.cursor for stored in self._records[position - 1 : position]] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while True:
            # Taken before reading: an append between the read and the wait then sets this very event.
            appended = self._appended
            if batch := await self.read(position, 1000):
                position = batch[-1].position
                yield batch
            else:
                await appended.wait()

    async def head(self) -> int:
        """Return the last position, 0 if the log is empty."""
        return len(self._records)
