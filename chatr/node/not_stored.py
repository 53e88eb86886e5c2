"""Tells an event that could not be stored from a record that could not be read."""

from collections.abc import Iterator
from contextlib import contextmanager

from chatr.ports import LogUnavailable


class NotStored(LogUnavailable):
    """The event of a command could not be appended. Nothing was stored."""


@contextmanager
def errors_as_not_stored() -> Iterator[None]:
    """Raise LogUnavailable, which a log raises where it is read, too, as NotStored."""
    try:
        yield
    except LogUnavailable as error:
        raise NotStored(str(error)) from error
