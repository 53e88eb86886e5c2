"""The times of messages: how many were posted when, counted by true times, in a bounded number of buckets."""

from collections import Counter
from collections.abc import Sequence
from itertools import count, pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.events import Event, MessagePosted, Record
from chatr.domain.limits import END_OF_CALENDAR, HOUR, MINUTE, SECOND
from chatr.domain.message_times import MAX_BUCKETS, MAX_OTHERS, MAX_SEQUENCES, MAX_UINT32, Activity, MessageTimes
from chatr.domain.moderation_events import ErasedRecord, MessageRemoved, MessageRestored, RecordsErased
from chatr.domain.room import Room
from chatr.past.snapshot import take_snapshot
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from tests.domain.examples import CRAB, CRAB_REGISTERED
from tests.past.snapshots import decoded, encoded

DAY = 24 * HOUR
YEARS = 10 * 365 * DAY
FAR_OFF = (-1, 0, MAX_UINT32 * SECOND - 1, MAX_UINT32 * SECOND, END_OF_CALENDAR, 2**63, -(2**63))
MOMENTS = st.builds(
    lambda near, far: START + near + far,
    st.builds(int.__mul__, st.integers(0, 2 * MAX_BUCKETS), st.just(SECOND)),
    st.sampled_from((0, 0, 0, HOUR, -DAY, YEARS, -YEARS)),
) | st.sampled_from(FAR_OFF)
TIMES = st.lists(MOMENTS, max_size=40)


def times_of(moments: Sequence[int]) -> MessageTimes:
    """The times of messages that were posted at these moments, in this order."""
    times = MessageTimes()
    for at in moments:
        times.apply(at)
    return times


def seconds_of(at: int) -> int:
    """The second of the nearest time in the calendar."""
    return min(max(at, 0), END_OF_CALENDAR - 1) // SECOND


