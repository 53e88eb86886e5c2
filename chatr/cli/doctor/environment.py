"""Checks the environment variables: one that names no setting has no effect."""

from collections.abc import Iterable, Iterator
from typing import Final

from chatr.cli.doctor.check import Check, ok, warning
from chatr.cli.unknown_variables import unknown_variables

NAME: Final = "variables"


def check_variables(environ: Iterable[str]) -> Iterator[Check]:
    """Yield the variables that look like settings and name none, or one line that there are none."""
    found = [
        warning(
            NAME,
            f"{name} is no setting and has no effect.",
            f"If you mean {similar}, correct it; else remove it." if similar else "Correct or remove it.",
        )
        for name, similar in unknown_variables(environ).items()
    ]
    yield from found or [ok(NAME, "Each that looks like a setting is one.")]
