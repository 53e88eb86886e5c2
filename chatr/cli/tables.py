"""How the commands show what they found: safe to look at on a terminal, or as JSON."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from chatr.adapters.http import render
from chatr.domain.limits import CALENDAR_ENDS

JOINERS: Final = "\u200c\u200d"
"""Emoji and Persian need them; they hide nothing."""


def clean(text: str) -> str:
    """What is not printable is written out, so that no text moves a cursor or turns the reading direction."""
    return "".join(each if each.isprintable() or each in JOINERS else escaped(each) for each in text)


def escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def time(at: int) -> str:
    """ISO 8601; a time that was spoiled is shown as it is stored."""
    return render.iso(at) if 0 <= at < CALENDAR_ENDS else str(at)


def print_table(rows: Iterable[Sequence[object]], indent: int = 0) -> None:
    """Columns as wide as they need to be, but for the last."""
    cells = [[clean(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_line(" " * indent + line.rstrip())


def print_part(title: str, rows: Iterable[Sequence[object]]) -> None:
    rows = list(rows)
    if rows:
        print_line(f"\n{clean(title)}")
        print_table(rows, indent=2)


def print_line(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")


def print_json(value: object) -> None:
    print_line(written(value))


def written(value: object) -> str:
    return orjson.dumps(value).decode()


def count(number: int, noun: str) -> str:
    """So many of them: 1 record, 1,042 records."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
