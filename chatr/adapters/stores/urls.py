"""Opens the event log that a URL names. The scheme of the URL selects the store."""

import re
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from types import ModuleType

from chatr.adapters.stores.export.file import export_reader
from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.ports import CannotOpenLog, EventLog, LogReader


def open_log(url: str, *, accept_loss: bool = False) -> AbstractAsyncContextManager[EventLog]:
    """Return a context in which the log at `url` is open for reading and appending.

    `accept_loss` opens a SQLite log also if it lost records. Raises CannotOpenLog, here or when the context is entered.
    """
    file = sqlite_file(url)
    match url.partition(":")[0]:
        case "postgresql" | "postgres":
            log: AbstractAsyncContextManager[EventLog] = postgres_store().postgres_log(url)
            return log
        case "sqlite" if file:
            return sqlite_log(file, accept_loss=accept_loss)
        case "memory":
            return nullcontext(MemoryLog())
        case "nats":
            raise CannotOpenLog("--log nats:// is not supported yet: use sqlite:///FILE or postgresql://….")
        case _:
            raise CannotOpenLog(
                "--log must be sqlite:///FILE (sqlite:////FILE for an absolute path), postgresql://… or memory:."
            )


def open_reader(url: str) -> AbstractAsyncContextManager[LogReader]:
    """Return a context in which the log at `url`, or in the exported file of that name, is open for reading.

    Another process may write to the log meanwhile. Raises CannotOpenLog, here or when the context is entered.
    """
    if url.startswith(("postgresql:", "postgres:")):
        reader: AbstractAsyncContextManager[LogReader] = postgres_store().postgres_reader(url)
        return reader
    if file := sqlite_file(url):
        return sqlite_reader(file)
    if url.endswith((".jsonl", ".jsonl.gz")) or Path(url).is_file():
        return export_reader(Path(url))
    without_password = re.sub("//.*@", "//…@", url)
    raise CannotOpenLog(
        f"{without_password} is no log that can be read: give sqlite:///FILE, postgresql://…, or an exported file."
    )


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite log, or None if `url` names another store."""
    scheme, _, path = url.partition("///")
    return Path(path) if scheme == "sqlite:" and path.strip("/") else None


def postgres_store() -> ModuleType:
    """Import and return the PostgreSQL store. Raises CannotOpenLog if its driver is not installed."""
    # Imported only here, because psycopg is an optional dependency.
    try:
        return import_module("chatr.adapters.stores.postgres.log")
    except ImportError as error:
        raise CannotOpenLog(
            "--log postgresql:// needs the extra postgres: in the repository, pip install '.[postgres]'."
        ) from error
