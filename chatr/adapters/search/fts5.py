"""A search index in SQLite's FTS5, in a thread of its own."""

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
from chatr.regular_file import NotRegularFile
from chatr.search_types import IndexedUntil, IndexInUse, IndexText, SearchRange, SearchUnavailable

T = TypeVar("T")

DAMAGES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT)
"""SQLite's codes for a file that has to be made again. SQLITE_ERROR: a table is missing, or FTS5 cannot read it."""

# An index that was made again would fail in the same way, for ever.
NO_DAMAGES: Final = ("fts5:", "no such module", "no such function")
"""Beginnings of errors with these codes that say something of a query, or of a SQLite that lacks FTS5 or JSON."""

logger = structlog.get_logger()


@asynccontextmanager
async def closed_at_end(index: "Fts5Index") -> AsyncIterator[None]:
    """Close the index when the block ends."""
    try:
        yield
    finally:
        await index.close()


class Fts5Index:
    """The index in the file at `path`, or in a temporary file without one. Implements `chatr.ports.SearchIndex`.

    `is_own_name`: nothing else can be meant by this path, so a file there that is no index is replaced.
    """

    def __init__(self, path: Path | None, *, is_own_name: bool = True) -> None:
        self._path = path
        self._is_own_name = is_own_name
        # One thread, because one connection is enough: what is written at a time takes some milliseconds.
        self._executor = ThreadPoolExecutor(1, "search")
        self._file: IndexFile | None = None

    async def open(self) -> IndexedUntil:
        """Open the index and return what it holds. Raises SearchUnavailable."""
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
        """Whether the file that caused this error is an index, or takes the place of one."""
        if isinstance(error, UnusableIndex):
            return True
        return self._is_own_name and (isinstance(error, ForeignFile) or is_damage(error))

    async def close(self) -> None:
        """Close the index for good."""
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
        """Add messages. Raises SearchUnavailable."""
        await self._run(lambda: self._opened.add(texts, until))

    async def find(
        self, query: str, wanted: SearchRange, limit: int, seconds: float, is_wanted: Callable[[int], bool]
    ) -> list[int]:
        """The positions of messages that contain all words. Raises as `chatr.ports.SearchIndex.find`."""
        return await self._run(lambda: self._opened.find(query, wanted, limit, seconds, is_wanted))

    async def holding(self, positions: Sequence[int]) -> list[int]:
        """Those of `positions` whose messages are in the index. Raises SearchUnavailable."""
        return await self._run(lambda: self._opened.holding(positions))

    def part_of(self, position: int) -> range:
        """The positions that are indexed in one table with this one."""
        return parts.positions_of(parts.number_of(position))

    async def replace(self, part: range, texts: AsyncIterator[Sequence[IndexText]]) -> None:
        """Index the messages of a part again. Raises SearchUnavailable, and what `texts` raises."""
        file = self._opened
        await self._run(file.begin_replacement)
        async for batch in texts:
            await self._run(partial(file.add_to_replacement, batch))
        await self._run(partial(file.finish_replacement, parts.number_of(part.start)))

    @property
    def _opened(self) -> IndexFile:
        if self._file is None:
            raise SearchUnavailable("it is not open")
        return self._file

    async def _run(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread of the index. Raises SearchUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._guarded, work)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do `work`. The file is closed if it fails, and removed if it is damaged. Raises SearchUnavailable."""
        try:
            return work()
        except ForeignFile as error:
            raise SearchUnavailable(str(error)) from error
        except sqlite3.Error as error:
            if is_damage(error) and self._file is not None:
                logger.warning("search_index_discarded", reason=str(error))
                self._discard()
            # It is checked when it is opened again.
            self._close()
            is_locked = code_of(error) == sqlite3.SQLITE_BUSY
            raise (IndexInUse if is_locked else SearchUnavailable)(str(error)) from error
        except NotRegularFile as error:
            raise SearchUnavailable("something else is in the place of its file") from error
        except OSError as error:
            raise SearchUnavailable(error.strerror or type(error).__name__) from error

    def _discard(self) -> None:
        """Remove the file of an index that is damaged. What cannot be removed is found damaged again."""
        try:
            self._remove()
        except OSError as error:
            logger.warning("search_index_not_removed", reason=str(error))


def is_damage(error: BaseException) -> bool:
    """Whether SQLite reports with this error that the file is of no use any longer."""
    return isinstance(error, sqlite3.Error) and code_of(error) in DAMAGES and not str(error).startswith(NO_DAMAGES)


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary code of an error, 0 if it is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
