"""What was said: pages of it by position, and the newest of it whole."""

from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import Cursor
from chatr.domain.history import History, message_of
from chatr.domain.limits import MESSAGES_KEPT
from chatr.testing.records import happened
from tests.domain.examples import CRAB_CAME, CRAB_SEEN, CRAB_SPOKE

GAPS = st.lists(st.integers(1, 3), max_size=20)
"""Other records stand between messages."""
EDGE = st.none() | st.integers(-1, 40)


def said(positions: list[int]) -> History:
    """The history of a log that holds messages at these positions."""
    spoke = set(positions)
    history = History()
    for record in happened(CRAB_SPOKE if at in spoke else CRAB_SEEN for at in range(1, max(spoke, default=0) + 1)):
        if record.position in spoke:
            history.apply(record)
    return history


@pytest.fixture(scope="module")
def full() -> History:
    """Two messages more than are kept whole."""
    return said(list(range(1, MESSAGES_KEPT + 3)))


@given(GAPS, EDGE, EDGE, st.integers(1, 10))
def test_a_page_is_what_a_plain_list_would_give(
    gaps: list[int], after: int | None, before: int | None, limit: int
) -> None:
    """Forward from `after`, else back from `before` or the end; neither is on the page; oldest first."""
    positions = list(accumulate(gaps))
    between = [at for at in positions if (after is None or at > after) and (before is None or at < before)]
    page = said(positions).page(after, before, limit)

    assert list(page.positions) == (between[-limit:] if after is None else between[:limit])
    assert page.has_more == (len(between) > limit)


def pages_of(positions: list[int], limit: int) -> int:
    return max(1, -(-len(positions) // limit))


@given(GAPS, st.integers(1, 10))
def test_walking_back_meets_every_message_once(gaps: list[int], limit: int) -> None:
    """Page after page to the oldest, as many as it takes and no empty one."""
    positions = list(accumulate(gaps))
    history = said(positions)
    walked = [history.page(None, None, limit)]
    while walked[-1].has_more:
        walked.append(history.page(None, walked[-1].positions[0], limit))

    assert [at for page in reversed(walked) for at in page.positions] == positions
    assert len(walked) == pages_of(positions, limit)


@given(GAPS, st.integers(1, 10))
def test_walking_forward_meets_every_message_once(gaps: list[int], limit: int) -> None:
    """Page after page to the newest, as many as it takes and no empty one."""
    positions = list(accumulate(gaps))
    history = said(positions)
    walked = [history.page(0, None, limit)]
    while walked[-1].has_more:
        walked.append(history.page(walked[-1].positions[-1], None, limit))

    assert [at for page in walked for at in page.positions] == positions
    assert len(walked) == pages_of(positions, limit)


@pytest.mark.parametrize("after", [10**18, 10**39])
def test_a_page_beyond_the_end_is_empty(after: int) -> None:
    """No number is too large to ask for."""
    page = said([1, 2]).page(after, None, 10)

    assert (list(page.positions), page.has_more) == ([], False)


@given(GAPS, st.integers(0, 40))
def test_the_last_messages(gaps: list[int], count: int) -> None:
    """The newest so and so many, oldest first; all of them if there are fewer."""
    positions = list(accumulate(gaps))
    last = said(positions).last(count)

    assert [message.cursor.position for message in last] == positions[len(positions) - min(count, len(positions)) :]


@given(GAPS.filter(bool), st.data())
def test_what_was_missed(gaps: list[int], data: st.DataObject) -> None:
    """Since a message's cursor: exactly what was said after it."""
    positions = list(accumulate(gaps))
    history = said(positions)
    known = data.draw(st.sampled_from(history.last(len(positions))))
    missed = history.since(known.cursor)

    assert missed is not None
    assert [message.cursor.position for message in missed] == positions[
        bisect_left(positions, known.cursor.position) + 1 :
    ]


@pytest.mark.parametrize("cursor", [Cursor(2, "00000002"), Cursor(3, "ffffffff"), Cursor(4, "00000004")])
def test_a_cursor_of_no_message_here_leads_nowhere(cursor: Cursor) -> None:
    """A cursor of another kind of record, of another log or of the future resumes nothing."""
    assert said([1, 3]).since(cursor) is None


def test_a_thousand_missed_messages_are_resumed(full: History) -> None:
    """The oldest message that is kept whole can be resumed from: a thousand were missed."""
    oldest = full.last(MESSAGES_KEPT)[0]
    missed = full.since(oldest.cursor)

    assert missed is not None
    assert [message.cursor.position for message in missed] == list(range(4, MESSAGES_KEPT + 3))


def test_more_than_a_thousand_missed_messages_are_not_resumed(full: History) -> None:
    """The message before the oldest that is kept can not be resumed from."""
    assert full.since(Cursor(2, "00000002")) is None


def test_only_the_newest_messages_are_kept_whole(full: History) -> None:
    """Memory holds a thousand and one messages and the place of every other."""
    assert len(full.newest) == MESSAGES_KEPT
    assert len(full.positions) == MESSAGES_KEPT + 2


def test_only_a_post_is_a_message() -> None:
    """Reading any other record as a message is an error."""
    with pytest.raises(TypeError, match="Record 1 is no message"):
        message_of(happened([CRAB_CAME])[0])
