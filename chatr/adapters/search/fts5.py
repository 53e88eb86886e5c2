"""A search index in SQLite's FTS5, used from a thread of its own."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from chatr.adapters.search import parts
from chatr.adapters.search.index_file import ForeignFile, IndexFile, UnusableIndex, remove_index
from chatr.regular_file import NotRegularFile, OtherUsersFile
from chatr.search_types import IndexedUntil, IndexInUse, IndexText, SearchRange, SearchUnavailable

T = TypeVar("T")

DAMAGE_CODES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT)
"""SQLite's error codes for a damaged file. SQLITE_ERROR: a table is missing, or FTS5 cannot read it."""

# A rebuilt index would fail in the same way, so these errors would cause rebuilds for ever.
NOT_DAMAGE: Final = ("fts5:", "no such module", "no such function")
"""Texts that errors with these codes start with if the query is wrong, or SQLite was built without FTS5 or JSON."""

logger = structlog.get_logger()


@asynccontextmanager
async def closed_at_end(index: "Fts5Index") -> AsyncIterator[None]:
    """Close the index when the block ends."""
    try:
        yield
    finally:
        await index.close()


class Fts5Index:
    """The index in the file at `path`; in a temporary file if it is None. Implements `chatr.ports.SearchIndex`.

    `replaces_foreign_file`: replace a file that is not an index. False for a path that an operator has given, who may
    have mistyped it.
    """

    def __init__(self, path: Path | None, *, replaces_foreign_file: bool = True) -> None:
        self._path = path
        self._replaces_foreign_file = replaces_foreign_file
        # One thread for one connection: each write takes a few milliseconds, so searches can wait for it.
        self._executor = ThreadPoolExecutor(1, "search")
        self._file: IndexFile | None = None

    async def open(self) -> IndexedUntil:
        """Open the index and return the last record that it contains. Raises SearchUnavailable."""
        return await self._run(self._open)

    def _open(self) -> IndexedUntil:
        if self._file is None:
            try:
                self._file = IndexFile(self._path)
            except (UnusableIndex, ForeignFile, sqlite3.Error) as error:
                if not self._may_replace(error):
                    raise
                logger.warning("search_index_discarded", reason=str(error))
                self._remove()
                self._file = IndexFile(self._path)
        return self._file.until

    def _may_replace(self, error: Exception) -> bool:
        """Whether the file that caused this error is an unusable index, or another file that may be replaced."""
        if isinstance(error, UnusableIndex):
            return True
        return self._replaces_foreign_file and (isinstance(error, ForeignFile) or is_damage(error))

    async def close(self) -> None:
        """Close the index; it cannot be opened again."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._close)
        self._executor.shutdown(wait=False)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    async def remove(self) -> None:
        """Close the index and remove its file. Raises SearchUnavailable."""
        await self._run(self._remove)

    def _remove(self) -> None:
        self._close()
        if self._path is not None:
            remove_index(self._path)

    def is_stored(self) -> bool:
        """Whether the index is open or has a file."""
        return self._file is not None or (self._path is not None and self._path.exists())

    async def add(self, texts: Sequence[IndexText], until: IndexedUntil) -> None:
        """Add messages, after which the index contains all up to `until`. Raises SearchUnavailable."""
        await self._run(lambda: self._open_file.add(texts, until))

    async def find(
        self, query: str, wanted: SearchRange, limit: int, seconds: float, is_wanted: Callable[[int], bool]
    ) -> list[int]:
        """Return positions of messages that contain all words. See `chatr.ports.SearchIndex.find`."""
        return await self._run(lambda: self._open_file.find(query, wanted, limit, seconds, is_wanted))

    async def indexed_among(self, positions: Sequence[int]) -> list[int]:
        """Return those of `positions` whose messages are in the index. Raises SearchUnavailable."""
        return await self._run(lambda: self._open_file.indexed_among(positions))

    def part_of(self, position: int) -> range:
        """The range of positions whose messages are in the same table as that at `position`."""
        return parts.positions_of(parts.number_of(position))

    async def replace(self, part: range, texts: AsyncIterator[Sequence[IndexText]]) -> None:
        """Rebuild the table of a part from `texts`. Raises SearchUnavailable, and what `texts` raises."""
        file = self._open_file
        # Each step is given to the thread by itself, so that searches run in between.
        await self._run(file.begin_replacement)
        async for batch in texts:
            await self._run(partial(file.add_to_replacement, batch))
        await self._run(partial(file.finish_replacement, parts.number_of(part.start)))

    @property
    def _open_file(self) -> IndexFile:
        if self._file is None:
            raise SearchUnavailable("it is not open")
        return self._file

    async def _run(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread of the index. Raises SearchUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._converting_errors, work)

    def _converting_errors(self, work: Callable[[], T]) -> T:
        """Do `work`. Raises SearchUnavailable if it fails.

        After an error of SQLite the file is closed, and removed if it is damaged.
        """
        try:
            return work()
        except ForeignFile as error:
            raise SearchUnavailable(str(error)) from error
        except sqlite3.Error as error:
            if is_damage(error) and self._file is not None:
                logger.warning("search_index_discarded", reason=str(error))
                self._discard()
            # Closed, because the file is checked for damage when it is opened again.
            self._close()
            is_locked = code_of(error) == sqlite3.SQLITE_BUSY
            raise (IndexInUse if is_locked else SearchUnavailable)(str(error)) from error
        except (NotRegularFile, OtherUsersFile) as error:
            raise SearchUnavailable("something else is in the place of its file") from error
        except OSError as error:
            raise SearchUnavailable(error.strerror or type(error).__name__) from error

    def _discard(self) -> None:
        """Remove the file of a damaged index. If that fails, the damage is found again when the file is opened."""
        try:
            self._remove()
        except OSError as error:
            logger.warning("search_index_not_removed", reason=str(error))


def is_damage(error: BaseException) -> bool:
    """Whether SQLite reports with this error that the file is damaged."""
    return isinstance(error, sqlite3.Error) and code_of(error) in DAMAGE_CODES and not str(error).startswith(NOT_DAMAGE)


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary code of an error; 0 if Python's sqlite3 raised it without a code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
