"""An index from time to positions: it finds the records of a moment without reading the whole log.

Clocks step back and differ between nodes, so the times of the records do not ascend with their positions.
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import Final

from attrs import define, field, frozen

from chatr.domain.limits import MINUTE, Limits

BLOCK_SIZE: Final = 1_000
"""Records in a block. The index stores one time for each block: the earliest."""
SLOT_DURATION: Final = 10 * MINUTE
"""Milliseconds in a slot of time. The index stores one position for each slot with records: the first."""


@frozen
class AdoptedLimits:
    """Limits, and the position of the record that put them in force."""

    position: int
    limits: Limits


@define
class TimeIndex:
    """Finds positions by time.

    Positions start at 1, and block `n` holds positions `n * BLOCK_SIZE + 1` to `(n + 1) * BLOCK_SIZE`. `earliest[n]` is
    the earliest time among the records of block `n`. `slots` are the numbers (time // SLOT_DURATION) of the slots with
    activity of agents, ascending, and `firsts[i]` is the position of the first one in slot `slots[i]`. `registrations`
    are the positions of all registrations, and `limits_history` all limits ever adopted, in log order: `Room` appends
    to both.
    """

    earliest: list[int] = field(factory=list)
    slots: list[int] = field(factory=list)
    firsts: list[int] = field(factory=list)
    registrations: "array[int]" = field(factory=lambda: array("q"))
    limits_history: list[AdoptedLimits] = field(factory=list)

    def apply(self, position: int, at: int, *, is_activity: bool = True) -> None:
        """Index the time of the record at `position`, the next in the log. Only activity says who was online."""
        if position > BLOCK_SIZE * len(self.earliest):
            self.earliest.append(at)
        elif at < self.earliest[-1]:
            self.earliest[-1] = at
        # Nearly every record falls into the newest slot: this comparison spares it the search.
        if is_activity and (not self.slots or at // SLOT_DURATION != self.slots[-1]):
            self._add_slot(at // SLOT_DURATION, position)

    def _add_slot(self, slot: int, position: int) -> None:
        """Store `position` as the first record of a slot, unless the slot has one."""
        index = bisect_left(self.slots, slot)
        if self.slots[index : index + 1] != [slot]:
            self.slots.insert(index, slot)
            self.firsts.insert(index, position)

    def block_of_last_record_until(self, at: int) -> range | None:
        """The positions of the block with the last record that is not later than `at`; None = every record is later."""
        # A block whose earliest time is not later holds such a record, and the blocks after it have only later times.
        blocks = reversed(range(len(self.earliest)))
        block = next((block for block in blocks if self.earliest[block] <= at), None)
        return None if block is None else range(block * BLOCK_SIZE + 1, (block + 1) * BLOCK_SIZE + 1)

    def first_position_between(self, earliest: int, latest: int) -> int | None:
        """A position at or before the first activity of an agent with a time from `earliest` to `latest`.

        None = there is no such record.

        Whole slots are compared, so the record at that position may have a time up to one slot outside.
        """
        low, high = (
            bisect_left(self.slots, earliest // SLOT_DURATION),
            bisect_right(self.slots, latest // SLOT_DURATION),
        )
        return min(self.firsts[low:high], default=None)

    def agent_count_at(self, position: int) -> int:
        """How many agents had registered up to `position`."""
        return bisect_right(self.registrations, position)

    def limits_at(self, position: int) -> Limits:
        """The limits in force after the record at `position`; the defaults before any were adopted."""
        count = bisect_right(self.limits_history, position, key=lambda adopted: adopted.position)
        return self.limits_history[count - 1].limits if count else Limits()
