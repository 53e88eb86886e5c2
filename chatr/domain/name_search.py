"""Search for agents by a part of their names."""

from collections.abc import Iterator
from typing import Final

from attrs import define, field

NAMES_IN_BLOCK: Final = 4_096
"""Names that are searched in one step, which takes less than half a millisecond, also for the longest names."""


@define
class NameSearch:
    """The names of all agents in small letters, in the order of registration.

    They are joined in blocks, each name between two line breaks, so that a million of them are searched in some
    milliseconds and take ten bytes each. `newest` are those that fill no block yet.
    """

    blocks: list[str] = field(factory=list)
    newest: list[str] = field(factory=list)

    def add(self, name: str) -> None:
        """Add the name of an agent that has registered."""
        self.newest.append(name.lower())
        if len(self.newest) == NAMES_IN_BLOCK:
            self.blocks.append(joined(self.newest))
            self.newest = []

    def all_blocks(self) -> Iterator[str]:
        """Yield blocks with all names, also with those that are added meanwhile."""
        yield from self.blocks
        yield joined(self.newest)


def joined(names: list[str]) -> str:
    """A block with these names."""
    return "\n".join(("", *names, ""))


def names_in(block: str, part: str, limit: int, *, at_start: bool) -> list[str]:
    """The first `limit` names of a block that begin with `part` if `at_start`, or else have it at a later place.

    `part` must be in small letters and without line breaks.
    """
    wanted, found, place = f"\n{part}" if at_start else part, list[str](), 0
    while len(found) < limit and (place := block.find(wanted, place)) >= 0:
        start, end = block.rfind("\n", 0, place + 1) + 1, block.find("\n", place + 1)
        # Nothing of length zero is found anywhere, also behind the last name.
        if end < 0:
            break
        if block.startswith(part, start) == at_start:
            found.append(block[start:end])
        place = end
    return found
