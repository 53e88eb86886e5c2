"""Checks whether a copy to the log was interrupted."""

from collections.abc import Iterator
from pathlib import Path

from chatr.adapters.stores.sqlite.files import INCOMPLETE, beside, stat_or_none
from chatr.cli.doctor.check import Check, warning


def check_copy(log: Path) -> Iterator[Check]:
    """Yield a warning if an interrupted copy has left the beginning of a log: a server would start an empty room."""
    incomplete = beside(log, INCOMPLETE)
    if stat_or_none(incomplete):
        remedy = "Run the same chatr import or chatr copy again: it goes on. If the file is not needed, delete it."
        yield warning("copy", f"{incomplete} is the first part of a log: a copy was interrupted.", remedy)
