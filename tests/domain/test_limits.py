"""No more than N in any window, and a wait that is neither too long nor too short."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits, spoken

LIMIT = st.builds(Limit, st.integers(1, 5), st.integers(1, 40))
"""So small that few steps fill a window."""
FORWARD = st.lists(st.integers(0, 15), min_size=10, max_size=60)
STEPPING = st.lists(st.integers(-60, 60), min_size=10, max_size=60)


def asked(steps: list[int]) -> list[int]:
    """The times that a clock shows which starts at 0 and moves by these steps."""
    times = [0]
    for step in steps:
        times.append(times[-1] + step)
    return times


def accepted(limit: Limit, times: list[int]) -> list[int]:
    """Those of the times that the limit lets pass, each judged after all before it."""
    passed: list[int] = []
    for at in times:
        if not limit.wait(passed, at):
            passed.append(at)
    return passed


def fullest(times: list[int], window: int) -> int:
    """The most that any window holds, found by trying every one that begins with one of the times."""
    return max(sum(start <= at < start + window for at in times) for start in times)


@given(LIMIT, FORWARD)
def test_no_window_holds_more_than_the_limit(limit: Limit, steps: list[int]) -> None:
    """While clocks go forward, no window of that length holds more than N, wherever it starts."""
    assert fullest(accepted(limit, asked(steps)), limit.window) <= limit.count


@given(LIMIT, FORWARD)
def test_nothing_is_refused_that_fits(limit: Limit, steps: list[int]) -> None:
    """While clocks go forward, a refused one would have made some window too full."""
    passed: list[int] = []
    for at in asked(steps):
        fits = fullest([*passed, at], limit.window) <= limit.count

        assert (limit.wait(passed, at) == 0) == fits

        passed += [at] if fits else []


@given(LIMIT, STEPPING)
def test_whatever_the_clock_does_the_window_lies_between(limit: Limit, steps: list[int]) -> None:
    """When clocks step, the first and the last of N + 1 accepted in a row are still a window apart."""
    passed = accepted(limit, asked(steps))
    distances = [abs(last - first) for first, last in zip(passed, passed[limit.count :], strict=False)]

    assert all(distance >= limit.window for distance in distances)


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_nobody_waits_longer_than_two_windows(limit: Limit, steps: list[int], step: int) -> None:
    """A clock that stepped back locks nobody out."""
    times = asked(steps)

    assert 0 <= limit.wait(accepted(limit, times), times[-1] + step) < 2 * limit.window


@pytest.mark.parametrize(
    ("at", "expected"),
    [(89, 0), (90, 0), (91, 19), (99, 11), (100, 10), (109, 1), (110, 0), (111, 0)],
)
def test_the_wait_on_either_side(at: int, expected: int) -> None:
    """A post at 100 holds up the next within 10 of it, earlier or later, and until 110."""
    assert Limit(1, 10).wait([100], at) == expected


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_the_wait_is_exact(limit: Limit, steps: list[int], step: int) -> None:
    """At the end of the wait one more passes, and a millisecond earlier it does not."""
    times = asked(steps)
    passed, at = accepted(limit, times), times[-1] + step
    wait = limit.wait(passed, at)
    assume(wait)

    assert limit.wait(passed, at + wait) == 0
    assert limit.wait(passed, at + wait - 1) == 1


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_the_last_n_times_are_enough(limit: Limit, steps: list[int], step: int) -> None:
    """What an agent's state keeps tells as much as all that it ever posted."""
    times = asked(steps)
    passed, at = accepted(limit, times), times[-1] + step

    assert limit.wait(passed, at) == limit.wait(passed[-limit.count :], at)


@given(LIMIT, LIMIT, FORWARD, st.booleans())
def test_an_agent_s_memory_serves_both_rates(one: Limit, other: Limit, steps: list[int], verified: bool) -> None:
    """As many times are kept as the larger of the two rates needs."""
    limits, times = Limits(one, other), asked(steps)
    rate = limits.posting(verified=verified)

    assert rate.wait(times, times[-1]) == rate.wait(times[-limits.posts_remembered :], times[-1])


@pytest.mark.parametrize(("count", "window"), [(0, MINUTE), (-1, MINUTE), (1, 0), (1, -MINUTE)])
def test_a_limit_allows_something_in_some_time(count: int, window: int) -> None:
    """Nothing in a minute, or something in no time, is no limit."""
    with pytest.raises(ValueError, match=r"."):
        Limit(count, window)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(10, MINUTE), "10 per minute"),
        (Limit(1, 5 * MINUTE), "1 per 5 minutes"),
        (Limit(5, HOUR), "5 per hour"),
        (Limit(1, 90 * SECOND), "1 per 90 seconds"),
        (Limit(3, 1), "3 per millisecond"),
    ],
)
def test_a_limit_is_told_in_words(limit: Limit, expected: str) -> None:
    """A limit reads as people would say it."""
    assert str(limit) == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(SECOND, "second"), (48 * HOUR, "48 hours"), (61 * MINUTE, "61 minutes"), (1500, "1500 milliseconds")],
)
def test_a_duration_is_told_in_its_largest_whole_unit(duration: int, expected: str) -> None:
    """No duration is rounded when it is told."""
    assert spoken(duration) == expected


def test_the_house_s_own_limits() -> None:
    """The rates and times that the skill promises are what holds until an operator says otherwise."""
    assert Limits() == Limits(Limit(10, 60_000), Limit(1, 300_000), online_for=1_800_000)


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_a_budget_is_what_may_be_spent(limit: Limit, steps: list[int], step: int) -> None:
    """As many more pass at once as the budget says, and not one more."""
    times = asked(steps)
    passed, at = accepted(limit, times), times[-1] + step
    allowed, _ = limit.budget(passed, at)

    assert allowed == len(accepted(limit, [*passed, *[at] * (limit.count + 1)])) - len(passed)


@given(LIMIT, FORWARD, st.integers(0, 60))
def test_a_budget_grows_when_it_says(limit: Limit, steps: list[int], step: int) -> None:
    """The budget grows at the moment that is told and not before; told 0, it has nowhere to grow."""
    times = asked(steps)
    passed, at = accepted(limit, times), times[-1] + step
    allowed, grows = limit.budget(passed, at)

    if grows:
        assert limit.budget(passed, at + grows - 1)[0] == allowed
        assert limit.budget(passed, at + grows)[0] > allowed
    else:
        assert allowed == limit.count
