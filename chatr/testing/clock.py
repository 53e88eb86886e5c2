"""A clock that a test sets."""

from typing import Final

START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


class SettableClock:
    """Implements `chatr.ports.Clock`. It stands still until a test sets or advances it."""

    def __init__(self, at: int = START) -> None:
        self._now = at
        self._elapsed = 0

    def now(self) -> int:
        """Milliseconds since 1970, as last set or advanced."""
        return self._now

    def elapsed(self) -> int:
        """Milliseconds for which the clock was advanced."""
        return self._elapsed

    def advance(self, duration: int) -> None:
        """Let `duration` milliseconds pass. Raises ValueError if it is negative."""
        if duration < 0:
            raise ValueError("time does not pass backwards: use set()")
        self._now += duration
        self._elapsed += duration

    def set(self, at: int) -> None:
        """Set the time of day to `at`, earlier or later, while no time passes: as when NTP corrects a clock."""
        self._now = at
