"""How much was said when, in few buckets."""

from collections import Counter
from collections.abc import Sequence
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.activity import BUCKETS, Activity
from chatr.domain.limits import CALENDAR_ENDS, HOUR, MINUTE, SECOND
from chatr.testing.clock import START

DAY = 24 * HOUR
YEARS = 10 * 365 * DAY
TIMES = st.lists(
    st.builds(
        lambda near, far: START + near + far,
        st.builds(int.__mul__, st.integers(0, 2 * BUCKETS), st.just(SECOND)),
        st.sampled_from((0, 0, 0, HOUR, -DAY, YEARS, -YEARS)),
    )
    | st.sampled_from((-1, 0, CALENDAR_ENDS, 2**63, -(2**63))),
    max_size=40,
)


def counted(times: Sequence[int]) -> Activity:
    activity = Activity()
    for at in times:
        activity.apply(at)
    return activity


def model(times: Sequence[int]) -> tuple[int, int, list[int]]:
    """Start, width and counts of the narrowest buckets that suffice, found by trying them all."""
    real = [min(max(at, 0), CALENDAR_ENDS - 1) for at in times]
    for width in (SECOND << doubled for doubled in count()):
        said = Counter(at // width for at in real)
        if max(said) - min(said) < BUCKETS:
            return min(said) * width, width, [said[each] for each in range(min(said), max(said) + 1)]
    raise AssertionError("some width is enough")


@given(TIMES.filter(bool))
def test_every_message_is_in_its_bucket(times: list[int]) -> None:
    """In whichever order clocks put them, messages are counted in the narrowest buckets of which few are enough."""
    activity = counted(times)

    assert (activity.start, activity.width, activity.counts) == model(times)


@pytest.mark.parametrize(("seconds", "width"), [(BUCKETS - 1, SECOND), (BUCKETS, 2 * SECOND)])
@pytest.mark.parametrize("odd", [0, SECOND])
def test_buckets_widen_when_they_must(seconds: int, width: int, odd: int) -> None:
    """Seconds are told apart until there are too many of them; then two are one, and each stays in its place."""
    times = [START + odd, START + odd + SECOND, START + odd + seconds * SECOND]

    assert counted(times).width == width
    assert (counted(times).start, counted(times).counts) == (model(times)[0], model(times)[2])


def test_an_empty_room_has_no_bucket() -> None:
    """Where nothing was said there is nothing to draw."""
    assert Activity().merged(10).counts == []


def test_a_long_life_is_kept_small() -> None:
    """Ten years with a message every ten minutes are no more than some hundred buckets, and all are counted."""
    activity = counted(range(START, START + YEARS, 10 * MINUTE))

    assert BUCKETS // 2 <= len(activity.counts) <= BUCKETS
    assert sum(activity.counts) == len(range(START, START + YEARS, 10 * MINUTE))


@given(TIMES, st.integers(1, BUCKETS))
def test_fewer_buckets_hold_the_same(times: list[int], most: int) -> None:
    """Merged to any number, they hold as many messages, begin at the same time and reach as far."""
    activity = counted(times)
    merged = activity.merged(most)

    assert len(merged.counts) <= most
    assert sum(merged.counts) == len(times)
    assert merged.start == activity.start
    assert 0 <= merged.width * len(merged.counts) - activity.width * len(activity.counts) < merged.width


@pytest.mark.parametrize("most", [2, 3, 5])
def test_neighbours_are_merged(most: int) -> None:
    """A wider bucket is the sum of the buckets that it took in."""
    activity = counted([START + at * SECOND for at in range(10) for _ in range(at + 1)])
    merged = activity.merged(most)
    ends = [at * merged.width // SECOND for at in range(len(merged.counts) + 1)]

    assert merged.counts == [sum(range(low + 1, min(high, 10) + 1)) for low, high in pairwise(ends)]
