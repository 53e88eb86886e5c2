"""The activity graph: how many messages were posted when, in a bounded number of buckets."""

from collections import Counter
from collections.abc import Sequence
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.activity import MAX_BUCKETS, Activity
from chatr.domain.events import Event, MessagePosted, Record
from chatr.domain.limits import END_OF_CALENDAR, HOUR, MINUTE, SECOND
from chatr.domain.moderation_events import ErasedRecord, MessageRemoved, MessageRestored, RecordsErased
from chatr.domain.room import Room
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from tests.domain.examples import CRAB, CRAB_REGISTERED

DAY = 24 * HOUR
YEARS = 10 * 365 * DAY
TIMES = st.lists(
    st.builds(
        lambda near, far: START + near + far,
        st.builds(int.__mul__, st.integers(0, 2 * MAX_BUCKETS), st.just(SECOND)),
        st.sampled_from((0, 0, 0, HOUR, -DAY, YEARS, -YEARS)),
    )
    | st.sampled_from((-1, 0, END_OF_CALENDAR, 2**63, -(2**63))),
    max_size=40,
)


def counted(times: Sequence[int]) -> Activity:
    """The activity of messages at these times, counted in this order."""
    activity = Activity()
    for position, at in enumerate(times, 1):
        activity.apply(position, at)
    return activity


def valid(at: int) -> int:
    """The nearest time in the calendar."""
    return min(max(at, 0), END_OF_CALENDAR - 1)


def model(times: Sequence[int]) -> tuple[int, int, list[int]]:
    """Start, width and counts of the narrowest buckets that suffice, found by trying every width."""
    for width in (SECOND << doubled for doubled in count()):
        counts = Counter(valid(at) // width for at in times)
        if max(counts) - min(counts) < MAX_BUCKETS:
            return min(counts) * width, width, [counts[bucket] for bucket in range(min(counts), max(counts) + 1)]
    raise AssertionError("some width is enough")


@given(TIMES.filter(bool))
def test_every_message_is_in_its_bucket(times: list[int]) -> None:
    """In whatever order they come, messages are counted in the narrowest buckets that are not too many."""
    activity = counted(times)

    assert (activity.start, activity.width, activity.counts) == model(times)


@pytest.mark.parametrize(("seconds", "width"), [(MAX_BUCKETS - 1, SECOND), (MAX_BUCKETS, 2 * SECOND)])
@pytest.mark.parametrize("odd", [0, SECOND])
def test_buckets_widen_when_there_are_too_many(seconds: int, width: int, odd: int) -> None:
    """Seconds have buckets of their own until there are too many; then pairs are merged, and no message moves."""
    times = [START + odd, START + odd + SECOND, START + odd + seconds * SECOND]

    assert counted(times).width == width
    assert (counted(times).start, counted(times).counts) == (model(times)[0], model(times)[2])


@pytest.mark.long
@given(TIMES.filter(bool), st.data())
def test_hidden_messages_are_not_counted(times: list[int], data: st.DataObject) -> None:
    """Whatever is removed, restored and erased between posts, only the messages that are shown are counted."""
    at_position: dict[int, int] = {}
    room = folded_room(records_of([CRAB_REGISTERED]))
    for at in times:
        fold(room, MessagePosted(CRAB, "Hello", None, at))
        at_position[room.position] = at
        for message in data.draw(st.lists(st.sampled_from([*at_position]), max_size=3)):
            fold(room, data.draw(st.sampled_from(visibility_events(message))))
    start, width, counts = model(times)
    for message in room.history.removals.by_message:
        counts[(valid(at_position[message]) - start) // width] -= 1

    assert (room.activity.start, room.activity.width, room.activity.counts) == (start, width, counts)


def fold(room: Room, event: Event) -> None:
    # Without the codec, which does not write every time that a clock might show.
    room.apply(Record(room.position + 1, "id", room.position, b"hash", event))


def visibility_events(message: int) -> list[Event]:
    """What may happen to the message at this position."""
    return [
        MessageRemoved(CRAB, message, "spam", "grace", START),
        MessageRestored(CRAB, message, "grace", START),
        RecordsErased(CRAB, (ErasedRecord(message, "0" * 64),), "illegal", "grace", START),
    ]


def test_the_removal_of_no_message_counts_nothing() -> None:
    """A log in which a rule was broken folds, and the counts are those of its messages."""
    room = folded_room(records_of([CRAB_REGISTERED, MessageRemoved(CRAB, 1, "spam", "grace", START)]))

    assert room.activity.counts == []


def test_ten_years_need_few_runs() -> None:
    """To find the bucket of a message, ten years with a message every ten minutes need some thousand numbers."""
    activity = counted(range(START, START + YEARS, 10 * MINUTE))

    assert len(activity.run_positions) < 20 * MAX_BUCKETS


def test_an_empty_room_has_no_bucket() -> None:
    """A room without messages has no buckets, merged or not."""
    assert Activity().with_buckets(10).counts == []


def test_ten_years_need_few_buckets() -> None:
    """Ten years with a message every ten minutes fill between 500 and 1,000 buckets, and all messages are counted."""
    activity = counted(range(START, START + YEARS, 10 * MINUTE))

    assert MAX_BUCKETS // 2 <= len(activity.counts) <= MAX_BUCKETS
    assert sum(activity.counts) == len(range(START, START + YEARS, 10 * MINUTE))


@given(TIMES, st.integers(1, MAX_BUCKETS))
def test_merged_buckets_hold_the_same_messages(times: list[int], most: int) -> None:
    """Merged to any number, the buckets hold as many messages, start at the same time and end less than one later."""
    activity = counted(times)
    merged = activity.with_buckets(most)

    assert len(merged.counts) <= most
    assert sum(merged.counts) == len(times)
    assert merged.start == activity.start
    assert 0 <= merged.width * len(merged.counts) - activity.width * len(activity.counts) < merged.width


@pytest.mark.parametrize("most", [2, 3, 5])
def test_neighbouring_buckets_are_merged(most: int) -> None:
    """The count of a merged bucket is the sum of the counts in it."""
    activity = counted([START + at * SECOND for at in range(10) for _ in range(at + 1)])
    merged = activity.with_buckets(most)
    ends = [at * merged.width // SECOND for at in range(len(merged.counts) + 1)]

    assert merged.counts == [sum(range(low + 1, min(high, 10) + 1)) for low, high in pairwise(ends)]
