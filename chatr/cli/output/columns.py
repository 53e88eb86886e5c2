"""Lays out text in the columns of a terminal: how wide it is, and where a long one continues in the next row."""

import shutil
import sys
import unicodedata
from collections.abc import Iterator
from typing import Final

NARROWEST: Final = 20
"""Columns that a text needs beside its lead. Where there are fewer, its later rows begin at NARROW_INDENT."""
NARROW_INDENT: Final = 2
JOINER: Final = "\u200d"
ZERO_WIDTH: Final = f"\u200c{JOINER}\ufe0f"
ISOLATE: Final = "\u2068{}\u2069"
"""FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE: a right-to-left text between them moves nothing around it."""


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is; None if it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def hanging_rows(lead: str, text: str, width: int | None) -> Iterator[str]:
    """Yield `lead`, which stands before `text`, and `text`, in rows of at most `width` columns.

    Later rows are indented to the beginning of `text`.

    A pipe, whose `width` is None, gets one row, so that programs can count lines.
    """
    lead_width = display_width(lead)
    if width is None or lead_width + display_width(text) <= width:
        yield f"{lead}{text}" if width is None else f"{lead}{isolated(text)}"
        return
    if lead_width >= width:
        # Not even what stands before the text fits.
        yield from wrapped(" ".join(lead.split()), width, width)
        indent, rows = NARROW_INDENT, wrapped(text, width - NARROW_INDENT, width - NARROW_INDENT) if text else []
    else:
        indent = lead_width if width - lead_width >= NARROWEST else NARROW_INDENT
        first, *rows = wrapped(text, width - lead_width, width - indent)
        yield f"{lead}{isolated(first)}"
    for row in rows:
        yield " " * indent + isolated(row)


def wrapped(text: str, first_width: int, width: int) -> list[str]:
    """Return text in rows, broken at spaces; a word that is longer than a row is broken anywhere.

    The first row has at most `first_width` columns, each later one `width`.
    """
    # The first row stays empty where hardly a word fits beside what stands before it.
    rows = [""] if first_width >= min(width, NARROWEST // 2) else ["", ""]
    row, space = len(rows) - 1, max(1, first_width if len(rows) == 1 else width)
    for word in text.split(" "):
        rest = word
        if rows[row] and display_width(f"{rows[row]} {rest}") <= space:
            rows[row] += f" {rest}"
            continue
        if rows[row]:
            rows.append("")
            row, space = row + 1, max(1, width)
        while display_width(rest) > space:
            cut = fitting(rest, space)
            rows[row], rest = rest[:cut], rest[cut:]
            rows.append("")
            row, space = row + 1, max(1, width)
        rows[row] = rest
    return rows


def fitting(text: str, width: int) -> int:
    """Return how many characters fit into so many columns, at least one. Joined emoji are not parted."""
    used = 0
    for index, char in enumerate(text):
        used += display_width(char)
        if used > width:
            # Back to the beginning of the emoji: each joiner stands between two parts of it.
            joined = index
            while joined > 1 and text[joined - 1] == JOINER:
                joined -= 2
            return joined if joined > 0 else max(1, index)
    return len(text)


def padded(text: str, width: int) -> str:
    """Return text with so many spaces behind it that it takes `width` columns."""
    return text + " " * (width - display_width(text))


def display_width(text: str) -> int:
    """Return the columns that a text takes on a terminal."""
    # Most texts are ASCII, for which this is fifty times as fast.
    return len(text) if text.isascii() else sum(map(char_width, text))


def char_width(char: str) -> int:
    """Return the columns of a character: none for marks and joiners, two for wide ones, such as Chinese and emoji."""
    # Vowels and finals of Hangul join the syllable before them.
    if char in ZERO_WIDTH or "\u1160" <= char <= "\u11ff" or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def isolated(text: str) -> str:
    """Return text of a right-to-left script in an isolate, any other as it is."""
    is_left_to_right = text.isascii() or not any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
    return text if is_left_to_right else ISOLATE.format(text)
