"""Checks where settings come from: misspelt variables have no effect, and a file with a secret must be private."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from chatr.cli.doctor.check import Check, ok, warning
from chatr.cli.output.commented_config import is_secret
from chatr.cli.unknown_variables import ignored_port, unknown_variables
from chatr.settings_loading import given_values

NAME: Final = "variables"
FILE: Final = "configuration file"
ALL_MAY_READ: Final = 0o004
"""The right of users who neither own a file nor belong to its group."""


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


def check_config_file(config: Path) -> Iterator[Check]:
    """Yield whether everybody may read a configuration file with a secret. Raises BadSetting or OSError."""
    secrets = [name for name, value in given_values({}, {}, config).items() if is_secret(value)]
    if secrets and config.stat().st_mode & ALL_MAY_READ:
        found = f"Every user of this machine may read {config}, which holds a secret: {', '.join(secrets)}."
        yield warning(FILE, found, f"Change its rights: chmod o-rwx {config}")
