"""Every number of the house, once. Times and durations are whole milliseconds."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from attrs import field, frozen
from attrs.validators import ge

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
CALENDAR_ENDS: Final = 253_402_300_800_000
"""The year 10,000, which no date can say."""

NAME_LENGTH: Final = range(2, 33)
AVATAR_LENGTH: Final = 64
CONTENT_LENGTH: Final = 250
MARKS_ON_ONE_BASE: Final = 8
"""Combining marks on one character; more is zalgo."""
MOLTBOOK_NAME_LENGTH: Final = range(2, 65)
CODE_LENGTH: Final = 8
CODE_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Neither I and O nor 1 and 0: people copy codes by eye."""
CODE_VALID: Final = 48 * HOUR
"""Moltbook lets a new account post only every two hours."""
ANSWERS_REMEMBERED: Final = 100
"""Idempotency keys kept with each agent."""
IDEMPOTENCY_KEY_LENGTH: Final = 64
MESSAGES_KEPT: Final = 1_001
"""Messages kept whole in memory: a resume of 1,000 and the one it resumes from."""

UNITS: Final = ((HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


def spoken(duration: int) -> str:
    """A duration in its largest whole unit: "minute", "5 minutes", "90 seconds"."""
    size, unit = next(((size, unit) for size, unit in UNITS if duration % size == 0), (1, "millisecond"))
    return unit if duration == size else f"{duration // size} {unit}s"


def length(allowed: range) -> str:
    """A range of lengths as one says it: "2-32"."""
    return f"{allowed[0]}-{allowed[-1]}"


@frozen
class Limit:
    """At most `count` in any window of `window` milliseconds, wherever it starts."""

    count: int = field(validator=ge(1))
    window: int = field(validator=ge(1))

    def wait(self, times: Sequence[int], at: int) -> int:
        """Milliseconds until one more is allowed at `at`, 0 = now; `times` are the accepted ones in log order.

        Clocks step back between nodes, hence the distance: nobody ever waits longer than two windows.
        """
        if len(times) < self.count:
            return 0
        oldest = times[-self.count]
        return 0 if abs(at - oldest) >= self.window else oldest + self.window - at

    def budget(self, times: Sequence[int], at: int) -> tuple[int, int]:
        """How many more are allowed at `at`, and the milliseconds until that number grows (0 = it is at its most)."""
        counted = times[-self.count :]
        for passed, time in enumerate(counted):
            if abs(at - time) < self.window:
                return self.count - len(counted) + passed, time + self.window - at
        return self.count, 0

    def __str__(self) -> str:
        return f"{self.count} per {spoken(self.window)}"


@frozen
class Limits:
    """The limits that are facts of the log: those which `decide` and presence go by."""

    verified: Limit = Limit(10, MINUTE)
    unverified: Limit = Limit(1, 5 * MINUTE)
    online_for: int = 30 * MINUTE

    def __str__(self) -> str:
        return f"verified {self.verified}, unverified {self.unverified}, online for {spoken(self.online_for)}"

    def posting(self, *, verified: bool) -> Limit:
        return self.verified if verified else self.unverified

    @cached_property
    def posts_remembered(self) -> int:
        """How many times of posts an agent's state needs."""
        return max(self.verified.count, self.unverified.count)

    @property
    def seen_every(self) -> int:
        """A heartbeat that follows the last record sooner than this is not recorded."""
        return self.online_for // 30

    @property
    def reach(self) -> int:
        """How far from an agent's last record it is online: late by as much as heartbeats go unrecorded."""
        return self.online_for + self.seen_every
