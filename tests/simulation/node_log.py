"""The event log of one node on the simulated store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend, fail_all
from chatr.domain.events import Cursor
from chatr.ports import Clock, Conflict, Draft, LogChanged, LogUnavailable, OutcomeUnknown, Stored
from tests.simulation.store import Store

RETRY_PAUSE: Final = 0.05
"""Seconds between two attempts to read a store that is away."""
ERASED_AT_ONCE: Final = 3
"""Records that the store erases in one transaction."""


class NodeLog:
    """Implements `chatr.ports.EventLog` for one node, with the group commit of the real stores."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Like the PostgreSQL store: the log must hold what this node has followed, to append and to erase.
        self._followed: Cursor | None = None
        self._group = GroupCommit(self._commit)

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """As `EventLog.append`."""
        return await self._group.append(draft, expected, after=self._followed)

    async def _commit(self, group: Sequence[PendingAppend]) -> None:
        try:
            outcomes = await self._store.request_commit(group)
        except LogChanged as change:
            fail_all(group, LogUnavailable(str(change)))
        except (LogUnavailable, OutcomeUnknown) as error:
            fail_all(group, error)
        else:
            for each, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Conflict):
                    each.fail(outcome)
                else:
                    each.succeed(outcome.position)

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:
        """As `EventLog.erase`: in several transactions, of which any may fail, and then perhaps after readers."""
        followed = self._followed
        await self._reach_store()
        if positions and not 0 < min(positions) <= max(positions) <= len(self._store.records):
            raise LogUnavailable("the log does not hold all records that are to be erased")
        ascending = sorted(set(positions))
        for start in range(0, len(ascending), ERASED_AT_ONCE):
            await self._erase_some(ascending[start : start + ERASED_AT_ONCE], followed)
        while self._store.random.random() < self._store.faults.read:
            if report is not None:
                report("somebody reads the log")
            await asyncio.sleep(self._store.random.random())

    async def _erase_some(self, positions: Sequence[int], followed: Cursor | None) -> None:
        """Erase records in one transaction. Raises LogUnavailable, also if only the answer was lost."""
        await self._reach_store()
        if followed is not None and not self._store.holds(followed):
            raise LogUnavailable(f"the log does not hold {followed} any longer")
        chance, rates = self._store.random.random(), self._store.faults
        if chance < rates.rejected + rates.request_lost:
            raise LogUnavailable("the store would not erase")
        self._store.erase(positions)
        if chance < rates.rejected + rates.request_lost + rates.answer_lost:
            raise LogUnavailable("the answer was lost")
        await self._store.delay()

    async def restore(self, records: Sequence[Stored]) -> None:
        """As `EventLog.restore`."""
        for record in records:
            await self._reach_store()
            self._store.restore(record)

    async def _reach_store(self) -> None:
        """Raises LogUnavailable while the store is away."""
        await self._store.delay()
        if self._store.away:
            raise LogUnavailable("the store is away")

    async def read(self, after: int, limit: int) -> list[Stored]:
        """As `LogReader.read`."""
        await self._reach_store()
        return self._store.records[max(after, 0) : max(after + limit, 0)]

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """As `LogReader.pick`."""
        await self._reach_store()
        if max(positions) > len(self._store.records):
            raise LogUnavailable("the log does not hold these records any longer")
        return [self._store.records[position - 1] for position in positions]

    async def head(self) -> int:
        """As `LogReader.head`."""
        await self._reach_store()
        return len(self._store.records)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`."""
        cursor = after
        while True:
            # The event is taken before the log is read, or a record that is stored meanwhile would be missed.
            self._followed, changed = cursor, self._store.changed
            if batch := await self._next_batch(cursor):
                self._followed = cursor = batch[-1].cursor
                yield batch
            else:
                await changed.wait()

    async def _next_batch(self, cursor: Cursor | None) -> list[Stored]:
        """Some of the records after `cursor`, read as soon as the store can be reached. Raises LogChanged."""
        await self._store.delay()
        while self._store.away or self._store.stalled:  # noqa: ASYNC110 -- a store that is back sets no event
            await asyncio.sleep(RETRY_PAUSE)
        if cursor is not None and not self._store.holds(cursor):
            raise LogChanged(f"The log does not hold {cursor}.")
        first = cursor.position if cursor else 0
        return self._store.records[first : first + self._store.random.randint(1, 50)]

    async def close(self) -> None:
        """Commit the appends that wait, and accept no more."""
        await self._group.close()


class NodeLogWithClock(NodeLog):
    """The log of a node in a store that brings its clock. Implements `chatr.ports.BringsClock`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store)
        self.clock = clock


@asynccontextmanager
async def node_log(store: Store) -> AsyncIterator[NodeLog]:
    """Open the log of one node."""
    log = NodeLogWithClock(store, store.clock) if store.clock else NodeLog(store)
    try:
        yield log
    finally:
        await log.close()
