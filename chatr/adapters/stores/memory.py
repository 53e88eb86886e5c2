"""An event log in memory, gone when the process ends: for tests and for trying chatr out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from typing import Final

from attrs import evolve

from chatr.adapters.stores.erasing import groups_of
from chatr.domain.events import Cursor
from chatr.log_store import LogStore
from chatr.ports import Conflict, Draft, LogChanged, LogUnavailable, Stored


class MemoryLog:
    """Implements `chatr.ports.EventLog` with a list. Never raises OutcomeUnknown."""

    def __init__(self) -> None:
        self._records: list[Stored] = []
        self._last_positions: dict[str, int] = {}
        """The position of each stream's last record."""
        self._successors: dict[tuple[str, int], int] = {}
        """By stream and position: the position of the record that follows in that stream."""
        self._appended = asyncio.Event()

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Store `draft` if the last position in its stream is `expected`. Raises Conflict."""
        record_hash, successor = draft.record_hash_after(expected), self._successors.get((draft.stream, expected))
        # Compared by the hash, because the text of the record may be erased.
        if successor is not None and self._records[successor - 1].record_hash == record_hash:
            return draft.at_position(successor, expected, record_hash)
        if self._last_positions.get(draft.stream, 0) != expected:
            raise Conflict(successor)
        stored = draft.at_position(len(self._records) + 1, expected, record_hash)
        self._add(stored)
        self._wake_tails()
        return stored

    def _add(self, stored: Stored) -> None:
        self._records.append(stored)
        self._last_positions[stored.stream] = self._successors[stored.stream, stored.previous] = stored.position

    def _wake_tails(self) -> None:
        # A new event each time: every waiting tail holds the old one, and none of them needs to reset it.
        self._appended.set()
        self._appended = asyncio.Event()

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:  # noqa: ARG002 -- nothing to wait for
        """Empty `data` of the records at `positions`. Raises LogUnavailable if one of them does not exist."""
        if positions and not 0 < min(positions) <= max(positions) <= len(self._records):
            raise LogUnavailable("the log does not hold all records that are to be erased")
        for group in groups_of(positions):
            for position in group:
                self._records[position - 1] = evolve(self._records[position - 1], data="")
            # A start may erase any number of records: other tasks must run meanwhile.
            await asyncio.sleep(0)

    async def restore(self, records: Sequence[Stored]) -> None:
        """Append `records` as they are, except those that are there. Raises Conflict."""
        for record in records:
            if record.position == len(self._records) + 1 and self._follows(record):
                self._add(record)
            elif [record] != self._records[record.position - 1 : record.position]:
                raise Conflict(record.position)
        self._wake_tails()

    def _follows(self, record: Stored) -> bool:
        """Return whether the record's `previous` is the last position of its stream."""
        return self._last_positions.get(record.stream, 0) == record.previous

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


# A log in memory need not be closed, and no other process can read it.
store: Final = LogStore(open_log=lambda _url: nullcontext(MemoryLog()))
