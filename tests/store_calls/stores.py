"""Stores of which one call fails. What they hold can be looked at past all failures."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import aiosqlite
import pytest
from attrs import define

from chatr.adapters.memory import MemoryLog
from chatr.ports import Draft, Stored, Unavailable, Unknown

T = TypeVar("T")
BEFORE: Final = "before"
AFTER: Final = "after"
ACTIVITY: Final = "agent-seen.v1"


@define
class Calls:
    """Counts calls; the one with the number `failing` fails."""

    made: int = 0
    failing: int = 0
    when: str = BEFORE

    def arm(self, failing: int, when: str) -> None:
        self.made, self.failing, self.when = 0, failing, when

    def due(self, when: str) -> bool:
        """Whether this call fails now: `before` is asked first, and counts."""
        self.made += when == BEFORE
        return self.made == self.failing and self.when == when


class Store(Protocol):
    calls: Calls

    @property
    def url(self) -> str: ...

    def facts(self) -> tuple[str, ...]:
        """The types of all records, in their order, but for agents' mere activity."""
        ...


class MemoryStore(MemoryLog):
    url = "memory:"

    def __init__(self, patch: pytest.MonkeyPatch, _folder: Path) -> None:
        super().__init__()
        self.calls = Calls()
        patch.setattr("chatr.app.open_log", lambda _url: nullcontext(self))

    def facts(self) -> tuple[str, ...]:
        return tuple(stored.type for stored in self._records if stored.type != ACTIVITY)

    def _fail(self, when: str, error: type[Exception] = Unavailable) -> None:
        if self.calls.due(when):
            raise error("the store failed")

    async def append(self, draft: Draft, *, expected: int) -> Stored:
        self._fail(BEFORE)
        stored = await super().append(draft, expected=expected)
        self._fail(AFTER, Unknown)
        return stored

    async def pick(self, positions: Sequence[int]) -> list[Stored]:
        self._fail(BEFORE)
        self._fail(AFTER)
        return await super().pick(positions)

    async def head(self) -> int:
        self._fail(BEFORE)
        self._fail(AFTER)
        return await super().head()


class SqliteStore:
    """Fails where SQLite itself is asked; after a commit took effect, only its flush can have failed."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self._path = folder / "chatr.db"
        self.calls = calls = Calls()

        class Failing(sqlite3.Connection):
            """One call fails of all that are made on any connection."""

            def _made(self, call: Callable[..., T], *arguments: Any) -> T:
                if calls.due(BEFORE):
                    raise failure("SQLITE_IOERR_WRITE")
                made = call(*arguments)
                if calls.due(AFTER):
                    if isinstance(made, sqlite3.Cursor):
                        made.close()  # else what it has begun to read is all that this connection sees
                    raise failure("SQLITE_IOERR_FSYNC")
                return made

            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                return self._made(super().execute, *arguments)

            def executemany(self, *arguments: Any) -> sqlite3.Cursor:
                return self._made(super().executemany, *arguments)

            def commit(self) -> None:
                self._made(super().commit)

            def rollback(self) -> None:
                self._made(super().rollback)

        connect = aiosqlite.connect
        patch.setattr("aiosqlite.connect", lambda *given, **options: connect(*given, factory=Failing, **options))

    @property
    def url(self) -> str:
        return f"sqlite:///{self._path}"

    def facts(self) -> tuple[str, ...]:
        with closing(sqlite3.connect(self._path)) as db:
            found = db.execute("select type from log where type != ? order by position", (ACTIVITY,))
            return tuple(kind for (kind,) in found)


def failure(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    return error


STORES: Final[dict[str, Callable[[pytest.MonkeyPatch, Path], Store]]] = {"memory": MemoryStore, "sqlite": SqliteStore}
