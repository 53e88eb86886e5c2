"""The SQLite store, as `chatr.adapters.stores.schemes` finds it."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from chatr.adapters.stores.sqlite.files import INCOMPLETE, beside, stat_or_none
from chatr.adapters.stores.sqlite.log import SqliteLog, sqlite_log
from chatr.adapters.stores.sqlite.reopening import ReopeningReader, reopening_reader
from chatr.adapters.stores.sqlite.schema import check_schema_is_current
from chatr.log_store import LogStore
from chatr.ports import CannotOpenLog


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
    if re.match(r"[A-Za-z]:[\\/]", path):
        return "it is a path of Windows, on which chatr does not run"
    if (path.startswith("file:") or "?" in path) and not Path(path).exists():
        return "write the path alone, without file: and without options after a question mark"
    return None


def file_of(url: str) -> Path:
    """Return the file of the SQLite log at `url`. Raises CannotOpenLog if `url` names none, or a log half copied."""
    file = sqlite_file(url)
    if file is None:
        raise CannotOpenLog("A --log in SQLite must be sqlite:///FILE (sqlite:////FILE for an absolute path).")
    incomplete = beside(file, INCOMPLETE)
    # A server would begin an empty log in its place. That a log was lost, of which there is a head file, is reported
    # where it is opened.
    if stat_or_none(incomplete) and not any(map(stat_or_none, (file, beside(file, ".head")))):
        raise CannotOpenLog(
            f"There is no log at {file}, only the first part of one, {incomplete}: a copy has not ended. Run the same "
            "chatr import or chatr copy again, which goes on, or delete that file."
        )
    return file


def open_log(url: str) -> AbstractAsyncContextManager[SqliteLog]:
    """As `LogStore.open_log`."""
    return sqlite_log(file_of(url))


def open_accepting_loss(url: str) -> AbstractAsyncContextManager[SqliteLog]:
    """As `LogStore.open_accepting_loss`."""
    return sqlite_log(file_of(url), accept_loss=True)


def open_reader(url: str) -> AbstractAsyncContextManager[ReopeningReader]:
    """As `LogStore.open_reader`."""
    return reopening_reader(file_of(url), is_replaceable=False)


def open_unchanged(url: str) -> AbstractAsyncContextManager[ReopeningReader]:
    """As `LogStore.open_unchanged`."""
    return reopening_reader(file_of(url))


@asynccontextmanager
async def open_current_log(url: str) -> AsyncIterator[SqliteLog]:
    """As `LogStore.open_current_log`."""
    # Checked before the log is opened, which would migrate an older schema; no migration can be undone.
    await check_schema_is_current(file_of(url))
    async with open_log(url) as log:
        yield log


store: Final = LogStore(
    open_log=open_log,
    open_reader=open_reader,
    open_unchanged=open_unchanged,
    open_current_log=open_current_log,
    open_accepting_loss=open_accepting_loss,
    path_beside=sqlite_file,
)
