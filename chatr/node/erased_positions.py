"""Collects the messages whose texts were erased, and may still be in a file of this node."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, islice
from typing import Final

from chatr.domain.events import Record
from chatr.domain.moderation_events import RecordsErased
from chatr.domain.room import Room

EXAMINED_AT_ONCE: Final = 10_000
"""Hidden messages that are examined in one iteration of the event loop, which takes about a millisecond."""


class ErasedPositions:
    """The positions of erased messages. `examine` adds those of the whole room, `add` those of each new record."""

    def __init__(self) -> None:
        # A dict as an ordered set.
        self._positions: dict[int, None] = {}
        self._examined: Room | None = None

    def add(self, records: Iterable[Record]) -> None:
        """Add the messages that are erased by these records."""
        for record in records:
            if isinstance(record.event, RecordsErased):
                self._positions.update(dict.fromkeys(each.position for each in record.event.records))

    def discard(self, positions: Iterable[int]) -> None:
        """Forget these messages, because nothing is left of their texts."""
        for position in positions:
            self._positions.pop(position, None)

    def forget_room(self) -> None:
        """Forget all messages, because they were those of a log that was replaced."""
        self._positions, self._examined = {}, None

    async def examine(self, room: Room) -> None:
        """Add all erased messages of the room, unless that was done."""
        # A room from a checkpoint contains erasures that were folded by an earlier process.
        if self._examined is room:
            return
        removals = iter(list(room.history.removals.by_message.values()))
        positions = self._positions
        # There may be a million of them, and the node serves requests meanwhile.
        while step := list(islice(removals, EXAMINED_AT_ONCE)):
            positions.update(dict.fromkeys(each.message for each in step if each.erased))
            await asyncio.sleep(0)
        # If the log was replaced meanwhile, `positions` was that of the old one.
        if positions is self._positions:
            self._examined = room

    def grouped(self, key: Callable[[int], object]) -> list[Sequence[int]]:
        """The positions, ascending, in one group for each value of `key`, which must not decrease with the position."""
        # `groupby` only joins neighbours, so positions with equal keys must be neighbours.
        return [list(group) for _, group in groupby(sorted(self._positions), key)]
