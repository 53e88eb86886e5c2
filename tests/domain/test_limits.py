"""Rate limits: no more than N in any window, and waiting times that are exact."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatr.domain.limits import HOUR, MINUTE, SECOND, Limit, Limits, format_duration

LIMIT = st.builds(Limit, st.integers(1, 5), st.integers(1, 40))
"""Limits so small that few steps fill a window."""
FORWARD = st.lists(st.integers(0, 15), min_size=10, max_size=60)
STEPPING = st.lists(st.integers(-60, 60), min_size=10, max_size=60)


def times_of(steps: list[int]) -> list[int]:
    """The times of a clock that starts at 0 and moves by these steps."""
    times = [0]
    for step in steps:
        times.append(times[-1] + step)
    return times


def accepted(limit: Limit, times: list[int]) -> list[int]:
    """The times that the limit accepts, each judged after all before it."""
    allowed: list[int] = []
    for at in times:
        if not limit.wait(allowed, at):
            allowed.append(at)
    return allowed


def most_in_a_window(times: list[int], window: int) -> int:
    """The most times in any window, found by trying every window that begins with one of them."""
    return max(sum(start <= at < start + window for at in times) for start in times)


@given(LIMIT, FORWARD)
def test_no_window_holds_more_than_the_limit(limit: Limit, steps: list[int]) -> None:
    """While clocks go forward, no window of that length contains more than N, wherever it starts."""
    assert most_in_a_window(accepted(limit, times_of(steps)), limit.window) <= limit.count


@given(LIMIT, FORWARD)
def test_everything_within_the_limit_is_accepted(limit: Limit, steps: list[int]) -> None:
    """While clocks go forward, one is rejected only if some window would contain more than N."""
    allowed: list[int] = []
    for at in times_of(steps):
        fits = most_in_a_window([*allowed, at], limit.window) <= limit.count

        assert (limit.wait(allowed, at) == 0) == fits

        allowed += [at] if fits else []


@given(LIMIT, FORWARD, FORWARD, st.integers(0, 200))
def test_a_step_back_doubles_a_limit_at_most_once(limit: Limit, before: list[int], after: list[int], back: int) -> None:
    """A clock that steps back once lets a window of real time hold at most twice as many, and only across the step."""
    real = times_of([*before, *after])
    shown, allowed_before, allowed_after = list[int](), list[int](), list[int]()
    for number, at in enumerate(real):
        has_stepped = number > len(before)
        clock = at - back if has_stepped else at
        if not limit.wait(shown, clock):
            shown.append(clock)
            (allowed_after if has_stepped else allowed_before).append(at)

    assert most_in_a_window(allowed_before + allowed_after, limit.window) <= 2 * limit.count
    assert all(most_in_a_window(part, limit.window) <= limit.count for part in (allowed_before, allowed_after) if part)


@given(LIMIT, STEPPING)
def test_n_plus_one_in_a_row_are_a_window_apart(limit: Limit, steps: list[int]) -> None:
    """Whatever the clock does, the first and the last of N + 1 accepted in a row are at least a window apart."""
    allowed = accepted(limit, times_of(steps))
    distances = [abs(last - first) for first, last in zip(allowed, allowed[limit.count :], strict=False)]

    assert all(distance >= limit.window for distance in distances)


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_no_wait_is_longer_than_two_windows(limit: Limit, steps: list[int], step: int) -> None:
    """A clock that stepped back locks no agent out."""
    times = times_of(steps)

    assert 0 <= limit.wait(accepted(limit, times), times[-1] + step) < 2 * limit.window


@pytest.mark.parametrize(
    ("at", "expected"),
    [(89, 0), (90, 0), (91, 19), (99, 11), (100, 10), (109, 1), (110, 0), (111, 0)],
)
def test_the_wait_on_either_side_of_a_post(at: int, expected: int) -> None:
    """After a post at 100, the next one waits until 110 if it is less than 10 earlier or later."""
    assert Limit(1, 10).wait([100], at) == expected


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_the_wait_is_exact(limit: Limit, steps: list[int], step: int) -> None:
    """One more is accepted at the end of the wait, and not a millisecond earlier."""
    times = times_of(steps)
    allowed, at = accepted(limit, times), times[-1] + step
    wait = limit.wait(allowed, at)
    assume(wait)

    assert limit.wait(allowed, at + wait) == 0
    assert limit.wait(allowed, at + wait - 1) == 1


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_the_last_n_times_are_enough(limit: Limit, steps: list[int], step: int) -> None:
    """The wait after the last N times is the wait after all times: an agent's state needs no more."""
    times = times_of(steps)
    allowed, at = accepted(limit, times), times[-1] + step

    assert limit.wait(allowed, at) == limit.wait(allowed[-limit.count :], at)


@given(LIMIT, LIMIT, FORWARD, st.booleans())
def test_an_agent_s_times_serve_both_limits(one: Limit, other: Limit, steps: list[int], verified: bool) -> None:
    """An agent's state has as many times as the larger of the two limits needs."""
    limits, times = Limits(one, other), times_of(steps)
    limit = limits.post_limit(verified=verified)

    assert limit.wait(times, times[-1]) == limit.wait(times[-limits.post_times_needed :], times[-1])


@pytest.mark.parametrize(("count", "window"), [(0, MINUTE), (-1, MINUTE), (1, 0), (1, -MINUTE)])
def test_a_limit_has_a_count_and_a_window(count: int, window: int) -> None:
    """A count or a window below 1 is an error."""
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
def test_a_limit_is_printed_in_words(limit: Limit, expected: str) -> None:
    """A limit is printed as people would say it."""
    assert str(limit) == expected


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(SECOND, "second"), (48 * HOUR, "48 hours"), (61 * MINUTE, "61 minutes"), (1500, "1500 milliseconds")],
)
def test_a_duration_is_printed_in_its_largest_whole_unit(duration: int, expected: str) -> None:
    """No duration is rounded."""
    assert format_duration(duration) == expected


def test_the_default_limits() -> None:
    """The default limits are those that the published skill promises."""
    assert Limits() == Limits(Limit(10, 60_000), Limit(1, 300_000), online_for=1_800_000)


@given(LIMIT, STEPPING, st.integers(-60, 60))
def test_a_budget_is_exact(limit: Limit, steps: list[int], step: int) -> None:
    """Exactly as many more are accepted now as the budget says."""
    times = times_of(steps)
    allowed, at = accepted(limit, times), times[-1] + step
    remaining, _ = limit.budget(allowed, at)

    assert remaining == len(accepted(limit, [*allowed, *[at] * (limit.count + 1)])) - len(allowed)


@given(LIMIT, FORWARD, st.integers(0, 60))
def test_a_budget_grows_at_the_stated_time(limit: Limit, steps: list[int], step: int) -> None:
    """The budget grows at the stated time and not before; 0 means that it is full."""
    times = times_of(steps)
    allowed, at = accepted(limit, times), times[-1] + step
    remaining, grows_in = limit.budget(allowed, at)

    if grows_in:
        assert limit.budget(allowed, at + grows_in - 1)[0] == remaining
        assert limit.budget(allowed, at + grows_in)[0] > remaining
    else:
        assert remaining == limit.count