def model(moments: Sequence[int]) -> tuple[int, int, list[int]]:
    """Start, width and counts of the narrowest buckets that suffice, found by trying every width."""
    for width in (1 << doubled for doubled in count()):
        counts = Counter(seconds_of(at) // width for at in moments)
        if max(counts) - min(counts) < MAX_BUCKETS:
            return min(counts) * width, width, [counts[bucket] for bucket in range(min(counts), max(counts) + 1)]
    raise AssertionError("some width is enough")


def in_seconds(activity: Activity) -> tuple[int, int, list[int]]:
    """An activity in the form of the model."""
    return activity.start // SECOND, activity.seconds, activity.counts


@given(TIMES.filter(bool))
def test_every_message_is_in_its_bucket(moments: list[int]) -> None:
    """In whatever order they come, messages are counted in the narrowest buckets that are not too many."""
    assert in_seconds(times_of(moments).activity(MAX_BUCKETS)) == model(moments)


@given(TIMES, MOMENTS, MOMENTS)
def test_messages_are_counted_by_their_own_times(moments: list[int], start: int, end: int) -> None:
    """Between any two moments, the messages are counted whose own times are there, also those of stragglers."""
    start, end = sorted((seconds_of(start), seconds_of(end)))
    expected = sum(start <= seconds_of(at) < end for at in moments)

    assert times_of(moments).count(start * SECOND, end * SECOND) == expected


@given(TIMES, MOMENTS)
def test_a_straggler_counts_at_the_greatest_time_up_to_it(moments: list[int], at: int) -> None:
    """The first message at a moment is the first one that is not before it, so the messages before it are all before
    it.
    """
    at = min(seconds_of(at), MAX_UINT32) * SECOND
    expected = next((index for index, each in enumerate(moments) if seconds_of(each) >= at // SECOND), len(moments))

    assert times_of(moments).index_at(at) == expected


@given(TIMES.filter(bool))
def test_the_first_and_the_last_time_are_true_times(moments: list[int]) -> None:
    """The first time is the earliest one of all messages and the last one is the latest, in whatever order they are."""
    times, seconds = times_of(moments), [seconds_of(at) for at in moments]

    assert (times.first, times.last) == (min(seconds), max(seconds))
    assert [times.second_of(index) for index in range(len(moments))] == seconds


@given(
    TIMES,
    st.tuples(MOMENTS, MOMENTS).map(lambda each: sorted(map(seconds_of, each))).filter(lambda each: each[0] < each[1]),
    st.integers(1, MAX_BUCKETS),
)
def test_a_range_is_covered_by_buckets(moments: list[int], between: list[int], most: int) -> None:
    """The buckets of a range begin at its start and cover it, as narrow as the requested number allows."""
    start, end = between
    activity = times_of(moments).activity_between(start * SECOND, end * SECOND, most)
    width = ceil((end - start) / most)
    buckets = [range(first, first + width) for first in range(start, end, width)]

    assert len(activity.counts) <= most
    assert in_seconds(activity) == (start, width, [sum(seconds_of(at) in each for at in moments) for each in buckets])


def test_a_range_includes_the_seconds_that_it_cuts() -> None:
    """A range that begins and ends within seconds is covered by whole seconds."""
    activity = times_of([START, START + SECOND]).activity_between(START + 999, START + 1_001, 5)

    assert in_seconds(activity) == (START // SECOND, 1, [1, 1])


@pytest.mark.parametrize(("seconds", "width"), [(MAX_BUCKETS - 1, 1), (MAX_BUCKETS, 2)])
@pytest.mark.parametrize("odd", [0, SECOND])
def test_buckets_widen_when_there_are_too_many(seconds: int, width: int, odd: int) -> None:
    """Seconds have buckets of their own until there are too many; then pairs are merged."""
    moments = [START + odd, START + odd + SECOND, START + odd + seconds * SECOND]

    assert in_seconds(times_of(moments).activity(MAX_BUCKETS)) == model(moments)
    assert model(moments)[1] == width


@pytest.mark.long
@given(TIMES.filter(bool), st.data())
def test_hidden_messages_are_not_counted(moments: list[int], data: st.DataObject) -> None:
    """Whatever is removed, restored and erased between posts, only the messages that are shown are counted, also in a
    room that was restored from a snapshot.
    """
    at_position: dict[int, int] = {}
    room = folded_room(records_of([CRAB_REGISTERED]))
    for at in moments:
        fold(room, MessagePosted(CRAB, "Hello", None, at))
        at_position[room.position] = at
        for message in data.draw(st.lists(st.sampled_from([*at_position]), max_size=3)):
            fold(room, data.draw(st.sampled_from(visibility_events(message))))
    start, width, counts = model(moments)
    for message in room.history.removals.by_message:
        counts[seconds_of(at_position[message]) // width - start // width] -= 1
    times = room.history.times

    assert in_seconds(times.activity(MAX_BUCKETS)) == (start, width, counts)
    assert times.count(0, END_OF_CALENDAR) == room.history.visible_count
    assert decoded(encoded(take_snapshot(room))).history.times == times


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

    assert room.history.times.count(0, END_OF_CALENDAR) == 0


def test_a_message_takes_four_bytes() -> None:
    """Four bytes hold the time of a message as long as clocks do not step back."""
    times = times_of(range(START, START + YEARS, HOUR))

    assert (times.column.itemsize, times.sequences) == (4, [])


def test_two_clocks_need_one_sequence_of_stragglers() -> None:
    """Where two nodes take turns, one of which is a minute behind, its messages are one sequence."""
    times = times_of(
        [at for second in range(100) for at in (START + second * SECOND, START + second * SECOND - MINUTE)]
    )

    assert [len(each.seconds) for each in times.sequences] == [100]


def test_rare_stragglers_do_not_span_what_is_between_them() -> None:
    """Two messages of a machine that started in 1970, far apart in the log, are found without the messages between."""
    times = times_of([START, 10 * SECOND, *[START] * 3 * MAX_OTHERS, 11 * SECOND, START])

    assert times.spans(0, START) == [range(1, 2), range(3 * MAX_OTHERS + 2, 3 * MAX_OTHERS + 3)]


def test_times_in_descending_order_need_bounded_memory() -> None:
    """A log that goes back in time all along has a bounded number of sequences, and all its messages are counted."""
    times = times_of(range(START, START - 1_000 * SECOND, -SECOND))

    assert len(times.sequences) == MAX_SEQUENCES
    assert times.count(0, END_OF_CALENDAR) == 1_000


def test_an_empty_room_has_no_bucket() -> None:
    """A room without messages has no buckets, merged or not."""
    assert MessageTimes().activity(10) == Activity(0, 1, [])


def test_ten_years_need_few_buckets() -> None:
    """Ten years with a message every ten minutes fill between 500 and 1,000 buckets, and all messages are counted."""
    moments = range(START, START + YEARS, 10 * MINUTE)
    counts = times_of(moments).activity(MAX_BUCKETS).counts

    assert MAX_BUCKETS // 2 <= len(counts) <= MAX_BUCKETS
    assert sum(counts) == len(moments)


@given(TIMES.filter(bool), MOMENTS)
def test_activity_up_to_a_time(moments: list[int], end: int) -> None:
    """Up to a time the buckets are no wider than that span needs, whatever times come later."""
    times = [seconds_of(at) for at in moments]
    first, last = min(times), min(max(times), -(-end // SECOND) - 1)
    found = in_seconds(times_of(moments).activity(MAX_BUCKETS, end))
    if last < first:
        assert found == (0, 1, [])
        return
    width = next(1 << doubled for doubled in count() if (last >> doubled) - (first >> doubled) < MAX_BUCKETS)
    buckets = Counter(at // width for at in times)

    assert found == (first // width * width, width, [buckets[at] for at in range(first // width, last // width + 1)])


@given(TIMES.filter(bool), st.integers(1, MAX_BUCKETS))
def test_merged_buckets_hold_the_same_messages(moments: list[int], most: int) -> None:
    """Merged to any number, the buckets hold as many messages, start at the same time and end less than one later."""
    start, seconds, counts = in_seconds(times_of(moments).activity(MAX_BUCKETS))
    merged = times_of(moments).activity(most)

    assert len(merged.counts) <= most
    assert sum(merged.counts) == len(moments)
    assert merged.start == start * SECOND
    assert 0 <= merged.seconds * len(merged.counts) - seconds * len(counts) < merged.seconds


@pytest.mark.parametrize("most", [2, 3, 5])
def test_neighbouring_buckets_are_merged(most: int) -> None:
    """The count of a merged bucket is the sum of the counts in it."""
    merged = times_of([START + at * SECOND for at in range(10) for _ in range(at + 1)]).activity(most)
    ends = [at * merged.seconds for at in range(len(merged.counts) + 1)]

    assert merged.counts == [sum(range(low + 1, min(high, 10) + 1)) for low, high in pairwise(ends)]
