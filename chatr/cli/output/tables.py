"""Prints lines, aligned tables and JSON to standard output."""

import sys
from collections.abc import Iterable, Sequence

import msgspec

from chatr.cli.output.columns import display_width, hanging_rows, padded, terminal_width
from chatr.cli.output.text import printable


def print_table(rows: Iterable[Sequence[object]], indent: int = 0) -> None:
    """Print rows of equal length; each column but the last is as wide as its longest cell.

    On a terminal a long cell of the last column goes on in the next line.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    for *others, last in cells:
        columns = (f"{padded(cell, width)}  " for cell, width in zip(others, widths, strict=False))
        print_hanging(" " * indent + "".join(columns), last)


def print_hanging(lead: str, text: str) -> None:
    """Print a line; on a terminal a long `text` goes on below its beginning."""
    for row in hanging_rows(lead, text, terminal_width()):
        print_line(row.rstrip())


def print_section(title: str, rows: Iterable[Sequence[object]]) -> None:
    """Print an empty line, a title and an indented table; print nothing if there are no rows."""
    rows = list(rows)
    if rows:
        print_line()
        print_hanging("", printable(title))
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
