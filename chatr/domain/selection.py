"""Selects messages by author, by an agent that they mention, by what they reply to, and by time."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from chatr.domain.history import History, Page
from chatr.domain.identity import AgentId
from chatr.domain.immutability import statically_frozen
from chatr.domain.limits import END_OF_CALENDAR, SECOND
from chatr.domain.thread import thread_below

Window = tuple[int | None, int | None]
"""Two positions, both exclusive, between which messages are searched; None = no bound."""
END_OF_LOG: Final = 2**63 - 1
"""Greater than any position."""
MESSAGES_A_STEP: Final = 5_000
"""Messages that are examined in one step, which takes about 3 ms."""
DENSE: Final = 16
"""Looking up one number takes about as long as reading so many numbers of a sequence."""


@statically_frozen
class Selection:
    """Messages by `author` that mention `mentioned`, reply to the message at `replied_to` and to one of
    `replied_author`, with times from `since` to before `until`, milliseconds since 1970. None does not filter. Times
    count as their whole second.

    `thread` selects the messages of the thread below the one at that position, at most `MOST_IN_THREAD`.

    Hidden messages are selected too if it is `with_hidden`, but not by `replied_author`.
    """

    author: AgentId | None = None
    mentioned: AgentId | None = None
    replied_to: int | None = None
    since: int | None = None
    until: int | None = None
    with_hidden: bool = False
    replied_author: AgentId | None = None
    thread: int | None = None

    def criteria(self, history: History, *, hidden: bool = False) -> "list[Sequence[int]]":
        """For each agent or message that it selects by, the positions of the visible messages that match, or of the
        hidden ones; the shortest sequence first.
        """
        indexes = history.addressing.hidden if hidden else history.addressing
        found: list[Sequence[int]] = []
        if self.author is not None:
            found.append(indexes.by_author.of(self.author))
        if self.mentioned is not None:
            found.append(indexes.by_mentioned.of(self.mentioned))
        if self.replied_to is not None:
            found.append(indexes.by_replied_to.of(self.replied_to))
        if self.replied_author is not None:
            found.append(() if hidden else history.addressing.by_replied_author.of(self.replied_author))
        if self.thread is not None:
            found.append(thread_below(history.addressing, self.thread, hidden=hidden))
        return sorted(found, key=len)

    def sources(self, history: History) -> "list[list[Sequence[int]]]":
        """The criteria of each of its parts, which have no message in common: visible and, if wanted, hidden ones.

        An empty list stands for all visible messages.
        """
        visible = self.criteria(history)
        if not self.with_hidden:
            return [visible]
        return [visible, self.criteria(history, hidden=True)] if visible else [[history.positions]]

    def windows(self, history: History, after: int | None, before: int | None) -> list[Window]:
        """The ranges between `after` and `before` that hold all messages with the selected times, in position order."""
        if self.since is None and self.until is None:
            return [(after, before)]
        spans = history.times.spans(self.since or 0, END_OF_CALENDAR if self.until is None else self.until)
        positions = history.positions
        windows = [(positions[each.start] - 1, positions[each.stop - 1] + 1) for each in spans]
        low, high = after or 0, END_OF_LOG if before is None else before
        return [(max(low, first), min(high, last)) for first, last in windows if first < high and last > low]

    def has_time(self, history: History, position: int) -> bool:
        """Whether the message at `position` has a selected time of its own."""
        # Where no clock stepped back, windows hold no other messages.
        if not history.times.sequences or (self.since is None and self.until is None):
            return True
        second = history.times.second_of(bisect_left(history.positions, position))
        is_early_enough = self.until is None or second < self.until // SECOND
        return is_early_enough and second >= (self.since or 0) // SECOND


@statically_frozen
class PageStep:
    """The positions that one step found, oldest first, and the range that is left to search.

    `rest` has the two positions between which to go on, both exclusive; None if the search is complete.
    """

    found: Sequence[int]
    rest: Window | None


def page_step(
    history: History, criteria: "list[Sequence[int]]", window: Window, limit: int, *, forward: bool
) -> PageStep:
    """Examine up to `MESSAGES_A_STEP` messages of a window for at most `limit` that are in all criteria.

    They are the first ones if `forward`, and else the last ones. Without criteria they are visible messages.
    """
    after, before = window
    if not criteria:
        page = history.page(after, before, limit, forward=forward)
        end = page.positions[-1 if forward else 0] if page.has_more else None
        return PageStep(page.positions, None if end is None else (end, before) if forward else (after, end))
    # Only the shortest sequence is walked: a rare mention is found at once among a million messages of its author.
    shortest, *others = criteria
    low = 0 if after is None else bisect_right(shortest, after)
    high = len(shortest) if before is None else bisect_left(shortest, before)
    start, stop = (low, min(low + MESSAGES_A_STEP, high)) if forward else (max(low, high - MESSAGES_A_STEP), high)
    matching = shortest[start:stop]
    for other in others:
        matching = intersection(matching, other)
    if forward:
        found = matching[:limit]
        end = found[-1] if len(found) == limit else shortest[stop - 1] if stop < high else None
        return PageStep(found, None if end is None else (end, before))
    found = matching[max(0, len(matching) - limit) :]
    end = found[0] if len(found) == limit else shortest[start] if start > low else None
    return PageStep(found, None if end is None else (after, end))


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
