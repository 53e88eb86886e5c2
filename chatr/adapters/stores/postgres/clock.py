"""The clock of a PostgreSQL server. All nodes that share its log decide by this clock.

Nodes with clocks of their own would let an agent that alternates between them post beyond its rate.
"""

import time
from typing import Final

import structlog

from chatr.adapters.stores.postgres.session import Connection

MEASURING_INTERVAL: Final = 10.0
"""Seconds between two measurements. Local clocks drift by less than a millisecond in that time."""
SAMPLES: Final = 6
"""Round trips of a measurement. The first is discarded: a new statement takes two."""
DRIFT: Final = 10
"""Milliseconds by which two measurements may differ, beyond their errors, if no clock was set."""
MEASURE: Final = (
    "select (extract(epoch from clock_timestamp()) * 1000)::bigint, current_setting('fsync'), "
    "current_setting('full_page_writes')"
)
# Linux counts the time during which the machine was suspended only in this clock.
LOCAL_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

logger = structlog.get_logger()


class PostgresClock:
    """Implements `chatr.ports.Clock` by an offset to a clock of this machine that is never set. All in milliseconds."""

    def __init__(self) -> None:
        self._offset: int | None = None
        self._error = 0
        self._latest = 0
        self._durability_settings: list[str] = []

    def elapsed(self) -> int:
        """Return the milliseconds since an arbitrary moment; never steps back."""
        return time.clock_gettime_ns(LOCAL_CLOCK) // 1_000_000

    def now(self) -> int:
        """Return the server's time in milliseconds since 1970; steps back only when the server's clock does.

        Raises RuntimeError before the first measurement.
        """
        if self._offset is None:
            raise RuntimeError("the server's clock was not measured yet")
        self._latest = max(self._latest, self.elapsed() + self._offset)
        return self._latest

    async def measure(self, db: Connection) -> None:
        """Measure the server's clock. The error is at most half of the shortest round trip."""
        samples = [await self._sample(db) for _ in range(SAMPLES)][1:]
        sent_at, server_time, received_at = min(samples, key=lambda sample: sample[2] - sample[0])
        # The server read its clock at some time within the round trip: the middle is off by half of it at most.
        self._set(server_time - (sent_at + received_at) // 2, (received_at - sent_at) // 2 + 1)

    async def _sample(self, db: Connection) -> tuple[int, int, int]:
        """Return the local time before and after a round trip, and the server's time between. Warn of settings."""
        sent_at = self.elapsed()
        ((server_time, *settings),) = await (await db.execute(MEASURE)).fetchall()
        received_at = self.elapsed()
        if settings != self._durability_settings and "off" in settings:
            logger.warning("postgres_may_lose_records", fsync=settings[0], full_page_writes=settings[1])
        self._durability_settings = settings
        return sent_at, server_time, received_at

    def correct(self, sent_at: int, server_time: int, received_at: int) -> None:
        """Correct the offset by a statement that was executed between `sent_at` and `received_at`.

        After a fail-over the next decision thereby uses the new server's clock, even if it was not measured yet.
        """
        lowest, highest = server_time - received_at, server_time - sent_at
        offset = lowest if self._offset is None else min(max(self._offset, lowest), highest)
        if self._offset is None or abs(offset - self._offset) > self._error + DRIFT:
            self._set(offset, highest - lowest)

    def _set(self, offset: int, error: int) -> None:
        """Use another offset. Within the errors of both the time stands still rather than steps back."""
        if self._offset is not None and self._offset - offset > self._error + error + DRIFT:
            logger.warning("clock_stepped_back", milliseconds=self._offset - offset)
            self._latest = 0
        self._offset, self._error = offset, error
