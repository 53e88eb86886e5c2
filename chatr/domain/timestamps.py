"""Timestamps as text, on the wire and in what the commands print."""

from datetime import UTC, datetime
from functools import lru_cache

from chatr.domain.limits import END_OF_CALENDAR


def iso_timestamp(milliseconds: int) -> str:
    """Return a time as ISO 8601 in UTC with milliseconds, such as "2026-01-01T00:00:00.001Z".

    `milliseconds` count from 1970. A time before 1970 or after the year 9999 becomes the nearest time in between: a log
    that was altered by hand may hold one, and no request may fail because of it.
    """
    seconds, rest = divmod(min(max(milliseconds, 0), END_OF_CALENDAR - 1), 1000)
    return f"{_iso_seconds(seconds)}.{rest:03}Z"


# Timestamps cluster: a page of messages falls into few seconds, and strftime takes much longer than a look-up.
@lru_cache(256)
def _iso_seconds(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
