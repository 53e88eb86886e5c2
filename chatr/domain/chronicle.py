"""When things happened: where a moment is in the log, though clocks step back, and what was in force there."""

from bisect import bisect_left, bisect_right
from typing import Final

from attrs import define, field, frozen

from chatr.domain.limits import MINUTE, Limits

BLOCK: Final = 1_000
"""Records of which one time is kept: the least."""
SLOT: Final = 10 * MINUTE
"""Time of which one position is kept: the first."""


@frozen
class Adopted:
    """Limits, and the record since which they are in force."""

    position: int
    limits: Limits


@define
class Chronicle:
    """`earliest` is the least time in each block of records. In the time from `slots[n] * SLOT` on something was
    recorded, first of all the record at `firsts[n]`. `registered` holds the positions of all registrations.
    """

    earliest: list[int] = field(factory=list)
    slots: list[int] = field(factory=list)
    firsts: list[int] = field(factory=list)
    registered: list[int] = field(factory=list)
    adopted: list[Adopted] = field(factory=list)

    def apply(self, position: int, at: int) -> None:
        """Every record comes here."""
        if position > BLOCK * len(self.earliest):
            self.earliest.append(at)
        elif at < self.earliest[-1]:
            self.earliest[-1] = at
        if not self.slots or at // SLOT != self.slots[-1]:
            self._enter(at // SLOT, position)

    def _enter(self, slot: int, position: int) -> None:
        place = bisect_left(self.slots, slot)
        if self.slots[place : place + 1] != [slot]:
            self.slots.insert(place, slot)
            self.firsts.insert(place, position)

    def block_by(self, at: int) -> range | None:
        """Positions among which is the last one whose time is not later than `at`; None = nothing is so old."""
        blocks = reversed(range(len(self.earliest)))
        found = next((block for block in blocks if self.earliest[block] <= at), None)
        return None if found is None else range(found * BLOCK + 1, (found + 1) * BLOCK + 1)

    def first_within(self, least: int, most: int) -> int | None:
        """A position before which nothing was recorded from `least` to `most`; None = nothing was at all."""
        low, high = bisect_left(self.slots, least // SLOT), bisect_right(self.slots, most // SLOT)
        return min(self.firsts[low:high], default=None)

    def agents_at(self, position: int) -> int:
        """How many had registered."""
        return bisect_right(self.registered, position)

    def limits_at(self, position: int) -> Limits:
        """Those in force after the record at `position`."""
        count = bisect_right(self.adopted, position, key=lambda each: each.position)
        return self.adopted[count - 1].limits if count else Limits()
