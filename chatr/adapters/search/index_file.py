"""The SQLite file of a search index: FTS5 tables, each for a range of the log's positions (a part).

A table contains words and positions, but no texts. FTS5 needs the exact text of a message to delete it from such a
table, and that is gone when the message is erased. So the table is rebuilt from the log, and the old one is dropped.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby, islice
from pathlib import Path
from time import thread_time
from typing import Final

import orjson

from chatr.adapters.search.hits import cpu_time_limit, hits
from chatr.adapters.search.parts import number_of, table_of, tables_in
from chatr.adapters.search.words import TOKENIZER, match_expression, separate_wide
from chatr.regular_file import give_to_owner_of, open_regular
from chatr.search_types import IndexedUntil, IndexText, SearchRange

VERSION: Final = 1
"""Increase it whenever the tables or the rules for words change: an index of another version is rebuilt."""
APPLICATION_ID: Final = 0x63685178
"""Marks a file as a search index of chatr, in SQLite's `application_id`."""
REPLACEMENT: Final = "replacement"
"""The name of the new table while a part is rebuilt."""


class UnusableIndex(Exception):
    """The file is an index, but was made by another version or is damaged."""


class ForeignFile(Exception):
    """The file at the path of the index is a database of another program."""


class IndexFile:
    """An open index. Only one thread at a time may use it.

    Every method raises sqlite3.Error if the file is damaged or cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        """Open the index at `path`, or a temporary one that has no name.

        Raises OSError, UnusableIndex, ForeignFile or sqlite3.Error.
        """
        if path is not None:
            create_private(path)
        # Without a path, SQLite writes a temporary file once the index outgrows the cache, and removes it itself.
        self._db = sqlite3.connect(path or "", isolation_level=None, timeout=0, check_same_thread=False)
        self._parts: list[int] = []
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _prepare(self) -> None:
        # The first statement that reads locks the file, for as long as it is open.
        self._db.execute("pragma locking_mode = exclusive")
        # A new file has no pages.
        is_new = not self._number("pragma page_count")
        if not is_new and self._number("pragma application_id") != APPLICATION_ID:
            raise ForeignFile("its file is a database of another program")
        if not is_new and self._number("pragma user_version") != VERSION:
            raise UnusableIndex("it was made by another version")
        if self._db.execute("pragma quick_check(1)").fetchall() != [("ok",)]:
            raise UnusableIndex("it is damaged")
        self._db.execute("pragma journal_mode = wal")
        # A power failure may lose the last commits, which are then indexed again, but damages nothing.
        self._db.execute("pragma synchronous = normal")
        # FTS5 merges its segments all the time; without this, erased words would stay in free pages.
        self._db.execute("pragma secure_delete = on")
        with self._transaction():
            if is_new:
                self._db.execute(f"pragma application_id = {APPLICATION_ID}")
                self._db.execute(f"pragma user_version = {VERSION}")
                self._db.execute("create table part (number integer primary key)")
                self._db.execute("create table indexed (log_id text, position integer, record_id text)")
                self._db.execute("insert into indexed values ('', 0, '')")
            # A process that was killed may have left this table.
            self._db.execute(f"drop table if exists {REPLACEMENT}")
        self._parts = [number for (number,) in self._db.execute("select number from part order by number")]
        self._empty_write_ahead_file()

    @property
    def until(self) -> IndexedUntil:
        """The last record that the index contains."""
        (row,) = self._db.execute("select log_id, position, record_id from indexed").fetchall()
        return IndexedUntil(*row)

    def add(self, texts: Sequence[IndexText], until: IndexedUntil) -> None:
        """Add messages and store `until`, in one transaction."""
        with self._transaction():
            for number, group in groupby(texts, lambda text: number_of(text[0])):
                # Messages are added in the order of positions, so only the last part can exist already.
                if number not in self._parts[-1:]:
                    self._create_table(table_of(number))
                    self._db.execute("insert into part values (?)", (number,))
                    self._parts.append(number)
                self._insert(table_of(number), group)
            self._db.execute(
                "update indexed set log_id = ?, position = ?, record_id = ?",
                (until.log_id, until.position, until.record_id),
            )

    def _create_table(self, name: str) -> None:
        self._db.execute(f"create virtual table {name} using fts5 (content, content = '', tokenize = \"{TOKENIZER}\")")

    def _insert(self, table: str, texts: Iterable[IndexText]) -> None:
        rows = orjson.dumps([(position, separate_wide(content)) for position, content in texts]).decode()
        # One statement for all rows: with one for each, the thread waited up to 5 ms for the GIL each time, and the
        # index of a busy node fell behind by tens of thousands of messages.
        columns = "json_extract(value, '$[0]'), json_extract(value, '$[1]')"
        self._db.execute(f"insert into {table} (rowid, content) select {columns} from json_each(?)", (rows,))  # noqa: S608 -- no input

    def indexed_among(self, positions: Sequence[int]) -> list[int]:
        """Return those of `positions` whose messages are in the index."""
        return [position for position in positions if self._contains(position)]

    def _contains(self, position: int) -> bool:
        number = number_of(position)
        # FTS5 keeps a row for each message in its table `…_docsize`.
        statement = f"select 1 from {table_of(number)}_docsize where id = ?"  # noqa: S608 -- as above
        return number in self._parts and bool(self._db.execute(statement, (position,)).fetchall())

    def begin_replacement(self) -> None:
        """Create an empty table in which a part is rebuilt."""
        self._db.execute(f"drop table if exists {REPLACEMENT}")
        self._create_table(REPLACEMENT)

    def add_to_replacement(self, texts: Sequence[IndexText]) -> None:
        """Add messages to the part that is being rebuilt."""
        with self._transaction():
            self._insert(REPLACEMENT, texts)

    def finish_replacement(self, number: int) -> None:
        """Replace part `number` by the rebuilt one. No byte of the old one stays in the file."""
        with self._transaction():
            self._db.execute(f"drop table {table_of(number)}")
            self._db.execute(f"alter table {REPLACEMENT} rename to {table_of(number)}")
        self._empty_write_ahead_file()

    def find(
        self, query: str, wanted: SearchRange, limit: int, seconds: float, is_wanted: Callable[[int], bool]
    ) -> list[int]:
        """Return the first `limit` positions in a range whose messages contain all words and satisfy `is_wanted`.

        Raises NothingToSearch, SearchTooLong, or SearchTooSlow after `seconds` of CPU time.
        """
        expression, deadline = match_expression(query), thread_time() + seconds
        with cpu_time_limit(self._db, deadline):
            positions = hits(self._db, tables_in(wanted, self._parts), expression, wanted, deadline)
            return list(islice(filter(is_wanted, positions), limit))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            # If the disk is full, SQLite may have rolled back already.
            with suppress(sqlite3.Error):
                self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _empty_write_ahead_file(self) -> None:
        """Write everything to the main file and empty the `-wal` file, which may have pages with erased words."""
        self._db.execute("pragma wal_checkpoint(truncate)").fetchall()

    def _number(self, statement: str) -> int:
        ((value,),) = self._db.execute(statement).fetchall()
        return int(value)


def create_private(path: Path) -> None:
    """Create the file, readable only by its owner, unless it exists. Raises OSError, also if it is no regular file."""
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT)
    try:
        # If root runs the command that creates it, the server, which runs as another user, must be able to write it.
        give_to_owner_of(path.with_suffix(""), descriptor)
    finally:
        os.close(descriptor)


def remove_index(path: Path) -> None:
    """Remove the files of an index. Raises OSError."""
    # The -wal file first: SQLite would apply a leftover one to a new file of the same name.
    for suffix in ("-wal", "-shm", "-journal", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
