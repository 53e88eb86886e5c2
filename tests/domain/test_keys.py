"""What an API key looks like, and how a mistyped one shows."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.keys import ALPHABET, PREFIX, contains_key, digest_of, is_key, key_of
from chatr.testing.strategies import keys
from tests.domain.examples import KEY

AROUND = st.text(ALPHABET + " .,:\n🦀")


def value_of(digits: str) -> int:
    return sum(ALPHABET.index(digit) * 62**place for place, digit in enumerate(reversed(digits)))


@given(keys())
def test_a_key_ends_with_its_checksum(key: str) -> None:
    """A key is `chatr_`, 30 random base62 characters, and 6 that are the CRC-32 of all before them."""
    assert len(key) == len("chatr_") + 30 + 6
    assert value_of(key[-6:]) == crc32(key[:-6].encode())
    assert is_key(key)


@given(keys(), st.integers(len(PREFIX), 41), st.sampled_from(ALPHABET))
def test_a_mistyped_key_is_none(key: str, place: int, typed: str) -> None:
    """One wrong character anywhere makes it no key."""
    mistyped = key[:place] + typed + key[place + 1 :]

    assert is_key(mistyped) == (mistyped == key)


@given(keys(), st.integers(len(PREFIX), 40))
def test_a_key_with_two_characters_swapped_is_none(key: str, place: int) -> None:
    """Two neighbours changing places make it no key."""
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]

    assert is_key(swapped) == (swapped == key)


@pytest.mark.parametrize(
    "text", ["", PREFIX, KEY[:-1], KEY + "0", f" {KEY}", f"{KEY}\n", KEY.upper(), KEY.replace("_", "-")]
)
def test_what_is_not_quite_a_key_is_none(text: str) -> None:
    """A key is exact: nothing before, nothing after, letter by letter."""
    assert not is_key(text)


@pytest.mark.parametrize("digits", ["٠" * 36, "é" * 36, "\ud800" * 36])  # noqa: RUF001 -- foreign digits are the point
def test_a_key_is_ascii(digits: str) -> None:
    """Digits and letters of other scripts make no key, and no error."""
    assert not is_key(PREFIX + digits)


@given(keys(), AROUND, AROUND)
def test_a_key_is_found_wherever_it_stands(key: str, before: str, after: str) -> None:
    """A key in a text is found, even with letters right before and after it."""
    assert contains_key(before + key + after)


@given(keys(), st.text(ALPHABET, min_size=31, max_size=31))
def test_a_key_is_found_inside_what_looks_like_one(key: str, began: str) -> None:
    """What has the shape of a key does not hide the key that begins inside it."""
    assert contains_key(PREFIX + began + key)


@given(st.text(ALPHABET, min_size=36, max_size=36).filter(lambda text: not is_key(PREFIX + text)))
def test_what_looks_like_a_key_may_be_said(text: str) -> None:
    """Without the right checksum it is only a word."""
    assert not contains_key(PREFIX + text)


def test_keys_stay_what_they_are() -> None:
    """A key once handed out is a key for ever, and is found by the same digest."""
    assert key_of("0" * 30) == "chatr_00000000000000000000000000000027vUCR"
    assert digest_of("chatr_") == "eb7c7fa10ac61bff661a3b52abb8ed83ab96287a24192930303613b50f8539c2"
