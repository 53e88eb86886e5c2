"""The history of messages: pages of positions, and the newest messages in memory."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import Record
from chatr.domain.history import History, erased_message, message_from_record
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.testing.records import records_of
from tests.domain.examples import CRAB, CRAB_POSTED, CRAB_REGISTERED, CRAB_SEEN

GAPS = st.lists(st.integers(1, 3), max_size=20)
"""Distances between the positions of messages: other records are between them."""
EDGE = st.none() | st.integers(-1, 40)


def history_of(positions: list[int]) -> History:
    """The history of a log with messages at these positions."""
    posted = set(positions)
    history = History()
    for record in records_of(CRAB_POSTED if at in posted else CRAB_SEEN for at in range(1, max(posted, default=0) + 1)):
        if record.position in posted:
            history.apply(record, CRAB_POSTED, CRAB)
    return history


@pytest.fixture(scope="module")
def full() -> History:
    """A history with two messages more than are in memory."""
    return history_of(list(range(1, MESSAGES_IN_MEMORY + 3)))


@given(GAPS, EDGE, EDGE, st.integers(1, 10))
def test_a_page_is_a_slice_of_all_messages(gaps: list[int], after: int | None, before: int | None, limit: int) -> None:
    """A page goes forward from `after`, else back from `before` or the end. Both are exclusive; oldest first."""
    positions = list(accumulate(gaps))
    between = [at for at in positions if (after is None or at > after) and (before is None or at < before)]
    page = history_of(positions).page(after, before, limit)

    assert list(page.positions) == (between[-limit:] if after is None else between[:limit])
    assert page.has_more == (len(between) > limit)


def page_count(positions: list[int], limit: int) -> int:
    """How many pages hold these messages; an empty history has one empty page."""
    return max(1, -(-len(positions) // limit))


@given(GAPS, st.integers(1, 10))
def test_paging_back_returns_every_message_once(gaps: list[int], limit: int) -> None:
    """Paging from the end to the oldest message returns each message once, and no empty page at the end."""
    positions = list(accumulate(gaps))
    history = history_of(positions)
    pages = [history.page(None, None, limit)]
    while pages[-1].has_more:
        pages.append(history.page(None, pages[-1].positions[0], limit))

    assert [at for page in reversed(pages) for at in page.positions] == positions
    assert len(pages) == page_count(positions, limit)


@given(GAPS, st.integers(1, 10))
def test_paging_forward_returns_every_message_once(gaps: list[int], limit: int) -> None:
    """Paging from the beginning to the newest message returns each message once, and no empty page at the end."""
    positions = list(accumulate(gaps))
    history = history_of(positions)
    pages = [history.page(0, None, limit)]
    while pages[-1].has_more:
        pages.append(history.page(pages[-1].positions[-1], None, limit))

    assert [at for page in pages for at in page.positions] == positions
    assert len(pages) == page_count(positions, limit)


@pytest.mark.parametrize("after", [10**18, 10**39])
def test_a_page_beyond_the_end_is_empty(after: int) -> None:
    """A page after a position beyond the end is empty, however large the number is."""
    page = history_of([1, 2]).page(after, None, 10)

    assert (list(page.positions), page.has_more) == ([], False)


@given(GAPS, st.integers(0, 40))
def test_the_last_messages(gaps: list[int], count: int) -> None:
    """The newest messages are returned oldest first; all of them if there are fewer than requested."""
    positions = list(accumulate(gaps))
    last = history_of(positions).last(count)

    assert [message.cursor.position for message in last] == positions[len(positions) - min(count, len(positions)) :]


def test_only_the_newest_messages_are_in_memory(full: History) -> None:
    """1,001 messages are in memory, and the positions of all."""
    assert len(full.newest) == MESSAGES_IN_MEMORY
    assert len(full.positions) == MESSAGES_IN_MEMORY + 2


def test_only_a_post_is_a_message() -> None:
    """Making a message of any other record is an error."""
    with pytest.raises(TypeError, match="Record 1 is no message"):
        message_from_record(records_of([CRAB_REGISTERED])[0])


def test_a_message_whose_text_is_gone_is_not_among_the_last() -> None:
    """Its record may have been read without its text before the record that says that it was erased."""
    history = history_of([1, 2])
    erased = erased_message(CRAB, 3)
    history.apply(Record(3, "00000003", 2, b"", erased), erased, CRAB)

    assert [message.cursor.position for message in history.last(3)] == [1, 2]
