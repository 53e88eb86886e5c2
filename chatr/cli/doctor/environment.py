"""Checks the environment variables: one that names no setting has no effect."""

from collections.abc import Iterator, Mapping
from typing import Final

from chatr.cli.doctor.check import Check, ok, warning
from chatr.cli.unknown_variables import ignored_port, unknown_variables

NAME: Final = "variables"


def check_variables(environ: Mapping[str, str], port: int) -> Iterator[Check]:
    """Yield the variables that look like settings and name none, or one line that there are none.

    `port` is the one on which the room listens.
    """
    found = [
        warning(
            NAME,
            f"{name} is no setting and has no effect.",
            f"If you mean {similar}, correct it; else remove it." if similar else "Correct or remove it.",
        )
        for name, similar in unknown_variables(environ).items()
    ]
    if given := ignored_port(environ, port):
        remedy = f"If a platform expects the room there, set CHATR_PORT={given}, and --host 0.0.0.0."
        found.append(warning(NAME, f"PORT is {given}, and the room listens on {port}.", remedy))
    yield from found or [ok(NAME, "Each that looks like a setting is one.")]
