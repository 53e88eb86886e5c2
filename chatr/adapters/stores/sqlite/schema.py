"""Checks the schema of a SQLite log without changing it."""

from importlib.resources.abc import Traversable
from pathlib import Path

from chatr.adapters.stores.migrations import SchemaTooOld
from chatr.adapters.stores.sqlite import connection
from chatr.adapters.stores.sqlite.faults import errors_as_cannot_open
from chatr.adapters.stores.sqlite.form import check_not_cut_off


async def check_schema_is_current(path: Path, migrations: Traversable | None = None) -> None:
    """Raise CannotOpenLog unless there is a log at `path` with the schema of this version. Writes nothing.

    `migrations` is a folder to take instead of chatr's own.
    """
    with errors_as_cannot_open(path):
        check_not_cut_off(path)
        async with connection.reader(path) as db:
            behind = await connection.missing_scripts(db, migrations)
    if behind:
        raise SchemaTooOld
