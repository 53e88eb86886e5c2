"""Opens the event log that a URL names. The scheme of the URL selects the store."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from chatr.adapters.stores.export.file import export_reader
from chatr.adapters.stores.export.indexed import indexed_export
from chatr.adapters.stores.schemes import other_urls, scheme_of, store_of, unknown_store
from chatr.adapters.stores.sqlite.files import beside
from chatr.adapters.stores.sqlite.store import sqlite_file as file_of_url
from chatr.ports import CannotOpenLog, EventLog, LogReader
from chatr.secret import Secret, revealed, shown_url


def open_log(url: str | Secret, *, accept_loss: bool = False) -> AbstractAsyncContextManager[EventLog]:
    """Return a context in which the log at `url` is open for reading and appending.

    `accept_loss` opens a SQLite log also if it lost records. Raises CannotOpenLog, here or when the context is entered.
    """
    url = revealed(url)
    store = store_of(url)
    if store is None:
        raise unknown_store(url)
    if accept_loss and store.open_accepting_loss:
        return store.open_accepting_loss(url)
    return store.open_log(url)


def open_current_log(url: str | Secret) -> AbstractAsyncContextManager[EventLog]:
    """Open a log that exists and has the schema of this version, as `open_log` does. Creates and migrates nothing.

    Raises CannotOpenLog.
    """
    url = revealed(url)
    store = store_of(url)
    if store and store.open_current_log:
        return store.open_current_log(url)
    raise CannotOpenLog(
        f"{shown_url(url)} is no log that another process can write: give sqlite:///FILE or postgresql://…."
    )


def open_reader(url: str | Secret) -> AbstractAsyncContextManager[LogReader]:
    """Return a context in which the log at `url`, or in the exported file of that name, is open for reading.

    "-" is an export on standard input.

    Another process may write to the log meanwhile. Raises CannotOpenLog, here or when the context is entered.
    """
    url = revealed(url)
    store = store_of(url)
    if store and store.open_reader:
        return store.open_reader(url)
    if url == "-":
        return export_reader(None)
    if is_exported_file(url):
        return export_reader(Path(url))
    reason = f", as no store for {scheme_of(url)}:// is installed" if store is None and scheme_of(url) else ""
    raise CannotOpenLog(
        f"{shown_url(url)} is no log that can be read{reason}: give sqlite:///FILE, "
        f"postgresql://…{other_urls()}, or an exported file."
    )


def open_unchanged(url: str | Secret) -> AbstractAsyncContextManager[LogReader]:
    """As `open_reader`, for a reader that stays for long: nothing is created or changed beside the log.

    What is wrong within an exported file is raised where it is read. Raises CannotOpenLog, here or when the context is
    entered.
    """
    url = revealed(url)
    store = store_of(url)
    if store and store.open_unchanged:
        return store.open_unchanged(url)
    if url == "-" or is_exported_file(url):
        return indexed_export(None if url == "-" else Path(url))
    return open_reader(url)


def is_exported_file(url: str | Secret) -> bool:
    """Return whether `url` is no URL of a store, but the name of a file that `chatr export` wrote or may write."""
    url = revealed(url)
    is_name = "://" not in url and url.endswith((".jsonl", ".jsonl.gz"))
    return store_of(url) is None and (is_name or Path(url).is_file())


def admin_socket(url: str | Secret, setting: str | None) -> Path | None:
    """Return the path of the admin socket of a node on the log at `url`; None if it has none.

    `setting` is a path, or "off"; None: beside the log, if its store has a place for it.
    """
    if setting is not None:
        return None if setting == "off" else Path(setting)
    return node_file(url, ".admin")


def checkpoint_file(url: str | Secret) -> Path | None:
    """Return the path of the checkpoint of the log at `url`; None if its store has no place for one."""
    return node_file(url, ".checkpoint")


def search_file(url: str | Secret, setting: str | None = None) -> Path | None:
    """Return the path of the search index of a node on the log at `url`; None for a temporary file.

    `setting` is a path; None: beside the log, if its store has a place for it.
    """
    if setting is not None:
        return Path(setting)
    return node_file(url, ".search")


def node_file(url: str | Secret, suffix: str) -> Path | None:
    """Return the path of a file that a node keeps beside the log at `url`; None if its store has no place for it."""
    store = store_of(revealed(url))
    path = store.path_beside(revealed(url)) if store else None
    # `beside` follows links: an erasure must find the one checkpoint, whatever path names the log.
    return beside(path, suffix) if path else None


def sqlite_file(url: str | Secret) -> Path | None:
    """Return the file of a SQLite log, or None if `url` names another store. Raises CannotOpenLog for other paths."""
    return file_of_url(revealed(url))
