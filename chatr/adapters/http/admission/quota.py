"""Exact rate limits per address, for one node, in bounded memory."""

from array import array
from collections import OrderedDict
from typing import Final

from chatr.domain.limits import Limit

# A million addresses must fit into 64 MiB, whatever an attacker with a large network sends.
MAX_ADDRESSES: Final = 25_000
"""Addresses in each of the two tables: those that may take one now, and those that have to wait."""


class Quota:
    """Allows `limit` takes per address. All times are milliseconds of one monotonic clock."""

    def __init__(self, limit: Limit, *, max_addresses: int = MAX_ADDRESSES) -> None:
        self.limit = limit
        self._max_addresses = max_addresses
        # Two tables, so that a flood of new addresses pushes out idle ones but never one that has to wait.
        self._available: OrderedDict[str, array[int]] = OrderedDict()
        self._exhausted: OrderedDict[str, array[int]] = OrderedDict()

    def take(self, address: str, now: int) -> int:
        """Take one at `now` and return 0, or take none and return the milliseconds to wait."""
        if wait := self.wait(address, now):
            return wait
        times = self._times(address)
        times.append(now)
        del times[: -self.limit.count]
        self._store(address, times, now)
        return 0

    def wait(self, address: str, now: int) -> int:
        """Return the milliseconds until `address` may take one, 0 = now."""
        return self.limit.wait(self._times(address), now)

    def give_back(self, address: str, taken_at: int) -> None:
        """Undo the take at `taken_at`, if it is still remembered."""
        times = self._times(address)
        if taken_at in times:
            times.remove(taken_at)

    def _times(self, address: str) -> "array[int]":
        """Return the times of the last takes; 8 bytes each, where a list of ints would need 40."""
        return self._exhausted.get(address) or self._available.get(address) or array("q")

    def _store(self, address: str, times: "array[int]", now: int) -> None:
        self._exhausted.pop(address, None)
        self._available.pop(address, None)
        table = self._exhausted if self.limit.wait(times, now) else self._available
        table[address] = times
        if len(table) > self._max_addresses:
            table.popitem(last=False)
