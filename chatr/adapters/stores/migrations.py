"""Finds the numbered SQL scripts that bring a store's schema up to date. There are no scripts that go back."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from chatr.ports import CannotOpenLog


class SchemaTooNew(CannotOpenLog):
    """A newer version of chatr has migrated the store."""


class SchemaTooOld(CannotOpenLog):
    """An older version of chatr made the store, and the caller may not migrate it."""

    def __init__(self) -> None:
        super().__init__(
            "The log has an older schema: start chatr serve of this version once, which brings it up to date."
        )


def bundled_migrations() -> Traversable:
    """Return the folder of chatr's own migrations, which has one folder per engine."""
    # In a wheel they are inside the package, in a checkout beside it.
    inside = files("chatr") / "migrations"
    return inside if inside.is_dir() else files("chatr").joinpath("..", "migrations")


def pending_migrations(engine: str, version: int, migrations: Traversable | None = None) -> Iterator[tuple[int, str]]:
    """Yield number and text of each script that a store of `engine` at schema `version` still needs, in order.

    `migrations` is the folder to take instead of chatr's own. Raises SchemaTooNew.
    """
    folder = (migrations or bundled_migrations()) / engine
    scripts = {int(script.name[:4]): script for script in folder.iterdir() if script.name.endswith(".sql")}
    # An older version of chatr would not write what the newer schema expects.
    if version > max(scripts):
        raise SchemaTooNew(
            f"The log has schema {version}; this version of chatr knows {max(scripts)}: use a newer one."
        )
    for number in sorted(scripts):
        if number > version:
            yield number, scripts[number].read_text("utf-8")
