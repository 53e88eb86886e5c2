"""Stores of which one call fails."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, closing, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from attrs import define

from chatr.adapters.stores.memory import MemoryLog
from chatr.adapters.stores.sqlite.log import sqlite_log
from chatr.ports import Draft, EventLog, LogUnavailable, OutcomeUnknown, Stored

T = TypeVar("T")
BEFORE: Final = "before"
AFTER: Final = "after"
ACTIVITY: Final = "agent-seen.v1"


@define
class Calls:
    """Counts calls. The call with the number `failing` fails, before or after it takes effect; 0 for none."""

    made: int = 0
    failing: int = 0
    when: str = BEFORE

    def arm(self, failing: int, when: str) -> None:
        """Begin to count anew, and let one call fail."""
        self.made, self.failing, self.when = 0, failing, when

    def fails(self, when: str) -> bool:
        """Return whether the current call is to fail now. Asked BEFORE and then AFTER each call takes effect."""
        self.made += when == BEFORE
        return self.made == self.failing and self.when == when


class Store(Protocol):
    """A store that outlives the log that is opened on it, and whose content can be read without a failure."""

    calls: Calls

    @property
    def url(self) -> str:
        """The URL of the log."""
        ...

    def open(self) -> AbstractAsyncContextManager[EventLog]:
        """Open the log, whose calls are counted and may fail."""
        ...

    def stored_types(self) -> tuple[str, ...]:
        """Return the types of all records in their order, without those of agents' mere activity."""
        ...


class MemoryStore(MemoryLog):
    """A log in memory whose methods fail."""

    url = "memory:"

    def __init__(self, _folder: Path) -> None:
        super().__init__()
        self.calls = Calls()

    def open(self) -> AbstractAsyncContextManager[EventLog]:
        """Return this log, which is never closed."""
        return nullcontext(self)

    def stored_types(self) -> tuple[str, ...]:
        """Return the types of all records but for agents' activity."""
        return tuple(stored.type for stored in self._records if stored.type != ACTIVITY)

    def _fail(self, when: str, error: type[Exception] = LogUnavailable) -> None:
        if self.calls.fails(when):
            raise error("the store failed")

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        """Append as usual, or fail with LogUnavailable before or with OutcomeUnknown after that."""
        self._fail(BEFORE)
        stored = await super().append(draft, expected=expected)
        self._fail(AFTER, OutcomeUnknown)
        return stored

    async def erase(self, positions: Sequence[int], report: Callable[[str], object] | None = None) -> None:
        """Erase as usual, or fail."""
        self._fail(BEFORE)
        await super().erase(positions, report)
        self._fail(AFTER)

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        """Return records as usual, or fail."""
        self._fail(BEFORE)
        self._fail(AFTER)
        return await super().pick(positions)

    async def head(self) -> int:
        """Return the head as usual, or fail."""
        self._fail(BEFORE)
        self._fail(AFTER)
        return await super().head()


class SqliteStore:
    """A log in a SQLite file whose connections fail. After a commit took effect, only its flush can have failed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "chatr.db"
        self.calls = calls = Calls()

        class FailingConnection(sqlite3.Connection):
            """Counts the calls of all connections; one of them fails."""

            def _call(self, call: Callable[..., T], *arguments: Any) -> T:
                if calls.fails(BEFORE):
                    raise sqlite_error("SQLITE_IOERR_WRITE")
                result = call(*arguments)
                if calls.fails(AFTER):
                    if isinstance(result, sqlite3.Cursor):
                        result.close()  # an open cursor would hold the snapshot of this connection for ever
                    raise sqlite_error("SQLITE_IOERR_FSYNC")
                return result

            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                return self._call(super().execute, *arguments)

            def executemany(self, *arguments: Any) -> sqlite3.Cursor:
                return self._call(super().executemany, *arguments)

            def commit(self) -> None:
                self._call(super().commit)

            def rollback(self) -> None:
                self._call(super().rollback)

        self._factory = FailingConnection

    @property
    def url(self) -> str:
        """The URL of the log, beside which the room writes its checkpoint."""
        return f"sqlite:///{self._path}"

    def open(self) -> AbstractAsyncContextManager[EventLog]:
        """Open the log with failing connections."""
        return sqlite_log(self._path, factory=self._factory)

    def stored_types(self) -> tuple[str, ...]:
        """Return the types of all records but for agents' activity."""
        with closing(sqlite3.connect(self._path)) as db:
            rows = db.execute("select type from log where type != ? order by position", (ACTIVITY,))
            return tuple(kind for (kind,) in rows)


def sqlite_error(name: str) -> sqlite3.OperationalError:
    """Return an error as SQLite raises it, with this error name."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    return error


STORES: Final[dict[str, Callable[[Path], Store]]] = {"memory": MemoryStore, "sqlite": SqliteStore}
