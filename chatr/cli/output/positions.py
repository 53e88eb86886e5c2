"""Positions of records in a sentence: the first ones and the last, however many there are."""

from typing import Final

from attrs import define, field

SHOWN: Final = 3
"""How many of the first positions are listed."""


@define
class Positions:
    """Counts records, and remembers the first positions and the last one."""

    count: int = 0
    first: list[int] = field(factory=list)
    last: int = 0

    def add(self, begin: int, end: int | None = None) -> None:
        """Count the record at `begin`, or those from there to `end`."""
        end = begin if end is None else end
        self.count += end - begin + 1
        self.last = max(self.last, end)
        for position in range(begin, min(end, begin + SHOWN) + 1):
            if len(self.first) < SHOWN and position not in self.first:
                self.first.append(position)

    def __str__(self) -> str:
        """The positions: "position 3" or "positions 3, 4, 5 … 10"."""
        shown = ", ".join(map(str, self.first))
        if self.last > max(self.first):
            return f"positions {shown} … {self.last}"
        return f"position{'' if len(self.first) == 1 else 's'} {shown}"
