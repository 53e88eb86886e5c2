"""Limits how often the same log line is repeated: clients and broken disks can cause thousands a second."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog
from structlog.typing import EventDict

MOST_PER_MINUTE: Final = 10
"""Lines about the same event that are written in one minute."""
MINUTE: Final = 60.0
ACCESS_LINE: Final = "request_answered"
"""The event of the access log."""
UNLIMITED: Final = ("reading_the_log", "lines_suppressed", ACCESS_LINE, "request_refused", "connection_refused")
"""Events that are always written: an operator waits for them, they say how many others were not written, or the
operator asked for a line about each request.
"""

logger = structlog.get_logger()


class RepeatedLines:
    """Decides which lines are written. The first line after a minute is preceded by one `lines_suppressed` for each
    event of which lines were suppressed.

    `monotonic_seconds` returns the present time.
    """

    def __init__(self, monotonic_seconds: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_seconds = monotonic_seconds
        self._minute_began = monotonic_seconds()
        self._lines: Counter[str] = Counter()

    def is_written(self, event: str) -> bool:
        """Return whether one more line about `event` is written in this minute."""
        if self._monotonic_seconds() - self._minute_began >= MINUTE:
            self._begin_minute()
        self._lines[event] += 1
        return event in UNLIMITED or self._lines[event] <= MOST_PER_MINUTE

    def _begin_minute(self) -> None:
        """Log how many lines of the last minute were not written, for each event, and count anew."""
        before, self._lines, self._minute_began = self._lines, Counter(), self._monotonic_seconds()
        for event, count in before.items():
            if event not in UNLIMITED and count > MOST_PER_MINUTE:
                logger.warning("lines_suppressed", of=event, count=count - MOST_PER_MINUTE)

    def drop_event(self, _logger: object, _method: str, event_dict: EventDict) -> EventDict:
        """Raise DropEvent for a line that is not written; a processor of structlog."""
        if self.is_written(str(event_dict["event"])):
            return event_dict
        raise structlog.DropEvent

    def filter_record(self, record: logging.LogRecord) -> bool:
        """Return whether a line of a library is written; a filter of logging."""
        # asyncio's lines go on with the object that failed, whose address differs each time.
        return self.is_written(f"{record.name}: {str(record.msg).partition(chr(10))[0]}")
