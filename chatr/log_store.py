"""What a store offers to chatr: functions that open the logs whose URLs have one scheme.

A package registers its store as an entry point of the group `chatr.stores`. The name of the entry point is the scheme:

    [project.entry-points."chatr.stores"]
    jsonl = "jsonl_store:store"
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from attrs import frozen

from chatr.ports import EventLog, LogReader

GROUP: Final = "chatr.stores"
"""The group of the entry points that register stores."""

OpenLog = Callable[[str], AbstractAsyncContextManager[EventLog]]
OpenReader = Callable[[str], AbstractAsyncContextManager[LogReader]]


def no_path(_url: str) -> None:
    """Return None: the store has no place for files of a node."""


# Data and not an interface to implement: a field with a default can be added without breaking the stores of others.
@frozen(kw_only=True)
class LogStore:
    """A store. Its functions take a complete URL, and raise CannotOpenLog at once or when their context is entered.

    Nothing but `open_log` is needed to serve a room. Without a function, chatr says what this store cannot do.
    """

    open_log: OpenLog
    """Opens the log at a URL for reading and appending; creates it, or migrates an older one, if needed."""

    open_reader: OpenReader | None = None
    """Opens a log that exists for reading only, while another process may write to it; creates and migrates nothing.

    Commands read it from one end to the other: it should raise LogUnavailable if another log takes its place meanwhile.
    """

    open_unchanged: OpenReader | None = None
    """As `open_reader`, for a reader that stays, also while the log's server starts and stops, or the log is replaced;
    creates and changes no file beside the log, and takes no lock that keeps a server waiting. None: `open_reader` does
    that already.
    """

    open_current_log: OpenLog | None = None
    """As `open_log`, for an operator's command without a running node; but creates and migrates nothing."""

    open_accepting_loss: OpenLog | None = None
    """As `open_log`, but also opens a log that lost records (`--accept-loss`). None: such logs are opened anyway."""

    path_beside: Callable[[str], Path | None] = no_path
    """The path to which a node appends .checkpoint, .search and .admin for files of its own."""
