"""The numbered scripts that bring a store's schema up to date; forward only."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from chatr.ports import Unusable


class SchemaTooNew(Unusable):
    """The store was written by a newer chatr."""


def folder() -> Traversable:
    """In a wheel the migrations lie inside the package, in a checkout beside it."""
    inside = files("chatr") / "migrations"
    return inside if inside.is_dir() else files("chatr").joinpath("..", "migrations")


def scripts(engine: str, version: int) -> Iterator[tuple[int, str]]:
    """Number and text of each script that a store at `version` still needs, in order."""
    found = {int(script.name[:4]): script for script in (folder() / engine).iterdir() if script.name.endswith(".sql")}
    if version > max(found):
        raise SchemaTooNew(f"The log has schema {version}; this version of chatr knows {max(found)}: use a newer one.")
    for number in sorted(found):
        if number > version:
            yield number, found[number].read_text("utf-8")
