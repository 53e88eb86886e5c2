"""When a request is sent again, and after which pause. There is no I/O here, so that every case can be tested.

| what happened | a request that may be repeated | any other |
|---|---|---|
| no usable answer, 408, `outcome_unknown`, an error of a proxy (5xx) | again, after a growing pause | raised |
| 429, 502, 503, 504 of the room | again, after `Retry-After` | the same: nothing was stored |
| every other error | raised | raised |

An error is raised, too, if the pause before the next attempt would exceed the time limit.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from chatr.client.errors import NoAnswer, RoomError
from chatr.wire import ErrorCode

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds. The pause doubles from the first to the longest one."""
REPEATABLE_POSTS: Final = frozenset({"/api/checkin", "/api/disconnect", "/api/heartbeat", "/api/keys/rotate"})
"""Requests that are safe to repeat. A second rotation replaces the key that the first one issued."""
NOT_SERVED: Final = frozenset({429, 502, 503, 504})
"""Temporary errors after which nothing was stored, except for error codes that say otherwise."""
# Until the operator has repaired the log nothing changes.
NOT_TRANSIENT: Final = frozenset({ErrorCode.LOG_ALTERED})
Jitter = Callable[[], float]
"""Returns a random number from 0 to 1."""


@frozen
class Request:
    """A request to a room. `query` and `body` have no null values; `wait` are the seconds that the room may wait."""

    method: str
    path: str
    query: Mapping[str, str] = field(factory=dict)
    body: Mapping[str, Any] | None = None
    idempotency_key: str | None = None
    wait: float = 0

    @property
    def is_repeatable(self) -> bool:
        """Whether the request is safe to repeat if its outcome is unknown."""
        return self.method == "GET" or self.idempotency_key is not None or self.path in REPEATABLE_POSTS


def is_outcome_unknown(error: RoomError) -> bool:
    """Return whether the request may have had an effect in spite of this error."""
    if isinstance(error, NoAnswer) or error.code in (ErrorCode.OUTCOME_UNKNOWN, ErrorCode.REQUEST_TIMEOUT):
        return True
    # Without a code it comes from a proxy, which may have lost the room's answer.
    return not error.code and (error.status >= 500 or error.status == 408)


def is_transient(error: RoomError) -> bool:
    """Return whether the same request may succeed later."""
    return is_outcome_unknown(error) or (error.status in NOT_SERVED and error.code not in NOT_TRANSIENT)


@define
class Backoff:
    """Pauses that double, with a random part, so that many clients do not come back at the same moment."""

    first: float = FIRST_PAUSE
    jitter: Jitter = random.random
    failures: int = 0

    def next_pause(self, retry_after: float | None = None) -> float:
        """Return the seconds to wait after one more failure, not less than the server asks for."""
        self.failures += 1
        if retry_after:
            return retry_after + min(1, retry_after / 10) * self.jitter()
        # The exponent is bounded, because a stream reconnects for ever.
        longest = min(LONGEST_PAUSE, self.first * (1 << min(self.failures - 1, 16)))
        # At least half of the pause, so that a failing server is not asked at once.
        return longest * (0.5 + self.jitter() / 2)


@define
class Attempts:
    """Decides about the next attempt of one request."""

    request: Request
    backoff: Backoff = field(factory=Backoff)

    def pause_after(self, error: RoomError, seconds_left: float) -> float:
        """Return the seconds to wait before the request is sent again, `seconds_left` at most.

        Raises `error` if it is not to be sent again.
        """
        may_repeat = is_transient(error) and (self.request.is_repeatable or not is_outcome_unknown(error))
        if not may_repeat:
            raise error
        pause = self.backoff.next_pause(error.retry_after)
        if pause > seconds_left:
            raise error
        return pause
