"""The packed times of an agent's posts are a list of the last ones."""

from collections.abc import Iterable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.agent import Agent, evolve_agent
from chatr.domain.events import MessagePosted
from chatr.domain.limits import SECOND, Limit, Limits
from chatr.domain.post_times import CHUNK_LENGTH, PostTimes
from tests.domain.examples import CRAB

COUNTS: Final = st.sampled_from([1, 10, CHUNK_LENGTH - 1, CHUNK_LENGTH + 1, 2 * CHUNK_LENGTH, 1_000_000])
POSTS: Final = st.integers(0, 2 * CHUNK_LENGTH + 5)


def after_posts(times: Iterable[int], count: int, agent: Agent | None = None) -> Agent:
    """The agent after posts at these times, of which the limits need the last `count`."""
    limits, agent = Limits(Limit(count, SECOND), Limit(1, SECOND)), agent or Agent(CRAB)
    for at in times:
        agent = evolve_agent(agent, MessagePosted(CRAB, "Hello!", None, at), agent.position + 1, limits)
    return agent


@given(COUNTS, COUNTS, POSTS, POSTS)
def test_the_last_times_are_remembered(count: int, later_count: int, posts: int, later_posts: int) -> None:
    """Exactly as many times are remembered as the limits need, in order, also after the limits changed."""
    times, later = list(range(posts)), list(range(posts, posts + later_posts))
    expected = times[-count:]
    if later:
        expected = [*expected, *later][-later_count:]
    posted_at = after_posts(later, later_count, after_posts(times, count)).posted_at

    assert (list(posted_at), list(posted_at[-3:]), len(posted_at)) == (expected, expected[-3:], len(expected))


@given(st.sets(POSTS), COUNTS, st.integers(1, 2_000), POSTS)
def test_what_is_left_is_the_same_as_of_a_list(stepped_back: set[int], count: int, window: int, at: int) -> None:
    """Whatever clocks did, as many messages are left as if all times were looked at."""
    limit = Limit(count, window * SECOND)
    times = [SECOND * (number - 20 * (number in stepped_back)) for number in range(2 * CHUNK_LENGTH)]
    posted_at = after_posts(times, max(count, CHUNK_LENGTH + 50)).posted_at

    assert limit.budget(posted_at, at * SECOND) == limit.budget(list(posted_at), at * SECOND)
    assert limit.wait(posted_at, at * SECOND) == limit.wait(list(posted_at), at * SECOND)


def test_a_post_copies_little_however_many_are_allowed() -> None:
    """With a limit of a million, a post leaves nearly all remembered times where they are."""
    before = after_posts(range(5_000), 1_000_000)
    after = after_posts([5_000], 1_000_000, before)

    assert all(old is new for old, new in zip(before.post_chunks, after.post_chunks, strict=True))
    assert len(after.post_times) <= 8 * CHUNK_LENGTH


def test_few_times_are_looked_at() -> None:
    """What is left of a limit of a million is known without looking at times that are too old to matter."""
    agent = after_posts(range(0, 10_000 * SECOND, SECOND), 1_000_000)
    posted_at = PostTimes(agent.post_chunks, agent.post_times)

    assert len(list(posted_at.indices_near(9_990 * SECOND, 10_010 * SECOND, 0))) <= 2 * CHUNK_LENGTH


@pytest.mark.parametrize("at", [2**64 - 1, 2**63 - 1, -(2**63)])
def test_an_impossible_time_can_be_folded(at: int) -> None:
    """An export may contain any number: it counts as the greatest time that can be stored."""
    assert list(after_posts([at], 1).posted_at) == [min(at, 2**63 - 1)]
