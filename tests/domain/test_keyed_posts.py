"""Packed idempotency keys are found like the entries of a dictionary."""

import sys
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.commands import Post
from chatr.domain.decide import AlreadyRecorded, decide
from chatr.domain.keyed_posts import KeyedPost, digest, find, key_digest, with_post
from chatr.domain.limits import HOUR, MINUTE, Limit
from chatr.domain.rule import RuleContext, RuleViolated
from chatr.testing.clock import START
from chatr.testing.records import folded_room, records_of
from tests.domain.examples import CRAB, CRAB_REGISTERED, LOBSTER

NUMBERS: Final = range(100)


def packed(*posts: tuple[str, str], most: int = 1_000) -> bytes:
    """The entries of posts, given as keys and contents, at the positions 1, 2, 3 and so on."""
    entries = b""
    for position, (key, content) in enumerate(posts, 1):
        entries = with_post(entries, key_digest(CRAB, key), content, position, most)
    return entries


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))), st.integers(1, 5))
def test_packed_keys_are_a_dictionary(posts: list[tuple[str, str]], most: int) -> None:
    """Each of the last posts is found by its key, the last one if several have it, and no other post is found."""
    entries = packed(*posts, most=most)
    last = list(enumerate(posts, 1))[-most:]
    model = {key: KeyedPost(position, digest(content)) for position, (key, content) in last}

    for key in {key for key, _ in posts} | {"another"}:
        assert find(entries, key_digest(CRAB, key)) == model.get(key)


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=4), st.data())
def test_a_key_is_found_only_where_an_entry_begins(keys: list[bytes], data: st.DataObject) -> None:
    """Bytes that look like a key, across the fields of entries, are no key."""
    entries = b""
    for position, key in enumerate(keys):
        entries = with_post(entries, key, "Hello!", position, 10)
    start = data.draw(st.integers(0, len(entries) - 8))
    found = find(entries, entries[start : start + 8])

    assert (found is not None) == (entries[start : start + 8] in keys)


def test_the_same_bytes_follow_from_the_same_posts() -> None:
    """Every node and every replay packs the same bytes, whatever the process and the machine."""
    assert packed(("first", "Hello!")).hex() == "137ce69e45c5a615a3622f16431be30a0100000000000000"


def test_agents_have_other_digests_of_the_same_key() -> None:
    """Keys that are taken for one another in one agent's posts are not so in those of another agent."""
    assert key_digest(CRAB, "first") != key_digest(LOBSTER, "first")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(10, MINUTE), 100),
        (Limit(12, MINUTE), 120),
        (Limit(150, HOUR), 150),
        (Limit(7, 7 * MINUTE), 100),
        (Limit(75, 7 * MINUTE), 150),
        (Limit(1, 5 * MINUTE), 100),
        (Limit(1_000_000, MINUTE), 1_000),
    ],
    ids=str,
)
def test_keys_of_ten_minutes_are_remembered(limit: Limit, expected: int) -> None:
    """As many keys are remembered as posts are allowed in any ten minutes, at least 100 and at most 1,000."""
    assert limit.keys_remembered == expected


def test_a_key_that_looks_like_another_is_one_that_was_used_before() -> None:
    """If two keys of an agent had the same digest, another message with the second one would be rejected."""
    entries = with_post(b"", key_digest(CRAB, "second"), "Hello!", 2, 100)
    agent = evolve(folded_room(records_of([CRAB_REGISTERED])).agent(CRAB), keyed_posts=entries)

    assert decide(agent, Post(CRAB, "Hello!", START, "second"), RuleContext()) == AlreadyRecorded(2)
    with pytest.raises(RuleViolated, match="must not be used again for another message"):
        decide(agent, Post(CRAB, "Another", START, "second"), RuleContext())


def test_a_hundred_keys_take_less_than_2_500_bytes() -> None:
    """An agent that uses a key for each post costs little memory, and no object that the collector would track."""
    assert sys.getsizeof(packed(*((f"{number:064}", "Hello!") for number in NUMBERS))) <= 2_500
