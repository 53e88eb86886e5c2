"""The server that keeps the log of all nodes, and what one node has of it: as PostgreSQL, with all that goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from attrs import define, field, frozen

from chatr.adapters.group_commit import Appending, GroupCommit, fail
from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, LogChanged, Stored, Unavailable, Unknown

PAUSE: Final = 0.05
"""Seconds between two looks at a store that is away."""


@frozen
class Luck:
    """How often what goes wrong, out of one."""

    refused: float = 0.0
    lost: float = 0.0
    unheard: float = 0.0
    late: float = 0.0


@define(eq=False)
class Store:
    """One log. `stored` is called with every new record."""

    random: Random
    luck: Luck
    stored: Callable[[Stored], None]
    records: list[Stored] = field(factory=list)
    away: bool = False
    stalled: bool = False
    news: asyncio.Event = field(factory=asyncio.Event)
    _followers: dict[tuple[str, int], Stored] = field(factory=dict)
    _last: dict[str, int] = field(factory=dict)

    def holds(self, cursor: Cursor) -> bool:
        found = self.records[cursor.position - 1 : cursor.position]
        return [each.cursor for each in found] == [cursor]

    def restore(self, records: Sequence[Stored]) -> None:
        """From now on this is the log."""
        self.records = list(records)
        self._last = {each.stream: each.position for each in self.records}
        self._followers = {(each.stream, each.previous): each for each in self.records}
        self._tell()

    def place(self, draft: Draft, expected: int) -> Stored | Conflict:
        follower = self._followers.get((draft.stream, expected))
        if follower is not None and follower.draft == draft:
            return follower
        if self._last.get(draft.stream, 0) != expected:
            return Conflict(follower.position if follower is not None else None)
        stored = draft.placed(len(self.records) + 1, expected, draft.check_after(expected))
        self.records.append(stored)
        self._last[draft.stream], self._followers[draft.stream, expected] = stored.position, stored
        self.stored(stored)
        self._tell()
        return stored

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def commit(self, group: Sequence[Appending]) -> list[Stored | Conflict]:
        """All of a group or nothing. Raises LogChanged: what was decided by another log is worth nothing in this."""
        for each in group:
            if each.after is not None and not self.holds(each.after):
                raise LogChanged(str(each.after))
        return [self.place(each.draft, each.expected) for each in group]

    async def turn(self) -> None:
        """The way to the store or back: mostly short."""
        await asyncio.sleep(self.random.choice((0, 0, 0, 0.001, self.random.random() / 50)))

    async def ask(self, group: Sequence[Appending]) -> list[Stored | Conflict]:
        """Have a group committed, with luck. Raises LogChanged, Unavailable or Unknown."""
        await self.turn()
        if self.away:
            raise Unavailable("the store is away")
        chance, luck = self.random.random(), self.luck
        for share, way in ((luck.refused, refused), (luck.lost, lost), (luck.unheard, unheard), (luck.late, late)):
            if chance < share:
                return await way(self, group)
            chance -= share
        outcomes = self.commit(group)
        await self.turn()
        return outcomes


async def refused(_store: Store, _group: Sequence[Appending]) -> list[Stored | Conflict]:
    raise Unavailable("the store would not")


async def lost(_store: Store, _group: Sequence[Appending]) -> list[Stored | Conflict]:
    raise Unknown("the question was lost")


async def unheard(store: Store, group: Sequence[Appending]) -> list[Stored | Conflict]:
    store.commit(group)
    await store.turn()
    raise Unknown("the answer was lost")


async def late(store: Store, group: Sequence[Appending]) -> list[Stored | Conflict]:
    """The commit happens after everybody has given up."""

    def commit() -> None:
        try:
            store.commit(group)
        except LogChanged:
            return

    asyncio.get_running_loop().call_later(store.random.random(), commit)
    await store.turn()
    raise Unknown("no answer yet")


class NodeLog:
    """Fulfils `chatr.ports.EventLog` for one node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._followed: Cursor | None = None
        self._group = GroupCommit(self._commit)

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        return await self._group.append(draft, expected, after=self._followed)

    async def _commit(self, group: Sequence[Appending]) -> None:
        try:
            outcomes = await self._store.ask(group)
        except LogChanged as change:
            fail(group, Unavailable(str(change)))
        except (Unavailable, Unknown) as error:
            fail(group, error)
        else:
            for each, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Conflict):
                    each.fail(outcome)
                else:
                    each.landed(outcome.position)

    async def _reachable(self) -> None:
        await self._store.turn()
        if self._store.away:
            raise Unavailable("the store is away")

    async def read(self, after: int, limit: int) -> list[Stored]:
        await self._reachable()
        return self._store.records[max(after, 0) : max(after + limit, 0)]

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        await self._reachable()
        if max(positions) > len(self._store.records):
            raise Unavailable("the log does not hold these records any longer")
        return [self._store.records[position - 1] for position in positions]

    async def head(self) -> int:
        await self._reachable()
        return len(self._store.records)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        cursor = after
        while True:
            self._followed, news = cursor, self._store.news
            if batch := await self._patiently_beyond(cursor):
                cursor = batch[-1].cursor
                yield batch
            else:
                await news.wait()

    async def _patiently_beyond(self, cursor: Cursor | None) -> list[Stored]:
        await self._store.turn()
        while self._store.away or self._store.stalled:  # noqa: ASYNC110 -- a store that is back tells nobody
            await asyncio.sleep(PAUSE)
        if cursor is not None and not self._store.holds(cursor):
            raise LogChanged(f"The log does not hold {cursor}.")
        first = cursor.position if cursor else 0
        return self._store.records[first : first + self._store.random.randint(1, 50)]

    async def close(self) -> None:
        await self._group.close()


@asynccontextmanager
async def node_log(store: Store) -> AsyncIterator[NodeLog]:
    log = NodeLog(store)
    try:
        yield log
    finally:
        await log.close()
