"""Checks which optional packages are installed, and the stores that other packages register."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Final

from chatr.adapters.stores.schemes import registered_by_others, store_of
from chatr.cli.doctor.check import Check, ok, problem, warning
from chatr.ports import CannotOpenLog

NAME: Final = "packages"
STORES: Final = "stores"
INSTALL: Final = "Install it as docs/operating.md says, with the extra {}."

IsInstalled = Callable[[str], bool]


def is_installed(module: str) -> bool:
    """Return whether a module could be imported."""
    return find_spec(module) is not None


def check_extras(log_url: str, is_installed: IsInstalled = is_installed) -> Iterator[Check]:
    """Yield which packages are missing that this log needs, or that make the server faster."""
    found = []
    if log_url.startswith(("postgresql:", "postgres:")) and not is_installed("psycopg"):
        found.append(problem(NAME, "psycopg is missing, which a log in PostgreSQL needs.", INSTALL.format("postgres")))
    if not is_installed("uvloop"):
        found.append(warning(NAME, "uvloop is missing, with which the server needs less CPU.", INSTALL.format("fast")))
    yield from found or [ok(NAME, "The optional ones that this log can use are installed.")]
    yield from check_stores()


def check_stores() -> Iterator[Check]:
    """Import each store that another package registers, and yield whether a log in it could be opened."""
    for scheme in sorted({point.name for point in registered_by_others()}):
        try:
            store_of(f"{scheme}:")
        except CannotOpenLog as error:
            # No problem yet: the log that is checked may be in another store.
            yield warning(STORES, str(error), "Until then no log with this scheme can be opened.")
        else:
            yield ok(STORES, f"The store for {scheme}: can be imported.")
