"""The index follows the room, whatever file exists at the start, and after faults while it runs."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from chatr.adapters.search.fts5 import Fts5Index, is_damage
from chatr.adapters.stores.memory import MemoryLog
from chatr.domain.events import Cursor
from chatr.domain.limits import MESSAGES_IN_MEMORY
from chatr.node.node import Node
from chatr.ports import LogChanged, LogUnavailable, Stored
from chatr.search_types import SearchNotReady, SearchUnavailable
from chatr.testing.faulty_log import FaultyLog
from chatr.testing.records import log_with, records_of
from tests.node_agents import register_agent
from tests.search.nodes import SearchedNode, log_of, posts, searched_node

MANY: Final = MESSAGES_IN_MEMORY + 1_500
"""Messages of which the first ones are read from the log."""


async def test_old_and_new_messages_are_found(path: Path) -> None:
    """A message is found right after it was posted, and also when it is no longer in memory."""
    log = await log_of(*(f"number {number}" for number in range(MANY)))
    async with searched_node(log, path) as room:
        agent = await register_agent(room.node)
        (new,) = await agent.post("number of the newest")
        found = [await room.find(query) for query in ("number 0", f"number {MANY - 1}", "newest")]

    assert found == [[3], [MANY + 2], [int(new)]]


async def test_a_restart_indexes_only_what_is_new(path: Path) -> None:
    """A restart keeps the index file, and adds the messages that were posted meanwhile."""
    log = FaultyLog(await log_of("one", "two"))
    async with searched_node(log, path) as room:
        await room.find("one")
    inode = inode_of(path)
    async with searched_node(log) as room:
        (third,) = await (await register_agent(room.node)).post("three")
    async with searched_node(log, path) as room:
        found = [await room.find(query) for query in ("one", "two", "three")]

    assert found == [[3], [4], [int(third)]]
    assert inode_of(path) == inode


def inode_of(path: Path) -> int:
    return path.stat().st_ino


def write_garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1_000)


def damage_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def change_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("pragma user_version = 999")
        db.execute("insert into part_0 (rowid, content) values (77, 'one')")
    db.close()


def put_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("create table log (position integer)")
    db.close()


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def drop_a_table(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("drop table part_0")
    db.close()


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, write_garbage, damage_pages, cut_off, change_version, put_database, empty_file, drop_a_table],
)
async def test_an_unusable_index_is_rebuilt(path: Path, damage: Callable[[Path], None]) -> None:
    """An index that is missing, damaged, foreign or of another version is replaced by a complete one."""
    log = await log_of("one", "two")
    async with searched_node(log, path) as room:
        await room.find("one")
    damage(path)
    async with searched_node(log, path) as room:
        found = await find_when_ready(room, "one")

    assert found == [3]


async def find_when_ready(room: SearchedNode, query: str) -> list[int]:
    """What is found once the index can be used."""
    while True:
        try:
            return list(await room.find(query))
        except SearchUnavailable:
            await asyncio.sleep(0.01)


def lose_table(room: SearchedNode, _path: Path) -> None:
    """Remove a table of the open index, as a disk does that loses writes."""
    room.search._index._file._db.execute("drop table part_0")  # type: ignore[attr-defined] # noqa: SLF001 -- as above


def cut_off_open_file(room: SearchedNode, path: Path) -> None:
    """Truncate the files of the open index."""
    for each in (path, Path(f"{path}-wal")):
        os.truncate(each, 4096 if each == path else 0)
    # What is in SQLite's cache is not read again.
    room.search._index._file._db.execute("pragma shrink_memory")  # type: ignore[attr-defined] # noqa: SLF001 -- as above


@pytest.mark.parametrize("damage", [lose_table, cut_off_open_file])
async def test_an_index_damaged_while_open_is_rebuilt(path: Path, damage: Callable[[SearchedNode, Path], None]) -> None:
    """An index that loses a table or its file while the node runs is rebuilt; searches fail until then."""
    log = await log_of("one", "two")
    async with searched_node(log, path) as room:
        await room.find("one")
        damage(room, path)
        with pytest.raises(SearchUnavailable):
            await room.find("one")
        found = await find_when_ready(room, "one")

    assert found == [3]


async def other_log(*texts: str) -> MemoryLog:
    """A log that has nothing in common with that of `log_of`."""
    events = posts(*texts)
    return await log_with(MemoryLog(), [evolve(each, id=str(uuid4())) for each in records_of([*events[:1], *events])])


@pytest.mark.parametrize("texts", [("one", "other"), ("one",), ("one", "two", "three")])
async def test_an_index_of_another_log_is_rebuilt(path: Path, texts: tuple[str, ...]) -> None:
    """An index of a replaced log is rebuilt, whether the new log is longer or shorter."""
    async with searched_node(await log_of("one", "two"), path) as room:
        await room.find("one")
    async with searched_node(await other_log(*texts), path) as room:
        found = [await room.find(query) for query in ("one", "two")]

    assert found == [[4], [5] if "two" in texts else []]


async def test_an_index_ahead_of_its_log_is_rebuilt(path: Path) -> None:
    """After a restore from a backup, which has fewer records than the index, the index is rebuilt."""
    async with searched_node(await log_of("one", "two", "three"), path) as room:
        await room.find("one")
    async with searched_node(await log_of("one"), path) as room:
        found = [await room.find(query) for query in ("one", "two", "three")]

    assert found == [[3], [], []]


class ReplaceableLog(FaultyLog):
    """A log that can be replaced while it is followed."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__(log)
        self._replaced = asyncio.Event()

    def replace_by(self, log: MemoryLog) -> None:
        self.log = log
        self._replaced.set()

    async def replaced_room(self, node: Node) -> None:
        """Wait until the node has read the log that replaced the first one."""
        old = node.room
        while node.room is old:  # noqa: ASYNC110 -- the follower completes no future for this
            await asyncio.sleep(0)

    async def tail(self, after: Cursor | None) -> AsyncIterator[list[Stored]]:
        """As `LogReader.tail`."""
        log, replaced = self.log, asyncio.create_task(self._replaced.wait())
        tail = aiter(self.log.tail(after))
        while True:
            batch = asyncio.ensure_future(anext(tail))
            await asyncio.wait([batch, replaced], return_when=asyncio.FIRST_COMPLETED)
            if self.log is not log:
                batch.cancel()
                self._replaced.clear()
                raise LogChanged("The log was replaced.")
            yield await batch


