"""The simulated database that holds the log of all nodes, and the event log of one node on it. Appends may fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from attrs import define, evolve, field, frozen

from chatr.adapters.stores.group_commit import GroupCommit, PendingAppend, fail_all
from chatr.domain.events import Cursor
from chatr.ports import (
    Clock,
    Conflict,
    Draft,
    LogChanged,
    LogUnavailable,
    OutcomeUnknown,
    Stored,
)

RETRY_PAUSE: Final = 0.05
"""Seconds between two attempts to read a store that is away."""


@frozen
class FaultRates:
    """The probability of each fault of a commit."""

    rejected: float = 0.0
    request_lost: float = 0.0
    answer_lost: float = 0.0
    late: float = 0.0


@define(eq=False)
class Store:
    """One log. `on_stored` is called with every new record. `away`: it cannot be reached; `stalled`: tails wait.

    `clock`: the clock that it brings for all nodes, if it brings one.
    """

    random: Random
    faults: FaultRates
    on_stored: Callable[[Stored], None]
    clock: Clock | None = None
    records: list[Stored] = field(factory=list)
    away: bool = False
    stalled: bool = False
    changed: asyncio.Event = field(factory=asyncio.Event)
    _followers: dict[tuple[str, int], Stored] = field(factory=dict)
    _stream_ends: dict[str, int] = field(factory=dict)

    def holds(self, cursor: Cursor) -> bool:
        """Whether the log has this record at this position."""
        found = self.records[cursor.position - 1 : cursor.position]
        return [each.cursor for each in found] == [cursor]

    def restore(self, records: Sequence[Stored]) -> None:
        """Replace the log by these records."""
        self.records = list(records)
        self._stream_ends = {each.stream: each.position for each in self.records}
        self._followers = {(each.stream, each.previous): each for each in self.records}
        self._notify()

    def append(self, draft: Draft, expected: int) -> Stored | Conflict:
        """Store a draft as the port demands: conditionally, and idempotently for the identical draft."""
        follower = self._followers.get((draft.stream, expected))
        if follower is not None and follower.record_hash == draft.record_hash_after(expected):
            return follower
        if self._stream_ends.get(draft.stream, 0) != expected:
            return Conflict(follower.position if follower is not None else None)
        stored = draft.at_position(len(self.records) + 1, expected, draft.record_hash_after(expected))
        self.records.append(stored)
        self._stream_ends[draft.stream], self._followers[draft.stream, expected] = stored.position, stored
        self.on_stored(stored)
        self._notify()
        return stored

    def erase(self, positions: Sequence[int]) -> None:
        """Empty `data` of these records."""
        for position in positions:
            erased = self.records[position - 1] = evolve(self.records[position - 1], data="")
            self._followers[erased.stream, erased.previous] = erased

    def _notify(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def commit(self, group: Sequence[PendingAppend]) -> list[Stored | Conflict]:
        """Store a whole group, or none of it if a draft was decided on a log that was replaced: LogChanged."""
        for each in group:
            if each.after is not None and not self.holds(each.after):
                raise LogChanged(str(each.after))
        return [self.append(each.draft, each.expected) for each in group]

    async def delay(self) -> None:
        """Wait as long as a message takes to the store or back: mostly no time."""
        await asyncio.sleep(self.random.choice((0, 0, 0, 0.001, self.random.random() / 50)))

    async def request_commit(self, group: Sequence[PendingAppend]) -> list[Stored | Conflict]:
        """Commit a group, or let one of the faults happen. Raises LogChanged, LogUnavailable or OutcomeUnknown."""
        await self.delay()
        if self.away:
            raise LogUnavailable("the store is away")
        chance, rates = self.random.random(), self.faults
        faults = (
            (rates.rejected, reject),
            (rates.request_lost, lose_request),
            (rates.answer_lost, lose_answer),
            (rates.late, commit_late),
        )
        for rate, fault in faults:
            if chance < rate:
                return await fault(self, group)
            chance -= rate
        outcomes = self.commit(group)
        await self.delay()
        return outcomes


async def reject(_store: Store, _group: Sequence[PendingAppend]) -> list[Stored | Conflict]:
    """Store nothing and say so."""
    raise LogUnavailable("the store would not")


async def lose_request(_store: Store, _group: Sequence[PendingAppend]) -> list[Stored | Conflict]:
    """Store nothing; the node cannot know."""
    raise OutcomeUnknown("the question was lost")


async def lose_answer(store: Store, group: Sequence[PendingAppend]) -> list[Stored | Conflict]:
    """Store the group; the node cannot know."""
    store.commit(group)
    await store.delay()
    raise OutcomeUnknown("the answer was lost")


async def commit_late(store: Store, group: Sequence[PendingAppend]) -> list[Stored | Conflict]:
    """Store the group after the node has given up."""

    def commit() -> None:
        try:
            store.commit(group)
        except LogChanged:
            return

    asyncio.get_running_loop().call_later(store.random.random(), commit)
    await store.delay()
    raise OutcomeUnknown("no answer yet")


class NodeLog:
    """Fulfils `chatr.ports.EventLog` for one node, with the group commit of the real stores."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Like the PostgreSQL store: an append is rejected if the log no longer holds what this node has followed.
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

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:  # noqa: ARG002 -- no waits
        """As `EventLog.erase`."""
        await self._reach_store()
        if positions and max(positions) > len(self._store.records):
            raise LogUnavailable("the log does not hold all records that are to be erased")
        self._store.erase(positions)

    async def restore(self, records: Sequence[Stored]) -> None:
        """As `EventLog.restore`, but no node restores records."""
        raise LogUnavailable(f"{len(records)} records cannot be restored: no node does that")

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
                cursor = batch[-1].cursor
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
    """The log of a node in a store that brings its clock. Fulfils `chatr.ports.BringsClock`."""

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
