"""Opens the event log that a URL names. The scheme of the URL selects the store."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from types import ModuleType

from chatr.adapters.stores.export.file import export_reader
from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.adapters.stores.sqlite.reader import sqlite_reader
from chatr.adapters.stores.sqlite.schema import check_schema_is_current
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
            # A log in memory need not be closed.
            return nullcontext(MemoryLog())
        case "nats":
            raise CannotOpenLog("--log nats:// is not supported yet: use sqlite:///FILE or postgresql://….")
        case _:
            raise CannotOpenLog(
                "--log must be sqlite:///FILE (sqlite:////FILE for an absolute path), postgresql://… or memory:."
            )


@asynccontextmanager
async def open_current_log(url: str) -> AsyncIterator[EventLog]:
    """Open a log that exists and has the schema of this version, as `open_log` does. Creates and migrates nothing.

    Raises CannotOpenLog.
    """
    file = sqlite_file(url)
    # Checked before `open_log`, which would migrate an older schema; no migration can be undone.
    if file:
        await check_schema_is_current(file)
    elif url.startswith(("postgresql:", "postgres:")):
        await postgres_store().check_schema_is_current(url)
    else:
        raise CannotOpenLog(
            f"{without_password(url)} is no log that another process can write: give sqlite:///FILE or postgresql://…."
        )
    async with open_log(url) as log:
        yield log


def open_reader(url: str) -> AbstractAsyncContextManager[LogReader]:
    """Return a context in which the log at `url`, or in the exported file of that name, is open for reading.

    "-" is an export on standard input.

    Another process may write to the log meanwhile. Raises CannotOpenLog, here or when the context is entered.
    """
    if url.startswith(("postgresql:", "postgres:")):
        reader: AbstractAsyncContextManager[LogReader] = postgres_store().postgres_reader(url)
        return reader
    if file := sqlite_file(url):
        return sqlite_reader(file)
    if url == "-":
        return export_reader(None)
    if url.endswith((".jsonl", ".jsonl.gz")) or Path(url).is_file():
        return export_reader(Path(url))
    raise CannotOpenLog(
        f"{without_password(url)} is no log that can be read: give sqlite:///FILE, postgresql://…, or an exported file."
    )


def without_password(url: str) -> str:
    """Return a URL for an error message."""
    return re.sub("//.*@", "//…@", url)


def admin_socket(url: str, setting: str | None) -> Path | None:
    """Return the path of the admin socket of a node on the log at `url`; None if it has none.

    `setting` is a path, or "off"; None: beside the file of a SQLite log.
    """
    if setting is not None:
        return None if setting == "off" else Path(setting)
    file = sqlite_file(url)
    return beside(file, ".admin") if file else None


def checkpoint_file(url: str) -> Path | None:
    """Return the path of the checkpoint of the log at `url`; None if its store has no place for one."""
    file = sqlite_file(url)
    # `beside` follows links: an erasure must find the one checkpoint, whatever path names the log.
    return beside(file, ".checkpoint") if file else None


def search_file(url: str, setting: str | None = None) -> Path | None:
    """Return the path of the search index of a node on the log at `url`; None for a temporary file.

    `setting` is a path; None: beside the file of a SQLite log.
    """
    if setting is not None:
        return Path(setting)
    file = sqlite_file(url)
    return beside(file, ".search") if file else None


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite log, or None if `url` names another store. Raises CannotOpenLog for other paths."""
    scheme, _, path = url.partition("///")
    if scheme != "sqlite:" or not path.strip("/"):
        return None
    if reason := why_no_file(path):
        raise CannotOpenLog(f"{url} names no file: {reason}.")
    return Path(path)


def why_no_file(path: str) -> str | None:
    """Return why a path in a URL is not that of a log, although the system has such names; None if it is."""
    # SQLite, SQLAlchemy and shells know these forms. Taken as names, each would become a file that nobody meant.
    if path == ":memory:":
        return "for a log in memory give memory:"
    if path.endswith("/"):
        return "it ends with a slash, as a folder does"
    if path == "-":
        return "a log cannot be a standard stream"
    if path == "~" or re.match("~[^/]*/", path):
        return "~ stands for no folder here, so write the whole path, beginning with sqlite:////"
    if "\0" in path:
        return "it contains a NUL character"
    if (path.startswith("file:") or "?" in path) and not Path(path).exists():
        return "write the path alone, without file: and without options after a question mark"
    return None


def postgres_store() -> ModuleType:
    """Import and return the PostgreSQL store. Raises CannotOpenLog if its driver is not installed."""
    # Imported only here, because psycopg is an optional dependency.
    try:
        return import_module("chatr.adapters.stores.postgres.log")
    except ImportError as error:
        raise CannotOpenLog(
            "--log postgresql:// needs the extra postgres: in the repository, pip install '.[postgres]'."
        ) from error
