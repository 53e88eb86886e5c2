"""Selects messages by author, by an agent that they mention, and by the message that they reply to."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from chatr.domain.history import History, Page
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen

MESSAGES_A_STEP: Final = 5_000
"""Messages that are examined in one step, which takes about 3 ms."""
DENSE: Final = 16
"""Looking up one number takes about as long as reading so many numbers of a sequence."""


@statically_frozen
class Selection:
    """Messages by `author` that mention `mentioned` and reply to the message at `replied_to`. None does not filter."""

    author: AgentId | None = None
    mentioned: AgentId | None = None
    replied_to: int | None = None

    def positions(self, history: History) -> "list[Sequence[int]]":
        """For each criterion, the positions of the visible messages that meet it; the shortest sequence first."""
        addressing = history.addressing
        found: list[Sequence[int]] = []
        if self.author is not None:
            found.append(addressing.by_author.of(self.author))
        if self.mentioned is not None:
            found.append(addressing.by_mentioned.of(self.mentioned))
        if self.replied_to is not None:
            found.append(addressing.by_replied_to.of(self.replied_to))
        return sorted(found, key=len)

    def selects(self, history: History, position: int) -> bool:
        """Whether the message at `position` meets all criteria. A hidden message meets none."""
        return all(contains(each, position) for each in self.positions(history))


@statically_frozen
class PageStep:
    """The positions that one step found, oldest first, and the range that is left to search.

    `rest` has the two positions between which to go on, both exclusive; None if the search is complete.
    """

    found: Sequence[int]
    rest: tuple[int | None, int | None] | None


def page_step(history: History, selection: Selection, after: int | None, before: int | None, limit: int) -> PageStep:
    """Examine up to `MESSAGES_A_STEP` messages for at most `limit` selected ones, in the direction of `History.page`.

    `selection` must have a criterion.
    """
    # Only the shortest sequence is walked: a rare mention is found at once among a million messages of its author.
    shortest, *others = selection.positions(history)
    # As `History.page`: with `after` the oldest ones come first, without it the newest.
    low = 0 if after is None else bisect_right(shortest, after)
    high = len(shortest) if before is None else bisect_left(shortest, before)
    start, stop = (max(low, high - MESSAGES_A_STEP), high) if after is None else (low, min(low + MESSAGES_A_STEP, high))
    matching = shortest[start:stop]
    for other in others:
        matching = intersection(matching, other)
    is_full = len(matching) >= limit
    if after is None:
        return PageStep(
            matching[max(0, len(matching) - limit) :],
            None if is_full or start == low else (None, shortest[start]),
        )
    return PageStep(matching[:limit], None if is_full or stop == high else (shortest[stop - 1], before))


def intersection(positions: Sequence[int], others: Sequence[int]) -> Sequence[int]:
    """Those of `positions` that are in `others`, too; all are ascending."""
    if not positions:
        return positions
    low, high = bisect_left(others, positions[0]), bisect_right(others, positions[-1])
    if high - low > DENSE * len(positions):
        return [each for each in positions if contains(others, each)]
    # Two agents in a dialogue take turns, so there is no gap to skip. A set needs a tenth of the time of look-ups.
    return sorted(set(positions).intersection(others[low:high]))


def contains(positions: Sequence[int], position: int) -> bool:
    """Whether `positions`, which are ascending, contain `position`."""
    index = bisect_left(positions, position)
    # A slice, because a search runs in another thread: the last position may be removed after its index was found.
    return position in positions[index : index + 1]


def as_page(found: Sequence[int], limit: int, *, forward: bool) -> Page:
    """The page of at most `limit` positions; `found` may have one more, which shows that there are more."""
    return Page(found[:limit] if forward else found[max(0, len(found) - limit) :], len(found) > limit)
