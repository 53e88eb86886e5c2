"""Reads environment variables of chatr, in all forms in which shells, files and container platforms set them."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

PREFIX: Final = "CHATR_"
BYTE_ORDER_MARK: Final = "\ufeff"
QUOTES: Final = ("'", '"')
LINKED: Final = f"{PREFIX}PORT"
"""The only setting whose variable Kubernetes and Docker may set, too."""
LINK: Final = re.compile(r"(tcp|udp|sctp)://")
"""The beginning of the value that they set, for a service named chatr."""
NAMES_OF_LINKS: Final = re.compile(
    rf"{PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)|{PREFIX}(\w+_)?ENV_\w+"
)
"""Names of other variables that they set, for services named chatr or chatr-…."""
END_OF_LINK: Final = re.compile(r"_SERVICE_HOST$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?$")
"""The part of such a name that follows the name of the service."""


def variable_value(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value of a variable without white space and quotes around it.

    None if it is not given: there is no such variable, it is empty, or it is a link to a service named chatr.
    """
    # Secrets that are mounted as files end with a line feed, and `docker --env-file` passes quotes and CR on.
    text = environ.get(name, "").strip().strip(BYTE_ORDER_MARK).strip()
    if len(text) > 1 and text[0] in QUOTES and text[0] == text[-1]:
        text = text[1:-1].strip()
    return None if not text or (name == LINKED and LINK.match(text)) else text


def links_of_services(environ: Iterable[str]) -> set[str]:
    """Return the names of the variables that a container platform has set for services named chatr or chatr-…."""
    links = {name for name in environ if NAMES_OF_LINKS.fullmatch(name)}
    # Docker also sets CHATR_NAME and CHATR_X_PORT. Those could be misspelt settings: they count as links only if there
    # are other links of the same service.
    services = {END_OF_LINK.sub("", name) for name in links}
    beside = {f"{service}_{suffix}" for service in services for suffix in ("PORT", "NAME")}
    return links | (beside & set(environ))
