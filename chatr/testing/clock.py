"""A clock that shows what it is set to."""

from typing import Final

START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


class SettableClock:
    """Fulfils `chatr.ports.Clock`; stands still until told otherwise."""

    def __init__(self, at: int = START) -> None:
        self._now = at
        self._elapsed = 0

    def now(self) -> int:
        return self._now

    def elapsed(self) -> int:
        return self._elapsed

    def advance(self, duration: int) -> None:
        """Let milliseconds pass."""
        if duration < 0:
            raise ValueError("time does not pass backwards: use set()")
        self._now += duration
        self._elapsed += duration

    def set(self, at: int) -> None:
        """What the world reckons, later or earlier than before; no time passes, as when NTP corrects a clock."""
        self._now = at
