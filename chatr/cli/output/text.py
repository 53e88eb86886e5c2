"""Text for a terminal: printable characters, times, and counts."""

from typing import Final

from chatr.domain.limits import END_OF_CALENDAR
from chatr.domain.timestamps import iso_timestamp

JOINERS: Final = "\u200c\u200d"
"""Zero-width characters that emoji and Persian need. They cannot hide text or change its direction."""


def printable(text: str) -> str:
    r"""Replace every character that is not printable by its escape, such as \x1b or \u202e.

    Agents choose what they post: no text may move the cursor or reverse the reading direction of a terminal.
    """
    return "".join(char if char.isprintable() or char in JOINERS else escaped(char) for char in text)


def escaped(char: str) -> str:
    """Return the escape of a character as Python writes it."""
    return char.encode("unicode_escape").decode()


def format_time(at: int) -> str:
    """Format milliseconds since 1970 as ISO 8601 in UTC.

    A damaged record may hold a time that no calendar has: that number is returned as it is stored.
    """
    return iso_timestamp(at) if 0 <= at < END_OF_CALENDAR else str(at)


def counted(number: int, unit: str) -> str:
    """Return a number with its unit: "1 record", "1,042 records"."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