async def test_a_log_that_is_replaced_meanwhile() -> None:
    """After the log was replaced, a search finds only messages of the new log."""
    log = ReplaceableLog(await log_of("one", "two"))
    async with searched_node(log) as room:
        await room.find("one")
        log.replace_by(await other_log("other"))
        await log.replaced_room(room.node)
        found = [await find_when_ready(room, query) for query in ("one", "other")]

    assert found == [[], [4]]


async def test_a_log_that_is_away_is_read_later() -> None:
    """While the log cannot be read, a search fails with the reason; indexing continues by itself."""
    log = FaultyLog(await log_of(*["one"] * MANY))
    log.fail("read", LogUnavailable("the store is away"), times=1_000_000)
    async with searched_node(log) as room:
        with pytest.raises(SearchNotReady, match="the store is away"):
            await room.find("one")
        log.heal()
        found = await find_when_ready(room, "one")

    assert len(found) == 100


async def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """If the index file cannot be created, the node runs, and searches fail with the reason."""
    async with searched_node(await log_of("one"), tmp_path / "missing" / "room.search") as room:
        with pytest.raises(SearchUnavailable, match="No such file or directory"):
            await room.find("one")


async def test_a_folder_at_the_path_is_not_replaced(tmp_path: Path) -> None:
    """A folder in the place of the index stays, and searches fail."""
    async with searched_node(await log_of("one"), tmp_path) as room:
        with pytest.raises(SearchUnavailable, match="something else"):
            await room.find("one")

    assert os.path.isdir(tmp_path)  # noqa: PTH112, ASYNC240 -- a moment, in a test


@pytest.mark.parametrize("put", [put_database, write_garbage])
async def test_a_foreign_file_is_not_replaced(path: Path, put: Callable[[Path], None]) -> None:
    """A file of another program at a path that the operator gave stays as it is, and searches fail."""
    write_garbage(path)
    put(path)
    before = bytes_of(path)
    index = Fts5Index(path, replaces_foreign_file=False)
    async with searched_node(await log_of("one"), index=index) as room:
        with pytest.raises(SearchUnavailable, match=r"another program|not a database"):
            await room.find("one")

    assert bytes_of(path) == before


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("create virtual table others using fts99 (content)", False),
        ("select json_no_array(1)", False),
        ("select * from words where words match 'AND'", False),
        ("select * from part_7", True),
    ],
)
def test_what_counts_as_damage(statement: str, expected: bool) -> None:
    """A SQLite without FTS5, and a query that it does not understand, do not count as damage."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create virtual table words using fts5 (content)")
        with pytest.raises(sqlite3.Error) as raised:
            db.execute(statement).fetchall()

    assert is_damage(raised.value) == expected


async def test_two_nodes_with_one_file(path: Path) -> None:
    """A second process cannot open an index in use, and does not disturb the first one."""
    log = await log_of("one")
    async with searched_node(log, path) as first:
        await first.find("one")
        async with searched_node(log, path) as second:
            with pytest.raises(SearchUnavailable, match="locked"):
                await second.find("one")
        found = await first.find("one")

    assert found == [3]


KILLED = """
import asyncio, os, sys
from chatr.adapters.search.index_file import IndexFile
from chatr.search_types import IndexedUntil
index = IndexFile(__import__("pathlib").Path(sys.argv[1]))
add, count = IndexFile.add, 0
index.add([(3, "one")], IndexedUntil(sys.argv[2], 3, sys.argv[3]))
index._db.execute("begin")
index._insert("part_0", [(4, "two"), (5, "lost")])
os.kill(os.getpid(), 9)
"""


@pytest.mark.long
async def test_a_kill_in_the_middle_of_indexing(path: Path) -> None:
    """After kill -9 the index has every committed message, and indexing continues from there."""
    log = await log_of("one", "two")
    records = await log.read(0, 10)
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, path, records[0].id, records[2].id)
    code = await program.wait()
    with capture_logs() as lines:
        async with searched_node(log, path) as room:
            found = [await room.find(query) for query in ("one", "two", "lost")]

    assert code == -9
    assert found == [[3], [4], []]
    assert [line["event"] for line in lines] == []
