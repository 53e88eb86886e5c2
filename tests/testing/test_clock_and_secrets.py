"""The clock and the secrets of the testing kit."""

import pytest

from chatr.domain.keys import is_key
from chatr.domain.limits import CODE_ALPHABET, CODE_LENGTH
from chatr.ports import Clock, Secrets
from chatr.testing.clock import START, SettableClock
from chatr.testing.secrets import CountedSecrets


def test_time_passes_when_advanced() -> None:
    """Advancing the clock moves the time of day and the elapsed time."""
    clock: Clock = (settable := SettableClock())
    settable.advance(5)

    assert (clock.now(), clock.elapsed()) == (START + 5, 5)


def test_a_clock_that_is_set_back() -> None:
    """The time of day may step back; the elapsed time does not."""
    clock = SettableClock()
    clock.advance(5)
    clock.set(START - 1000)

    assert (clock.now(), clock.elapsed()) == (START - 1000, 5)


def test_time_does_not_pass_backwards() -> None:
    """Advancing by a negative duration is an error."""
    with pytest.raises(ValueError, match=r"use set\(\)"):
        SettableClock().advance(-1)


def test_secrets_are_the_same_in_every_run() -> None:
    """Two new instances return the same keys, codes and ids in the same order."""
    first, second = CountedSecrets(), CountedSecrets()

    assert [first.key(), first.code(), first.record_id()] == [second.key(), second.code(), second.record_id()]


def test_secrets_look_like_secrets() -> None:
    """Keys have a valid checksum, codes the right alphabet, and no two are equal."""
    secrets: Secrets = CountedSecrets()
    keys = [secrets.key() for _ in range(40)]
    codes = [secrets.code() for _ in range(40)]

    assert all(map(is_key, keys))
    assert all(len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) for code in codes)
    assert len(set(keys)) == len(set(codes)) == 40


def test_ids_differ_in_their_fingerprint() -> None:
    """No two record ids have the same first eight characters."""
    secrets = CountedSecrets()

    assert len({secrets.record_id()[:8] for _ in range(40)}) == 40
