"""How often each address may do a thing, against the plainest reading of it; and how much memory that takes."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.quota import ADDRESSES, Quota
from chatr.domain.limits import SECOND, Limit

ADDRESS = "192.0.2.1"
limits = st.builds(Limit, st.integers(1, 4), st.integers(1, 50))
pauses = st.lists(st.integers(0, 30), max_size=60)


def moments(pauses: Sequence[int]) -> list[int]:
    return [sum(pauses[: index + 1]) for index in range(len(pauses))]


def wait(limit: Limit, accepted: Sequence[int], now: int) -> int:
    """The least pause after which no window holds more than the limit allows, found by trying."""
    return next(
        pause
        for pause in range(limit.window + 1)
        if sum(now + pause - limit.window < each for each in accepted) < limit.count
    )


@given(limits, pauses)
def test_a_quota_is_exact(limit: Limit, pauses: Sequence[int]) -> None:
    """A take is accepted exactly when no window then holds more than N, and else told how long to wait."""
    quota = Quota(limit)
    accepted: list[int] = []
    for now in moments(pauses):
        expected = wait(limit, accepted, now)

        assert quota.wait(ADDRESS, now) == expected
        assert quota.take(ADDRESS, now) == expected
        accepted += [now] if expected == 0 else []


@given(limits, pauses, st.sets(st.integers(0, 59)))
def test_what_is_given_back_was_never_taken(limit: Limit, pauses: Sequence[int], refused: set[int]) -> None:
    """A take that is given back before the next one leaves the quota as it was."""
    quota = Quota(limit)
    accepted: list[int] = []
    for index, now in enumerate(moments(pauses)):
        expected = wait(limit, accepted, now)
        if quota.take(ADDRESS, now) == 0:
            if index in refused:
                quota.give_back(ADDRESS, now)
            else:
                accepted.append(now)

        assert quota.wait(ADDRESS, now) == (expected or wait(limit, accepted, now))


@given(limits, st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=60))
def test_addresses_have_quotas_of_their_own(limit: Limit, takes: Sequence[tuple[str, int]]) -> None:
    """What one address takes is not another's."""
    together, apart = Quota(limit), {address: Quota(limit) for address in "abc"}
    for now, (address, _) in zip(moments([pause for _, pause in takes]), takes, strict=True):
        assert together.take(address, now) == apart[address].take(address, now)


def test_giving_back_what_was_not_taken_changes_nothing() -> None:
    """An address that was forgotten meanwhile has nothing to get back."""
    quota = Quota(Limit(1, SECOND))
    quota.give_back(ADDRESS, 0)
    quota.take(ADDRESS, 1)
    quota.give_back(ADDRESS, 2)

    assert quota.wait(ADDRESS, 3) == SECOND - 2


@pytest.mark.parametrize("count", [1, 3])
def test_a_flood_of_addresses_sets_no_offender_free(count: int) -> None:
    """Whoever must wait must wait, however many others come by meanwhile."""
    quota = Quota(Limit(3, SECOND), addresses=100)
    for _ in range(3):
        quota.take(ADDRESS, 0)
    for number in range(10_000):
        for _ in range(count - 1):
            quota.take(f"address {number % 50}", number // 20)
        quota.take(f"passer-by {number}", number // 20)

    assert quota.take(ADDRESS, 999) == 1


def test_a_flood_of_addresses_forgets_the_idle_ones_first() -> None:
    """An address that keeps coming keeps its count."""
    quota = Quota(Limit(3, SECOND), addresses=100)
    for number in range(1_000):
        if number % 50 == 0:
            quota.take(ADDRESS, number // 20)
        quota.take(f"passer-by {number}", number // 20)

    assert quota.wait(ADDRESS, 50) > 0


def flood(quota: Quota, addresses: int, takes: int, pause: int = 0) -> int:
    """Bytes that so many addresses leave behind, of which each comes so often."""
    tracemalloc.start()
    for number in range(addresses):
        for take in range(takes):
            quota.take(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64", number + take * pause)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_an_address_that_keeps_coming_takes_no_more_memory() -> None:
    """Of an address no more is remembered than its limit needs."""
    assert flood(Quota(Limit(5, SECOND)), 1, 10_000, pause=SECOND) < 4096


@pytest.mark.long
@pytest.mark.parametrize(
    ("limit", "addresses", "takes"),
    [
        pytest.param(Limit(120, 60 * SECOND), 1_000_000, 1, id="a million passers-by"),
        pytest.param(Limit(5, 3600 * SECOND), 150_000, 5, id="offenders"),
    ],
)
def test_a_flood_of_addresses_takes_little_memory(limit: Limit, addresses: int, takes: int) -> None:
    """What an attacker with a large network can fill is bounded by 64 MiB."""
    assert flood(Quota(limit), addresses, takes) < 64 * 2**20


def test_the_tables_are_bounded() -> None:
    """As many addresses are remembered as were asked for, and as many again of those that must wait."""
    quota = Quota(Limit(2, SECOND), addresses=10)
    for number in range(100):
        quota.take(f"passer-by {number}", 0)
        quota.take(f"offender {number}", 0)
        quota.take(f"offender {number}", 0)

    remembered = [number for number in range(100) if quota.wait(f"offender {number}", 0)]
    assert remembered == list(range(90, 100))
    assert ADDRESSES <= 100_000
