"""Argument types for a moment of a log: a position, or a time."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Final

from chatr.past.replay import Moment, Timestamp

POSITION: Final = re.compile("[0-9]{1,18}")
"""Eighteen digits always fit into the 64 bits of a stored position."""
MOMENT_FORM: Final = "POSITION|TIME"
MOMENT_HELP: Final = (
    "TIME is ISO 8601, such as 2026-01-31T12:00, in UTC unless it has an offset. It selects the last record that is "
    "not later."
)


def parse_moment(text: str) -> Moment:
    """Return a position (only digits) or a time (ISO 8601; a date alone means its midnight). An argument type."""
    if POSITION.fullmatch(text):
        return int(text)
    try:
        time = datetime.fromisoformat(text)
        # The local time zone is not used: a command has to select the same records on every machine.
        return Timestamp.of(time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(
            f"{text!r} is neither a position, such as 1042, nor a time, such as 2026-01-31T12:00"
        ) from error


def parse_position(text: str) -> int:
    """Return the position of a record: only digits, and not 0. An argument type."""
    if not POSITION.fullmatch(text) or not int(text):
        raise ArgumentTypeError(f"{text!r} is not the position of a record, such as 1042")
    return int(text)
