"""What one check of `chatr doctor` found."""

from enum import StrEnum

from attrs import frozen


class Status(StrEnum):
    """How bad it is. `SKIPPED`: the check was not possible here, or there is nothing to check."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    PROBLEM = "problem"


@frozen
class Check:
    """The result of a check: its name, what was found as a sentence, and what to do about it, also as a sentence."""

    status: Status
    name: str
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """Return the result of a check that found nothing wrong."""
    return Check(Status.OK, name, found)


def skipped(name: str, reason: str) -> Check:
    """Return the result of a check that was not made."""
    return Check(Status.SKIPPED, name, reason)


def warning(name: str, found: str, remedy: str) -> Check:
    """Return the result of a check that found something that an operator should know."""
    return Check(Status.WARNING, name, found, remedy)


def problem(name: str, found: str, remedy: str) -> Check:
    """Return the result of a check that found something wrong."""
    return Check(Status.PROBLEM, name, found, remedy)
