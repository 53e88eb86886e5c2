"""Search for agents by a part of their names."""

from collections.abc import Iterator
from typing import Final

from attrs import define, field

NAMES_IN_BLOCK: Final = 4_096
"""How many names are searched in one step. A step takes less than half a millisecond, also for the longest names."""


@define
class NameSearch:
    """The names of all agents in lower case, in the order of registration.

    They are joined in blocks, which are strings with a line break before and after each name: a million names are
    searched in some milliseconds and take ten bytes each. `newest` holds the names that do not fill a block yet.
    """

    blocks: list[str] = field(factory=list)
    newest: list[str] = field(factory=list)

    def add(self, name: str) -> None:
        """Add the name of an agent that has registered."""
        self.newest.append(name.lower())
        if len(self.newest) == NAMES_IN_BLOCK:
            self.blocks.append(block_of(self.newest))
            self.newest = []

    def all_blocks(self) -> Iterator[str]:
        """Yield blocks with all names, including those that are added during the iteration."""
        yield from self.blocks
        yield block_of(self.newest)


def block_of(names: list[str]) -> str:
    """Return a block with these names."""
    return "\n".join(("", *names, ""))


def names_in(block: str, part: str, limit: int, *, at_start: bool) -> list[str]:
    """Return the first `limit` names of a block that begin with `part`, or without `at_start` contain it later only.

    `part` must be in lower case and without line breaks.
    """
    wanted, found, place = f"\n{part}" if at_start else part, list[str](), 0
    while len(found) < limit and (place := block.find(wanted, place)) >= 0:
        start, end = block.rfind("\n", 0, place + 1) + 1, block.find("\n", place + 1)
        # An empty `part` is also found after the last name.
        if end < 0:
            break
        if block.startswith(part, start) == at_start:
            found.append(block[start:end])
        place = end
    return found
