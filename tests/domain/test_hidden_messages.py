"""Pages of a history of which messages are hidden."""

from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Any, SupportsIndex

from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.history import History
from chatr.domain.identity import AgentId
from chatr.domain.moderation_events import MessageRemoved
from chatr.domain.removals import Removal, Removals
from tests.domain.test_history import EDGE, GAPS, history_of


def removed(position: int) -> MessageRemoved:
    return MessageRemoved(AgentId("agent"), position, "spam", "admin", 0)


def partly_hidden(positions: list[int], hidden: set[int]) -> History:
    """A history of messages at these positions, of which those at `hidden` were removed afterwards."""
    history = history_of(positions)
    for position in hidden.intersection(positions):
        history.apply_visibility(removed(position), 1_000 + position)
    return history


HIDDEN = st.sets(st.integers(1, 60))


@given(GAPS, HIDDEN, EDGE, EDGE, st.integers(1, 10))
def test_a_page_skips_hidden_messages(
    gaps: list[int], hidden: set[int], after: int | None, before: int | None, limit: int
) -> None:
    """A page is the same as if the hidden messages had never been posted."""
    positions = list(accumulate(gaps))
    page = partly_hidden(positions, hidden).page(after, before, limit)
    expected = history_of([each for each in positions if each not in hidden]).page(after, before, limit)

    assert (list(page.positions), page.has_more) == (list(expected.positions), expected.has_more)


@given(GAPS, HIDDEN, st.integers(-1, 70))
def test_visible_messages_are_counted(gaps: list[int], hidden: set[int], position: int) -> None:
    """Messages up to a position and after it are counted without the hidden ones."""
    positions = list(accumulate(gaps))
    visible = [each for each in positions if each not in hidden]
    history = partly_hidden(positions, hidden)

    assert history.visible_count_until(position) == sum(each <= position for each in visible)
    assert history.has_visible_after(position) == any(each > position for each in visible)


@given(GAPS, HIDDEN, st.integers(0, 25))
def test_the_next_visible_message(gaps: list[int], hidden: set[int], index: int) -> None:
    """A reader goes on at the first message that is not hidden, or at the end."""
    positions = list(accumulate(gaps))
    index = min(index, len(positions))
    visible = (each for each in range(index, len(positions)) if positions[each] not in hidden)

    assert partly_hidden(positions, hidden).next_visible(index) == next(visible, len(positions))


if TYPE_CHECKING:
    Array = array[int]
else:
    Array = array  # it has no parameters at run time


class CountingArray(Array):
    """An array that counts how often one of its elements was looked at."""

    lookups = 0

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        type(self).lookups += 1
        return super().__getitem__(index)


def test_a_long_run_of_hidden_messages_costs_nothing() -> None:
    """A page around a million hidden messages in a row looks at some hundred positions."""
    end = 1_000_200
    positions, hidden = CountingArray("q", range(1, end + 1)), array("q", range(101, end - 99))
    removal = Removal(0, 0, "spam", "admin", 0, erased=False)
    history = History(positions, removals=Removals(dict.fromkeys(hidden, removal), hidden))
    page = history.page(50, None, 100)

    assert list(page.positions) == [*range(51, 101), *range(end - 99, end - 49)]
    assert 0 < CountingArray.lookups < 2_000
