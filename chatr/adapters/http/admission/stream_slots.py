"""Slots for open streams, limited per address and in total."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from chatr.adapters.http.error_catalogue import TOO_MANY_STREAMS, HttpError, http_error

RETRY_SECONDS: Final = 10
"""Retry-After if no slot is free. It is a guess: a slot is freed when some client disconnects."""


class StreamSlots:
    """Counts the streams that are open, in all: `taken`. A request that waits for messages holds a slot too."""

    def __init__(self, per_address: int, total: int) -> None:
        self._per_address = per_address
        self.total = total
        self._taken_by: Counter[str] = Counter()
        self.taken = 0

    def take(self, address: str) -> Callable[[], None]:
        """Take a slot and return the function that frees it, to be called once. Raises HttpError (429)."""
        if self._taken_by[address] >= self._per_address:
            raise too_many_streams(self._per_address, "from one address")
        if self.taken >= self.total:
            raise too_many_streams(self.total, "in all")
        self._taken_by[address] += 1
        self.taken += 1
        return partial(self._free, address)

    def _free(self, address: str) -> None:
        self.taken -= 1
        self._taken_by[address] -= 1
        # Addresses without a stream are forgotten, or the counter would grow with every address that ever came.
        if not self._taken_by[address]:
            del self._taken_by[address]


def too_many_streams(limit: int, whose: str) -> HttpError:
    """Return the 429 error; `whose` says which of the two limits was reached."""
    return http_error(TOO_MANY_STREAMS, limit=limit, whose=whose, retryAfter=RETRY_SECONDS)
