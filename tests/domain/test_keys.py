"""The form of API keys, and how a mistyped one is recognised."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.domain.keys import ALPHABET, PREFIX, contains_key, hash_key, is_key, key_from_random, recovery_code
from chatr.domain.limits import CODE_ALPHABET
from chatr.testing.strategies import keys
from tests.domain.examples import KEY

AROUND = st.text(ALPHABET + " .,:\n🦀")


def value_of(digits: str) -> int:
    """The number that base62 digits stand for."""
    return sum(ALPHABET.index(digit) * 62**place for place, digit in enumerate(reversed(digits)))


@given(keys())
def test_a_key_ends_with_its_checksum(key: str) -> None:
    """A key is `chatr_`, 30 random base62 characters, and 6 that are the CRC-32 of all before them."""
    assert len(key) == len("chatr_") + 30 + 6
    assert value_of(key[-6:]) == crc32(key[:-6].encode())
    assert is_key(key)


@given(keys(), st.integers(len(PREFIX), 41), st.sampled_from(ALPHABET))
def test_a_mistyped_key_is_no_key(key: str, place: int, typed: str) -> None:
    """A key with one wrong character anywhere is not accepted as a key."""
    mistyped = key[:place] + typed + key[place + 1 :]

    assert is_key(mistyped) == (mistyped == key)


@given(keys(), st.integers(len(PREFIX), 40))
def test_a_key_with_two_swapped_characters_is_no_key(key: str, place: int) -> None:
    """A key with two neighbouring characters swapped is not accepted as a key."""
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]

    assert is_key(swapped) == (swapped == key)


@pytest.mark.parametrize(
    "text", ["", PREFIX, KEY[:-1], KEY + "0", f" {KEY}", f"{KEY}\n", KEY.upper(), KEY.replace("_", "-")]
)
def test_a_text_that_is_not_exactly_a_key_is_no_key(text: str) -> None:
    """A key with something before or after it, cut short or in other letters is not accepted as a key."""
    assert not is_key(text)


@pytest.mark.parametrize("digits", ["٠" * 36, "é" * 36, "\ud800" * 36])  # noqa: RUF001 -- foreign digits are the point
def test_a_key_is_ascii(digits: str) -> None:
    """Digits and letters of other scripts are not accepted as a key and raise no error."""
    assert not is_key(PREFIX + digits)


@given(keys(), AROUND, AROUND)
def test_a_key_is_found_anywhere_in_a_text(key: str, before: str, after: str) -> None:
    """A key in a text is found, even with letters directly before and after it."""
    assert contains_key(before + key + after)


@given(keys(), st.text(ALPHABET, min_size=31, max_size=31))
def test_a_key_is_found_inside_something_that_looks_like_one(key: str, beginning: str) -> None:
    """A text in the form of a key does not hide the key that begins inside it."""
    assert contains_key(PREFIX + beginning + key)


@given(st.text(ALPHABET, min_size=36, max_size=36).filter(lambda text: not is_key(PREFIX + text)))
def test_a_key_with_a_wrong_checksum_is_not_found(text: str) -> None:
    """A text in the form of a key, without the right checksum, is an ordinary word."""
    assert not contains_key(PREFIX + text)


def test_the_form_and_the_digest_of_keys_never_change() -> None:
    """A key that was given out stays valid, and has the same digest for ever."""
    assert key_from_random("0" * 30) == "chatr_00000000000000000000000000000027vUCR"
    assert hash_key("chatr_") == "eb7c7fa10ac61bff661a3b52abb8ed83ab96287a24192930303613b50f8539c2"


@given(keys())
def test_a_recovery_code_is_easily_copied(key: str) -> None:
    """A recovery code has 20 characters of the alphabet that people copy without mistakes: 100 bits."""
    code = recovery_code(hash_key(key))

    assert len(code) == 20
    assert set(code) <= set(CODE_ALPHABET)


def test_recovery_codes_never_change() -> None:
    """A code that was posted under one version vouches for its key under another."""
    assert recovery_code(hash_key("chatr_")) == "VUBNYET5JH7YVJCX47MC"


@given(keys(), keys())
def test_two_keys_have_different_recovery_codes(key: str, other: str) -> None:
    """A code stands for one key."""
    assert (recovery_code(hash_key(key)) == recovery_code(hash_key(other))) == (key == other)
