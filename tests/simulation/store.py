"""The simulated database that holds the log of all nodes. Whatever a node asks of it may fail."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from random import Random

from attrs import define, evolve, field, frozen

from chatr.adapters.stores.group_commit import PendingAppend
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


@frozen
class FaultRates:
    """The probability of each fault of a commit, and that an erasure has to wait because somebody reads the log."""

    rejected: float = 0.0
    request_lost: float = 0.0
    answer_lost: float = 0.0
    late: float = 0.0
    read: float = 0.0


@define(eq=False)
class Store:
    """One log. `on_stored` is called with every new record, `on_erased` with each position that is emptied.

    `away`: it cannot be reached; `stalled`: tails wait.

    `clock`: the clock that it brings for all nodes, if it brings one. `originals`: the records with all their texts, as
    backups may hold them. `erased_at`: how many records there were when each text was erased.
    """

    random: Random
    faults: FaultRates
    on_stored: Callable[[Stored], None]
    on_erased: Callable[[int], None]
    clock: Clock | None = None
    records: list[Stored] = field(factory=list)
    originals: list[Stored] = field(factory=list)
    erased_at: dict[int, int] = field(factory=dict)
    away: bool = False
    stalled: bool = False
    changed: asyncio.Event = field(factory=asyncio.Event)
    _followers: dict[tuple[str, int], Stored] = field(factory=dict)
    _stream_ends: dict[str, int] = field(factory=dict)

    def holds(self, cursor: Cursor) -> bool:
        """Whether the log has this record at this position."""
        found = self.records[cursor.position - 1 : cursor.position]
        return [each.cursor for each in found] == [cursor]

    def is_erased(self, position: int) -> bool:
        """Whether the record at this position has no text any more."""
        return self.records[position - 1].is_erased

    def restore_backup(self, length: int, erased: Collection[int]) -> None:
        """Replace the log by a copy of its first `length` records, made before their texts were erased.

        Those at `erased` are as they are now.
        """
        now, self.originals = self.records, self.originals[:length]
        self.erased_at = {position: count for position, count in self.erased_at.items() if position in erased}
        self.records = [now[each.position - 1] if each.position in erased else each for each in self.originals]
        self._stream_ends = {each.stream: each.position for each in self.records}
        self._followers = {(each.stream, each.previous): each for each in self.records}
        self._notify()

    def restore(self, record: Stored) -> None:
        """Append a record verbatim, unless it is there. Raises Conflict."""
        if record.position == len(self.records) + 1 and self._stream_ends.get(record.stream, 0) == record.previous:
            self._add(record)
        elif [record] != self.records[record.position - 1 : record.position]:
            raise Conflict(record.position)

    def append(self, draft: Draft, expected: int) -> Stored | Conflict:
        """Store a draft as the port demands: conditionally, and idempotently for the identical draft."""
        follower = self._followers.get((draft.stream, expected))
        if follower is not None and follower.record_hash == draft.record_hash_after(expected):
            return follower
        if self._stream_ends.get(draft.stream, 0) != expected:
            return Conflict(follower.position if follower is not None else None)
        stored = draft.at_position(len(self.records) + 1, expected, draft.record_hash_after(expected))
        self._add(stored)
        return stored

    def _add(self, stored: Stored) -> None:
        self.records.append(stored)
        self.originals.append(stored)
        self._stream_ends[stored.stream], self._followers[stored.stream, stored.previous] = stored.position, stored
        self.on_stored(stored)
        self._notify()

    def erase(self, positions: Sequence[int]) -> None:
        """Empty `data` of these records."""
        for position in positions:
            erased = self.records[position - 1] = evolve(self.records[position - 1], data="")
            self._followers[erased.stream, erased.previous] = erased
            self.erased_at.setdefault(position, len(self.records))
            self.on_erased(position)

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
