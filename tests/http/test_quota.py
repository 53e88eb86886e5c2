"""Quotas per address are exact, compared with the plainest definition, and take bounded memory."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatr.adapters.http.admission.quota import MAX_ADDRESSES, Quota
from chatr.domain.limits import SECOND, Limit

ADDRESS = "192.0.2.1"
limits = st.builds(Limit, st.integers(1, 4), st.integers(1, 50))
all_pauses = st.lists(st.integers(0, 30), max_size=60)


def times_after(pauses: Sequence[int]) -> list[int]:
    """Return the times of takes with these pauses between them."""
    return [sum(pauses[: index + 1]) for index in range(len(pauses))]


def shortest_wait(limit: Limit, accepted: Sequence[int], now: int) -> int:
    """Return the least pause after which no window holds more than the limit allows, found by trying each."""
    return next(
        pause
        for pause in range(limit.window + 1)
        if sum(now + pause - limit.window < time for time in accepted) < limit.count
    )


@given(limits, all_pauses)
def test_a_quota_is_exact(limit: Limit, pauses: Sequence[int]) -> None:
    """A take succeeds exactly when no window then holds more than N; otherwise it returns the exact wait."""
    quota = Quota(limit)
    accepted: list[int] = []
    for now in times_after(pauses):
        expected = shortest_wait(limit, accepted, now)

        assert quota.wait(ADDRESS, now) == expected
        assert quota.take(ADDRESS, now) == expected
        accepted += [now] if expected == 0 else []


@given(limits, all_pauses, st.sets(st.integers(0, 59)))
def test_a_take_that_is_given_back_does_not_count(limit: Limit, pauses: Sequence[int], given_back: set[int]) -> None:
    """If it is given back before the next take, the quota is as it was."""
    quota = Quota(limit)
    accepted: list[int] = []
    for index, now in enumerate(times_after(pauses)):
        expected = shortest_wait(limit, accepted, now)
        if quota.take(ADDRESS, now) == 0:
            if index in given_back:
                quota.give_back(ADDRESS, now)
            else:
                accepted.append(now)

        assert quota.wait(ADDRESS, now) == (expected or shortest_wait(limit, accepted, now))


@given(limits, st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=60))
def test_addresses_have_separate_quotas(limit: Limit, takes: Sequence[tuple[str, int]]) -> None:
    """What one address takes does not count for another."""
    shared, separate = Quota(limit), {address: Quota(limit) for address in "abc"}
    for now, (address, _) in zip(times_after([pause for _, pause in takes]), takes, strict=True):
        assert shared.take(address, now) == separate[address].take(address, now)


def test_giving_back_what_was_not_taken_changes_nothing() -> None:
    """The address may have been forgotten meanwhile."""
    quota = Quota(Limit(1, SECOND))
    quota.give_back(ADDRESS, 0)
    quota.take(ADDRESS, 1)
    quota.give_back(ADDRESS, 2)

    assert quota.wait(ADDRESS, 3) == SECOND - 2


@pytest.mark.parametrize("count", [1, 3])
def test_a_flood_of_addresses_does_not_free_one_that_must_wait(count: int) -> None:
    """An address over its limit stays there, however many others come meanwhile."""
    quota = Quota(Limit(3, SECOND), max_addresses=100)
    for _ in range(3):
        quota.take(ADDRESS, 0)
    for number in range(10_000):
        for _ in range(count - 1):
            quota.take(f"address {number % 50}", number // 20)
        quota.take(f"new address {number}", number // 20)

    assert quota.take(ADDRESS, 999) == 1


def test_a_flood_of_addresses_forgets_the_idle_ones_first() -> None:
    """An address that keeps coming is not forgotten."""
    quota = Quota(Limit(3, SECOND), max_addresses=100)
    for number in range(1_000):
        if number % 50 == 0:
            quota.take(ADDRESS, number // 20)
        quota.take(f"new address {number}", number // 20)

    assert quota.wait(ADDRESS, 50) > 0


def flood(quota: Quota, addresses: int, takes: int, pause: int = 0) -> int:
    """Return the bytes that remain after so many addresses have taken so often."""
    tracemalloc.start()
    for number in range(addresses):
        for take in range(takes):
            quota.take(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64", number + take * pause)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


def test_an_address_that_keeps_coming_takes_no_more_memory() -> None:
    """No more times are remembered of an address than its limit needs."""
    assert flood(Quota(Limit(5, SECOND)), 1, 10_000, pause=SECOND) < 4096


@pytest.mark.long
@pytest.mark.parametrize(
    ("limit", "addresses", "takes"),
    [
        pytest.param(Limit(120, 60 * SECOND), 8 * MAX_ADDRESSES, 1, id="addresses that come once"),
        pytest.param(Limit(5, 3600 * SECOND), 3 * MAX_ADDRESSES, 5, id="addresses over their limit"),
    ],
)
def test_a_flood_of_addresses_takes_little_memory(limit: Limit, addresses: int, takes: int) -> None:
    """An attacker with a large network can fill 64 MiB at most."""
    assert flood(Quota(limit), addresses, takes) < 64 * 2**20


def test_the_tables_are_bounded() -> None:
    """No more than `max_addresses` are remembered, and as many again of those that must wait."""
    quota = Quota(Limit(2, SECOND), max_addresses=10)
    for number in range(100):
        quota.take(f"new address {number}", 0)
        quota.take(f"over the limit {number}", 0)
        quota.take(f"over the limit {number}", 0)

    remembered = [number for number in range(100) if quota.wait(f"over the limit {number}", 0)]
    assert remembered == list(range(90, 100))
    assert MAX_ADDRESSES <= 100_000
