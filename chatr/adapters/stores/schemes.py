"""Finds the store for the scheme of a URL: one of chatr's own, or one that another package registers."""

import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from chatr.log_store import GROUP, LogStore
from chatr.ports import CannotOpenLog

# pyproject.toml registers the same stores, for programs that list stores. They are listed here too, because a source
# tree that is not installed has no entry points.
BUILT_IN: Final = {
    "memory": "chatr.adapters.stores.memory:store",
    "postgres": "chatr.adapters.stores.postgres.store:store",
    "postgresql": "chatr.adapters.stores.postgres.store:store",
    "sqlite": "chatr.adapters.stores.sqlite.store:store",
}
"""The stores of chatr by scheme, in the form of entry points."""
EXAMPLES: Final = "sqlite:///FILE (sqlite:////FILE for an absolute path), postgresql://…, memory:"
SCHEME: Final = re.compile("[a-z][a-z0-9+._-]*", re.IGNORECASE)
"""RFC 3986, section 3.1, and the underscore, which names of packages have."""


def scheme_of(url: str) -> str:
    """Return the scheme of a URL without its colon, as it is written; an empty text if there is none."""
    scheme, colon, _ = url.partition(":")
    return scheme if colon and SCHEME.fullmatch(scheme) else ""


def store_of(url: str) -> LogStore | None:
    """Import and return the store for the scheme of `url`; None if there is none.

    Raises CannotOpenLog if several packages claim the scheme, or if the store cannot be imported.
    """
    scheme = scheme_of(url)
    others = [point for point in registered_by_others() if point.name == scheme]
    if scheme in BUILT_IN:
        if others:
            raise CannotOpenLog(
                f"The scheme {scheme}: is chatr's own, and {packages(others)} registers it too: uninstall that package."
            )
        return built_in_store(scheme)
    if len(others) > 1:
        raise CannotOpenLog(f"The scheme {scheme}: is registered by {packages(others)}: uninstall all but one of them.")
    return loaded(others[0]) if others else None


def unknown_store(url: str) -> CannotOpenLog:
    """Return the error that there is no store for a URL. Its text names the stores that there are."""
    if scheme := scheme_of(url):
        return CannotOpenLog(f"No store for {scheme}:// is installed: --log can be {EXAMPLES}{other_urls()}.")
    return CannotOpenLog(f"--log must be {EXAMPLES}{other_urls()}.")


def other_urls() -> str:
    """Return the schemes that only other packages register, each after a comma, for a list in a sentence."""
    return "".join(f", {name}:…" for name in sorted({point.name for point in registered_by_others()} - {*BUILT_IN}))


def registered_by_others() -> Sequence[EntryPoint]:
    """Return the stores that installed packages other than chatr register, without importing them."""
    return entry_points_on(tuple(sys.path))


# Cached, because reading the metadata of all installed packages takes some 10 ms.
@lru_cache(maxsize=1)
def entry_points_on(_path: tuple[str, ...]) -> Sequence[EntryPoint]:
    """As `registered_by_others`. The argument is `sys.path`: when that changes, the packages are read again."""
    # An installed chatr may be another version than this source tree: its stores are those of the list above.
    return [point for point in entry_points(group=GROUP) if package(point) != "chatr"]


def package(point: EntryPoint) -> str:
    """Return the name of the package that registers an entry point."""
    return point.dist.name if point.dist else "an unknown package"


def packages(points: Sequence[EntryPoint]) -> str:
    """Return the names of the packages that register these entry points."""
    return " and ".join(sorted(map(package, points)))


def built_in_store(scheme: str) -> LogStore:
    """Import and return a store of chatr. Raises CannotOpenLog if the driver of PostgreSQL is not installed."""
    try:
        store: LogStore = EntryPoint(scheme, BUILT_IN[scheme], GROUP).load()
    except ImportError as error:
        raise CannotOpenLog(
            "--log postgresql:// needs the extra postgres: in the repository, pip install '.[postgres]'."
        ) from error
    return store


def loaded(point: EntryPoint) -> LogStore:
    """Import and return the store of another package. Raises CannotOpenLog if that fails, or if it is no LogStore."""
    try:
        store = point.load()
    except Exception as error:  # importing runs code of the other package, which may raise anything
        raise CannotOpenLog(
            f"The store for {point.name}: of the package {package(point)} cannot be imported: {error!r}."
        ) from error
    if not isinstance(store, LogStore):
        raise CannotOpenLog(
            f"{point.value}, which the package {package(point)} registers for {point.name}:, is no "
            f"chatr.log_store.LogStore but a {type(store).__name__}."
        )
    return store
