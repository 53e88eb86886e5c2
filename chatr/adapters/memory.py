"""A log in memory: gone with the process. The plainest reading of the contract."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from chatr.domain.events import Cursor
from chatr.ports import Conflict, Draft, LogChanged, Stored


class MemoryLog:
    def __init__(self) -> None:
        self._records: list[Stored] = []
        self._last: dict[str, int] = {}
        self._followers: dict[tuple[str, int], Stored] = {}
        self._appended = asyncio.Event()

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        follower = self._followers.get((draft.stream, expected))
        if follower is not None and follower.draft == draft:
            return follower
        if self._last.get(draft.stream, 0) != expected:
            raise Conflict(follower.position if follower is not None else None)
        stored = draft.placed(len(self._records) + 1, expected, draft.check_after(expected))
        self._records.append(stored)
        self._last[draft.stream], self._followers[draft.stream, expected] = stored.position, stored
        self._appended.set()
        self._appended = asyncio.Event()
        return stored

    async def read(self, after: int, limit: int) -> list[Stored]:
        return self._records[after : after + limit]

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        return [self._records[position - 1] for position in positions]

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        position = after.position if after else 0
        if after and [stored.cursor for stored in self._records[position - 1 : position]] != [after]:
            raise LogChanged(f"The log does not hold {after}.")
        while True:
            appended = self._appended
            if batch := await self.read(position, 1000):
                position = batch[-1].position
                yield batch
            else:
                await appended.wait()

    async def head(self) -> int:
        return len(self._records)
