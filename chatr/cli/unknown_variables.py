"""Environment variables that look like settings and name none: most likely they are misspelt."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from attrs import fields

from chatr.settings import Settings, variable

OF_AGENTS: Final = {"KEY", "URL"}
"""Variables, without CHATR_, of the examples and the documents for agents, which may run on the same machine."""
MAX_LOGGED_NAME: Final = 64
"""Characters of the name of an unknown variable that are logged."""


def unknown_variables(environ: Iterable[str]) -> dict[str, str | None]:
    """Return the variables whose names begin as those of settings do and which name none, each with the most similar
    one.
    """
    prefix, known = variable(""), {each.name.upper() for each in fields(Settings)}
    unknown = sorted({name.removeprefix(prefix) for name in environ if name.startswith(prefix)} - known - OF_AGENTS)
    # Cut and escaped, because the names are logged; their values are not, for there may be a password among them.
    return {
        f"{prefix}{ascii(name[:MAX_LOGGED_NAME])[1:-1]}": variable(similar[0]) if similar else None
        for name in unknown
        for similar in [get_close_matches(name, known, n=1)]
    }
