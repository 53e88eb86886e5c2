"""The times of posts are remembered as a list would that is cut at each post, and no post costs more for a long one."""

from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.times import FEW, Times

POSTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), max_size=200)
"""Each with the number that the limits then in force need."""


@given(POSTS)
def test_the_last_times_are_remembered(posts: list[tuple[int, int]]) -> None:
    """After each post there are as many times as the limits then needed, the last ones, in log order."""
    times, expected = Times(), list[int]()
    for at, most in posts:
        times, expected = times.then(at, most), [*expected, at][-most:]

        assert times.all == tuple(expected)


def test_times_do_not_change() -> None:
    """Two posts may follow the same state, as when a decision is made again; neither sees the other."""
    times = Times().then(1, 3)

    assert [times.then(2, 3).all, times.then(3, 3).all, times.all] == [(1, 2), (1, 3), (1,)]


def test_many_times_are_not_copied_for_one_more() -> None:
    """Most posts leave the many times before them where they are."""
    many = Times()
    for at in range(10_000):
        many = many.then(at, 5_000)
    following = [many := many.then(at, 5_000) for at in range(FEW)]

    assert len({id(each.earlier) for each in following}) <= 2
