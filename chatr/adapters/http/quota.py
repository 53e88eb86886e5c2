"""How often each address may do a thing: exact, per node, and bounded in memory."""

from array import array
from collections import OrderedDict
from typing import Final

from chatr.domain.limits import Limit

ADDRESSES: Final = 25_000
"""Addresses remembered at a time, and as many again of those that have used their quota up."""


class Quota:
    """At most `limit` takes per address. A flood of new addresses displaces idle ones, never one that must wait."""

    def __init__(self, limit: Limit, *, addresses: int = ADDRESSES) -> None:
        self.limit = limit
        self._addresses = addresses
        self._partly: OrderedDict[str, array[int]] = OrderedDict()
        self._fully: OrderedDict[str, array[int]] = OrderedDict()

    def take(self, address: str, now: int) -> int:
        """Take one at `now`: 0, or the milliseconds to wait, and then nothing was taken."""
        if wait := self.wait(address, now):
            return wait
        times = self._times(address)
        times.append(now)
        del times[: -self.limit.count]
        self._keep(address, times, now)
        return 0

    def wait(self, address: str, now: int) -> int:
        """Milliseconds until `address` may take one."""
        return self.limit.wait(self._times(address), now)

    def give_back(self, address: str, taken: int) -> None:
        """Undo the take at `taken`: a refusal costs nothing."""
        times = self._times(address)
        if taken in times:
            times.remove(taken)

    def _times(self, address: str) -> "array[int]":
        return self._fully.get(address) or self._partly.get(address) or array("q")

    def _keep(self, address: str, times: "array[int]", now: int) -> None:
        self._fully.pop(address, None)
        self._partly.pop(address, None)
        table = self._fully if self.limit.wait(times, now) else self._partly
        table[address] = times
        if len(table) > self._addresses:
            table.popitem(last=False)
