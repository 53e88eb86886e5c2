"""Which messages a reader asks for: those of an agent, those that mention one, and those that reply to a message."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from chatr.domain.history import History, Page
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen

STEP: Final = 5_000
"""Messages that are looked at in one step: about two milliseconds."""


@statically_frozen
class Selection:
    """The messages by `author` that mention `mentioned` and reply to the message at `target`; None selects all."""

    author: AgentId | None = None
    mentioned: AgentId | None = None
    target: int | None = None

    def positions(self, history: History) -> "list[Sequence[int]]":
        """The positions of the messages that are shown, for each of the criteria, the shortest first."""
        addressing = history.addressing
        found: list[Sequence[int]] = []
        if self.author is not None:
            found.append(addressing.by_author.of(self.author))
        if self.mentioned is not None:
            found.append(addressing.by_mentioned.of(self.mentioned))
        if self.target is not None:
            found.append(addressing.by_target.of(self.target))
        return sorted(found, key=len)

    def selects(self, history: History, position: int) -> bool:
        """Whether the message at `position` is one of them. It must be shown."""
        return all(contains(each, position) for each in self.positions(history))


@statically_frozen
class Step:
    """What was found so far, oldest first, and between which positions, both exclusive, to search on; None = done."""

    found: Sequence[int]
    rest: tuple[int | None, int | None] | None


def page_step(history: History, selection: Selection, after: int | None, before: int | None, limit: int) -> Step:
    """Search for at most `limit` selected messages as `History.page` does, among `STEP` messages."""
    shortest, *others = selection.positions(history)
    low = 0 if after is None else bisect_right(shortest, after)
    high = len(shortest) if before is None else bisect_left(shortest, before)
    start, stop = (max(low, high - STEP), high) if after is None else (low, min(low + STEP, high))
    matching = [each for each in shortest[start:stop] if all(contains(other, each) for other in others)]
    is_full = len(matching) >= limit
    if after is None:
        return Step(
            matching[max(0, len(matching) - limit) :],
            None if is_full or start == low else (None, shortest[start]),
        )
    return Step(matching[:limit], None if is_full or stop == high else (shortest[stop - 1], before))


def contains(positions: Sequence[int], position: int) -> bool:
    """Whether ascending positions contain this one."""
    index = bisect_left(positions, position)
    return index < len(positions) and positions[index] == position


def as_page(found: Sequence[int], limit: int, *, forward: bool) -> Page:
    """The page of what was found, where one message more than `limit` was searched for."""
    return Page(found[:limit] if forward else found[max(0, len(found) - limit) :], len(found) > limit)
