"""Environment variables that look like settings and name none: most likely they are misspelt."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from attrs import fields

from chatr.environment import links_of_services, variable_value
from chatr.settings import Settings, variable

OF_AGENTS: Final = {"KEY", "URL"}
"""Variables, without CHATR_, of the examples and the documents for agents, which may run on the same machine."""
OF_PLATFORMS: Final = "PORT"
"""The variable in which Heroku, Cloud Run, Railway and others name the port at which they expect a server."""
MAX_LOGGED_NAME: Final = 64
"""Characters of the name of an unknown variable that are logged."""


def ignored_port(environ: Mapping[str, str], port: int) -> str | None:
    """Return the port in PORT if the room listens on the default port instead; None if both are the same or none is
    there.
    """
    # It is not taken: many people have a PORT in their shells that is meant for other programs.
    given = variable_value(environ, OF_PLATFORMS) or ""
    return given if given.isdecimal() and port == Settings().port and int(given) != port else None


def unknown_variables(environ: Iterable[str]) -> dict[str, str | None]:
    """Return the variables whose names begin as those of settings do and which name none, each with the most similar
    one.
    """
    prefix, known = variable(""), {each.name.upper() for each in fields(Settings)}
    given = {name for name in environ if name.startswith(prefix)}
    unknown = sorted({name.removeprefix(prefix) for name in given - links_of_services(given)} - known - OF_AGENTS)
    # Cut and escaped, because the names are logged; their values are not, for there may be a password among them.
    return {
        f"{prefix}{ascii(name[:MAX_LOGGED_NAME])[1:-1]}": variable(similar[0]) if similar else None
        for name in unknown
        for similar in [get_close_matches(name, known, n=1)]
    }
