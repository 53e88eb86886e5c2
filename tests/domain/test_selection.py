"""Selections of messages by several criteria."""

from collections.abc import Sequence

from hypothesis import given as whatever
from hypothesis import strategies as st

from chatr.domain.selection import Selection, intersection, page_step
from chatr.testing.records import folded_room, records_of
from tests.domain.examples import CRAB, LOBSTER
from tests.domain.test_addressing import ALL_REGISTERED, posted
from tests.metrics.scrape import calls_of

ascending = st.lists(st.integers(0, 200), unique=True).map(sorted)


@whatever(ascending, ascending)
def test_common_positions_are_those_in_both_sequences(positions: Sequence[int], others: Sequence[int]) -> None:
    """However many positions of the one are between two of the other, exactly those in both are found, in order."""
    assert list(intersection(positions, others)) == [each for each in positions if each in others]


def test_messages_of_agents_that_take_turns_are_compared_at_once() -> None:
    """Criteria that many messages meet, but none meets together, cost no look-up for each message."""
    dialogue = [posted(CRAB, "Hello, @Lobster"), posted(LOBSTER, "Hello, @Crab")] * 1_000
    history = folded_room(records_of([*ALL_REGISTERED, *dialogue])).history
    calls = calls_of(
        lambda: page_step(history, Selection(CRAB, CRAB).criteria(history), (None, None), 50, forward=False)
    )

    assert calls < 50
