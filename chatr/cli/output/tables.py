"""Prints lines, aligned tables and JSON to standard output."""

import sys
from collections.abc import Iterable, Sequence

import msgspec

from chatr.cli.output.text import printable


def print_table(rows: Iterable[Sequence[object]], indent: int = 0) -> None:
    """Print rows of equal length; each column but the last is as wide as its longest cell."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_line(" " * indent + line.rstrip())


def print_section(title: str, rows: Iterable[Sequence[object]]) -> None:
    """Print an empty line, a title and an indented table; print nothing if there are no rows."""
    rows = list(rows)
    if rows:
        print_line(f"\n{printable(title)}")
        print_table(rows, indent=2)


def print_line(line: str = "") -> None:
    """Print a line as it is."""
    sys.stdout.write(f"{line}\n")


def print_json(value: object) -> None:
    """Print a value as JSON on one line."""
    print_line(json_text(value))


def json_text(value: object) -> str:
    """Return a value as JSON without spaces or line breaks."""
    return msgspec.json.encode(value).decode()
