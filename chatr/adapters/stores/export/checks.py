"""Checks that a file is an exported log, and a whole one. Every error is one sentence that names the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from chatr.adapters.stores.export.lines import parse_closing_line, parse_record_line
from chatr.domain.chain import ChainPoint
from chatr.ports import CannotOpenLog, Stored

STANDARD_INPUT: Final = Path("standard input")
"""Names it in errors."""


def check_first_line(path: Path, line: bytes) -> None:
    """Raise CannotOpenLog unless `line` may be the first one of an export."""
    if not any(is_parsed_by(parse, line) for parse in (parse_record_line, parse_closing_line)):
        hint = "" if path is STANDARD_INPUT else f"; a log in SQLite is given as sqlite:///{path}"
        raise CannotOpenLog(f"{path} is no exported log{hint}.")


def closing_of(path: Path, first: bytes, last: bytes, complete: int) -> ChainPoint:
    """Return the position and the chain hash in the last line of a file that has so many `complete` lines.

    Raises CannotOpenLog if the file is no export, is cut off, or does not hold as many records as its last line says.
    """
    check_first_line(path, first)
    if not is_parsed_by(parse_closing_line, last):
        raise CannotOpenLog(f"{path} is cut off after record {complete}: its closing line is missing.")
    closing = parse_closing_line(last)
    records = complete - last.endswith(b"\n")
    if closing.position != records:
        raise CannotOpenLog(f"{path} holds {records} records and should hold {closing.position}: it was changed.")
    return closing


def record_in(line: bytes, path: Path, number: int) -> Stored:
    """Return the record in line `number` of an export. Raises CannotOpenLog."""
    try:
        stored = parse_record_line(line)
    except ValueError as error:
        raise CannotOpenLog(f"Line {number} of {path} is no record: {error}.") from error
    # Lines that were removed or reordered would otherwise be read as a log with holes.
    if stored.position != number:
        raise CannotOpenLog(f"Line {number} of {path} holds record {stored.position}: the file was changed.")
    return stored


def is_parsed_by(parse: Callable[[bytes], object], line: bytes) -> bool:
    """Return whether `parse` accepts the line."""
    try:
        parse(line)
    except ValueError:
        return False
    return True
